//! The suite on PostgreSQL.

#[path = "suite.rs"]
mod suite;

/// Which database the suite opens.
const POSTGRES: bool = true;
