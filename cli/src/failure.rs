//! The error of a command: stable code, cause, next step and exit code.

use license_core::Code;

/// Travels inside of `anyhow::Error`; `Output::error` finds it there by downcast.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) remedy: Option<String>,
    /// Both in Chinese, where they were written in it.
    pub(crate) chinese: Option<(String, String)>,
    pub(crate) exit: u8,
}

impl Failure {
    /// Wrong usage, an unreadable file, an unreachable server: exit code 2.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), remedy: None, chinese: None, exit: 2 }
    }

    /// The request was understood and refused: exit code 1.
    pub(crate) fn refused(code: Code, message: impl Into<String>) -> Self {
        Self { exit: 1, ..Self::new(code, message) }
    }

    /// Adds the next step.
    pub(crate) fn advise(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Says both in Chinese, too.
    pub(crate) fn chinese(mut self, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        self.chinese = Some((message.into(), remedy.into()));
        self
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
