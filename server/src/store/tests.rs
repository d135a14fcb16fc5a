//! What every database behind [`super::Tx`] must do. One suite, run on each of them.

mod alike;
mod file;
#[expect(clippy::duplicate_mod, reason = "one suite, two databases")]
mod on_postgres;
mod on_sqlite;
