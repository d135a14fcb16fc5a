//! The content of every file of `tests/vectors`, always the same: fixed keys, fixed times. The
//! expectations are written beside the cases, from reading FORMAT.md and not from running a
//! verifier; keys, digests and signatures are computed here, without `license-core`.

mod algorithm;
mod binding;
mod book;
mod document;
mod forge;
mod key;
mod lists;
mod payload;
mod terms;
mod text;

/// Every file: its name and its text.
#[must_use]
pub fn files() -> Vec<(String, String)> {
    [
        algorithm::book(),
        binding::book(),
        binding::devices(),
        document::book(),
        key::book(),
        key::sets(),
        lists::book(),
        payload::book(),
        terms::book(),
        text::book(),
    ]
    .iter()
    .map(book::Book::file)
    .collect()
}
