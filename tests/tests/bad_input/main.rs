//! Bad input: each with a clear message, a stable code and a clean state afterwards.
#![expect(clippy::unwrap_used, reason = "a surprise is the failure of the test")]

mod activities;
mod bodies;
mod first_edition;
mod kit;
mod licenses;
mod operation;
mod programs;
mod usage;
