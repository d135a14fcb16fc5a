//! Every rule of how calls are judged, through the desk, on a real database, against a
//! marketplace on loopback. One suite, run on each database.

mod on_postgres;
pub(crate) mod on_sqlite;

pub(crate) use on_sqlite::bench;
