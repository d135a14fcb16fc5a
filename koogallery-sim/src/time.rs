//! Times in the forms that calls, answers and reports write them in.

use jiff::Timestamp;

/// UTC seconds in a form of strftime; empty outside of the years that a calendar can print.
#[must_use]
pub fn stamp(format: &str, seconds: i64) -> String {
    Timestamp::from_second(seconds).map(|at| at.strftime(format).to_string()).unwrap_or_default()
}
