//! Replies to C++, and the guard that stops panics at the boundary.

use std::panic::{self, AssertUnwindSafe};

use license_core::{Code, Lang};

use crate::{
    bridge::Reply,
    codes::{number, report},
};

impl Reply {
    /// Success with something to give.
    pub(crate) fn give(text: impl Into<String>) -> Self {
        Self { code: number(Code::Ok), text: text.into() }
    }

    /// The outcome `code`, explained unless it is success.
    pub(crate) fn of(code: Code) -> Self {
        Self::explained(code, "")
    }

    /// The outcome `code` with what is known about this case.
    pub(crate) fn explained(code: Code, detail: &str) -> Self {
        let text = if code == Code::Ok { String::new() } else { report(number(code), detail) };
        Self { code: number(code), text }
    }
}

/// Runs the body of an exported function. A panic becomes `INTERNAL`: cxx would abort the program.
pub(crate) fn guard(body: impl FnOnce() -> Reply) -> Reply {
    panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| Reply {
        code: number(Code::Internal),
        text: format!(
            r#"{{"code":"{}","message":"{}","message_zh":"{}"}}"#,
            Code::Internal,
            Code::Internal.message(Lang::En),
            Code::Internal.message(Lang::Zh),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_internal() {
        let reply = guard(|| panic!("a defect"));
        assert_eq!(reply.code, 255);
        let report: serde_json::Value = serde_json::from_str(&reply.text).unwrap();
        assert_eq!(report["code"], "INTERNAL");
    }

    #[test]
    fn success_carries_no_report() {
        assert_eq!(Reply::of(Code::Ok).text, "");
        let refused = Reply::explained(Code::ConfigInvalid, "trust is empty");
        assert_eq!(refused.code, 41);
        assert!(refused.text.contains("trust is empty"), "{}", refused.text);
    }
}
