//! The only place that prints.

use std::io::{self, Write as _};

/// One line of the result.
pub(crate) fn line(text: &str) {
    let mut out = io::stdout().lock();
    // A reader that went away must not turn a measurement into a failure.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// What is being done, for whoever waits; never among the results.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
