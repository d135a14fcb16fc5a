//! The language of the sentences that a report holds.

/// One of the two languages that people read reports in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Language {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}
