//! Every rule of how calls are judged, through the desk, on a real database, against a
//! marketplace on loopback. One suite, run on each database.

mod on_postgres;
mod on_sqlite;
