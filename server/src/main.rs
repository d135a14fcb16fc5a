//! Filled by the first commits.
fn main() {}
