//! Writes the vector files of `tests/vectors`, always the same: fixed keys, fixed times. The
//! expectations stand beside the cases, from reading FORMAT.md and not from running a verifier.

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

/// Every file with its name.
pub(crate) fn files() -> Vec<(String, String)> {
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
