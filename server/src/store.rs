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
mod error;
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
mod transaction;
mod uploads;
mod usage;

use std::path::{Path, PathBuf};

use crate::config::{Database, Secret};

pub(crate) use alerts::{AlertQuery, AlertRow, AlertTarget, Alerts, DeliveryRow, DeliveryState};
pub(crate) use applications::{Accepted, Application, ApplicationState, Applications, Cursor};
pub(crate) use audit::{Audit, AuditQuery, AuditRow};
pub(crate) use backlog::{Wait, Waits};
pub(crate) use backup::{NotEmpty, RestoreTarget, Snapshot, Table};
pub(crate) use codes::{CodeQuery, CodeRow, CodeState, Codes};
pub(crate) use error::StoreError;
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
pub(crate) use transaction::Tx;
pub(crate) use uploads::{Parcel, UploadQuery, UploadRow, UploadState, Uploads};
pub(crate) use usage::{Usage, UsageDelay, UsageQuery, UsageRow, UsageState};

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
