//! Every rule of how calls are judged, through the app, on a real database, against a
//! marketplace on loopback. One suite, run on each database.

#[expect(clippy::duplicate_mod, reason = "one suite, two databases")]
mod on_postgres;
pub(crate) mod on_sqlite;

pub(crate) use on_sqlite::fixture;
