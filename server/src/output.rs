//! What `licd` prints itself: for people on a terminal, as JSON lines otherwise. The only module
//! that writes to standard output besides the log.

use std::io::{IsTerminal as _, Write as _};

use license_core::Lang;
use serde_json::{Map, Value};

/// Where to print, and in which form and language.
pub(crate) struct Output {
    terminal: bool,
    lang: Lang,
}

impl Output {
    /// As standard output and the locale of this process ask for.
    pub(crate) fn of_this_process() -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|text| !text.is_empty()));
        let lang =
            if locale.is_some_and(|text| text.starts_with("zh")) { Lang::Zh } else { Lang::En };
        Self { terminal: std::io::stdout().is_terminal(), lang }
    }

    /// One of two texts, by language.
    pub(crate) fn pick<'a>(&self, en: &'a str, zh: &'a str) -> &'a str {
        if self.lang == Lang::Zh { zh } else { en }
    }

    /// The language of this process.
    pub(crate) const fn lang(&self) -> Lang {
        self.lang
    }

    /// Something that happened to a running server: `text` on a terminal, otherwise one JSON
    /// object with `message` and `fields`. Shown whatever the log level is.
    pub(crate) fn event(&self, now: &str, text: &str, message: &str, fields: Map<String, Value>) {
        if self.terminal {
            write_out(&format!("{text}\n"));
            return;
        }
        let mut object = Map::new();
        object.insert("timestamp".to_owned(), now.into());
        object.insert("level".to_owned(), "INFO".into());
        object.insert("message".to_owned(), message.into());
        object.extend(fields);
        write_out(&format!("{}\n", Value::Object(object)));
    }
}

/// A result, on standard output as it is.
pub(crate) fn text(text: &str) {
    write_out(text);
}

/// Something beside the result, on standard error.
pub(crate) fn note(text: &str) {
    write_err(text);
}

/// How far something is, on one line that changes, where somebody looks at a terminal.
pub(crate) fn progress(line: &str) {
    if std::io::stderr().is_terminal() {
        let mut out = std::io::stderr().lock();
        let _ = write!(out, "\r\x1b[2K{line}").and_then(|()| out.flush());
    }
}

/// Something that is probably not meant.
pub(crate) fn warning(text: &str) {
    write_err(&format!("warning: {text}"));
}

/// Why the program stops. What is wrong with a configuration stands on lines of its own.
pub(crate) fn failure(text: &str, configuration: bool) {
    if configuration {
        write_err("licd: the configuration cannot be used:");
        for line in text.lines() {
            write_err(&format!("  {line}"));
        }
    } else {
        write_err(&format!("licd: {text}"));
    }
}

/// A closed pipe is no reason to fail: nobody reads any more.
fn write_out(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// As [`write_out`]; `eprintln!` would panic where nobody reads.
fn write_err(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
