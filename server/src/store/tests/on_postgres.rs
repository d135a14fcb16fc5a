//! The suite on PostgreSQL.

#[path = "batches.rs"]
mod batches;
#[path = "codes.rs"]
mod codes;
#[path = "first_edition.rs"]
mod first_edition;
#[path = "kit.rs"]
mod kit;
#[path = "outbox.rs"]
mod outbox;
#[path = "plans.rs"]
mod plans;
#[path = "suite.rs"]
mod suite;

/// Which database the suite opens.
const POSTGRES: bool = true;
