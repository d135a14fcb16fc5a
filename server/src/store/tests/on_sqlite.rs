//! The suite on SQLite.

#[path = "suite.rs"]
mod suite;

/// Which database the suite opens.
const POSTGRES: bool = false;
