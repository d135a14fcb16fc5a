//! The database behind one object-safe transaction trait. All SQL is below this folder; no rule
//! is. The traits say what a database must do, `sqlite` and `postgres` do it.

mod alerts;
mod applications;
mod audit;
mod backlog;
mod backup;
#[cfg(test)]
pub(crate) mod cluster;
mod codes;
mod footprint;
mod instances;
mod joint_kit;
mod lease;
mod licenses;
mod machines;
mod notices;
mod orders;
mod postgres;
mod products;
mod queue;
mod retention;
mod row_cache;
mod schema_version;
mod signed_lists;
mod sqlite;
#[cfg(test)]
mod tests;
mod text_enum;
mod tokens;
mod uploads;
mod usage;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use crate::config::{Database, Secret};

pub(crate) use alerts::{AlertQuery, AlertRow, AlertTarget, Alerts, DeliveryRow, DeliveryState};
pub(crate) use applications::{Accepted, Application, ApplicationState, Applications, Cursor};
pub(crate) use audit::{Audit, AuditQuery, AuditRow};
pub(crate) use backlog::{Wait, Waits};
pub(crate) use backup::{NotEmpty, RestoreTarget, Snapshot, Table};
pub(crate) use codes::{CodeQuery, CodeRow, CodeState, Codes};
pub(crate) use footprint::Footprint;
pub(crate) use instances::{Instance, InstanceQuery, InstanceState, Instances, Terms};
pub(crate) use joint_kit::{
    Kit, KitApplication, KitDoor, KitOrganisation, KitOrganisationHead, KitQuery, KitTenant,
    KitUser,
};
pub(crate) use lease::Lease;
pub(crate) use licenses::{LicenseQuery, LicenseRow, LicenseState, Licenses};
pub(crate) use machines::{Machine, MachineQuery, Machines};
pub(crate) use notices::{NoticeQuery, NoticeRow, NoticeState, Notices};
pub(crate) use orders::{OrderRow, OrderState, Orders};
pub(crate) use products::{ProductRow, Products};
pub(crate) use queue::{Queue, Queues};
pub(crate) use retention::Sweeps;
pub(crate) use signed_lists::{ListKey, ListRow, Lists, ReleaseRow};
pub(crate) use tokens::{Admin, Role, TokenRow};
pub(crate) use uploads::{Parcel, UploadQuery, UploadRow, UploadState, Uploads};
pub(crate) use usage::{Usage, UsageDelay, UsageQuery, UsageRow, UsageState};

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

/// One transaction. Dropping it without [`Tx::commit`] rolls it back.
#[async_trait]
pub(crate) trait Tx:
    Admin
    + Alerts
    + Applications
    + Audit
    + Codes
    + Instances
    + Kit
    + Licenses
    + Lists
    + Machines
    + Notices
    + Orders
    + Products
    + Queues
    + Sweeps
    + Uploads
    + Usage
    + Waits
    + Send
{
    /// Locks what several servers must not change at once, and reads ahead what the footprint names.
    /// Comes first, and once.
    async fn prepare(&mut self, footprint: &Footprint) -> Result<(), StoreError>;
    /// Makes everything durable, or nothing.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
    /// Gives everything up, and the connection back.
    async fn rollback(self: Box<Self>);
}

/// The database that the configuration names.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    /// One file beside the keys.
    Sqlite(sqlite::Sqlite),
    /// A server of its own, for one `licd` or for several.
    Postgres(postgres::Postgres),
}

impl Store {
    /// Opens the database, making and migrating it as needed.
    ///
    /// The caller holds the lock of `dir`; PostgreSQL has one of its own.
    pub(crate) async fn open(database: &Database, dir: &Path) -> Result<Self, StoreError> {
        match database {
            Database::Sqlite => sqlite::Sqlite::open(&file(dir), true).await.map(Self::Sqlite),
            Database::Postgres(url) => {
                postgres::Postgres::open(url, true).await.map(Self::Postgres)
            }
        }
    }

    /// Opens the database that another process serves, without migrating it.
    pub(crate) async fn open_beside(database: &Database, dir: &Path) -> Result<Self, StoreError> {
        match database {
            Database::Sqlite => sqlite::Sqlite::open(&file(dir), false).await.map(Self::Sqlite),
            Database::Postgres(url) => {
                postgres::Postgres::open(url, false).await.map(Self::Postgres)
            }
        }
    }

    /// Whether the database has ever been one of licd's.
    pub(crate) async fn is_made(database: &Database, dir: &Path) -> Result<bool, StoreError> {
        match database {
            Database::Sqlite => sqlite::is_made(&file(dir)).await,
            Database::Postgres(url) => postgres::is_made(url).await,
        }
    }

    /// One moment of the database, for a backup; another process may serve it meanwhile.
    pub(crate) async fn snapshot(
        database: &Database,
        dir: &Path,
    ) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(match database {
            Database::Sqlite => Box::new(sqlite::SqliteSnapshot::open(&file(dir)).await?),
            Database::Postgres(url) => Box::new(postgres::PgSnapshot::open(url).await?),
        })
    }

    /// An empty database with the tables of that version, to be filled from a backup.
    pub(crate) async fn restore_target(
        database: &Database,
        dir: &Path,
        version: i64,
    ) -> Result<Box<dyn RestoreTarget>, NotEmpty> {
        Ok(match database {
            Database::Sqlite => {
                Box::new(sqlite::SqliteRestoreTarget::open(&file(dir), version).await?)
            }
            Database::Postgres(url) => {
                Box::new(postgres::PgRestoreTarget::open(url, version).await?)
            }
        })
    }

    /// The newest version of the tables that this program knows.
    pub(crate) fn newest_version() -> i64 {
        sqlite::MIGRATOR.iter().map(|step| step.version).max().unwrap_or_default()
    }

    /// Whether `url` can be used at all; without repeating it, because it may hold a password.
    pub(crate) fn check_url(url: &Secret) -> Result<(), String> {
        postgres::options(url).map(|_| ())
    }

    /// Whether other servers may use it at the same time.
    pub(crate) const fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Begins to write; others wait until this ends, so nothing of the network is awaited in it.
    pub(crate) async fn write(&self) -> Result<Box<dyn Tx>, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write().await,
            Self::Postgres(postgres) => postgres.write().await,
        }
    }

    /// A view that nobody's writing changes, and that keeps nobody from writing.
    pub(crate) async fn read(&self) -> Result<Box<dyn Tx>, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read().await,
            Self::Postgres(postgres) => postgres.read().await,
        }
    }

    /// Whether nothing can be written because the database only follows another one.
    pub(crate) async fn is_standby(&self) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(false),
            Self::Postgres(postgres) => postgres.is_standby().await,
        }
    }

    /// Closes every connection, folding SQLite's write-ahead log into the file.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}

/// Where SQLite keeps it.
fn file(dir: &Path) -> PathBuf {
    dir.join("licd.db")
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                if let Some(postgres) = database.try_downcast_ref::<PgDatabaseError>() {
                    return postgres::meaning(postgres);
                }
                match database.try_downcast_ref::<SqliteError>() {
                    Some(sqlite) => sqlite::meaning(sqlite),
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
