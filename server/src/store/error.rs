//! Why the database did not do what was asked, read from both drivers' errors.

use sqlx::error::DatabaseError as _;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// Why the database did not do what was asked. Never tells about a rule: rules answer with data.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum StoreError {
    /// There is no room, or the disk fails; nothing was changed.
    #[error("the database could not be written: {0}")]
    Disk(String),
    /// No connection, a time-out, the service is stopping; nothing was changed.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database gave up one statement, which took too long; nothing was changed.
    #[error("the database took too long: {0}")]
    Slow(String),
    /// Two servers stood in each other's way; nothing was changed, and trying again helps.
    #[error("another server changed the same: {0}")]
    Contended(String),
    /// The tables are of another version than this program.
    #[error("{0}")]
    Version(String),
    /// A statement or a row that should not exist: a fault of this program.
    #[error("the database holds or refuses what this program does not expect: {0}")]
    Broken(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                if let Some(postgres) = database.try_downcast_ref::<PgDatabaseError>() {
                    return of_postgres(postgres);
                }
                match database.try_downcast_ref::<SqliteError>() {
                    Some(sqlite) => of_sqlite(sqlite),
                    None => Self::Broken(error.to_string()),
                }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unavailable(error.to_string()),
            _ => Self::Broken(error.to_string()),
        }
    }
}

/// What an error of PostgreSQL's means, by the classes of its manual's appendix A.
fn of_postgres(error: &PgDatabaseError) -> StoreError {
    // Its own text has a line of PostgreSQL's source behind it.
    let text = error.message().to_owned();
    match error.code() {
        // Two of us waited for each other; a lock was not given in time.
        "40001" | "40P01" | "55P03" => StoreError::Contended(text),
        "53100" | "58030" => StoreError::Disk(text),
        "57014" => StoreError::Slow(text),
        // Read-only: a standby, or one that was one until now. The former refuses to begin.
        "25006" | "25P03" | "0A000" => StoreError::Unavailable(text),
        // No connection, no resources, an operator steps in, who we are is not accepted.
        code if ["08", "53", "57", "28"].iter().any(|class| code.starts_with(class)) => {
            StoreError::Unavailable(text)
        }
        // No such database; a right that the role does not have.
        "3D000" | "42501" => StoreError::Unavailable(text),
        _ => StoreError::Broken(text),
    }
}

/// What an error of SQLite's means.
fn of_sqlite(error: &SqliteError) -> StoreError {
    /// SQLite's primary result codes for what the machine, not the program, did wrong.
    const BUSY: i32 = 5;
    const READONLY: i32 = 8;
    const IOERR: i32 = 10;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;

    let code = error.code().and_then(|code| code.parse::<i32>().ok());
    match code.map(|code| code & 0xff) {
        Some(READONLY | IOERR | FULL | CANTOPEN) => StoreError::Disk(error.to_string()),
        Some(BUSY) => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Broken(error.to_string()),
    }
}
