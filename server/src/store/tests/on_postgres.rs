//! The suite on PostgreSQL.

#[path = "batches.rs"]
mod batches;
#[path = "first_edition.rs"]
mod first_edition;
#[path = "kit.rs"]
mod kit;
#[path = "suite.rs"]
mod suite;

/// Which database the suite opens.
const POSTGRES: bool = true;
