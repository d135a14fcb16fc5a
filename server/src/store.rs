//! The database behind one object-safe transaction trait. All SQL is below this folder; no rule
//! is. The traits say what a database must do, `sqlite` does it.

mod admin;
mod applications;
mod instances;
mod licenses;
mod lists;
mod machines;
mod orders;
mod products;
mod sqlite;
#[cfg(test)]
mod tests;
mod uploads;
mod words;

use std::path::Path;

use async_trait::async_trait;

pub(crate) use admin::{Admin, Role, TokenRow};
pub(crate) use applications::{Application, ApplicationState, Applications, Cursor};
pub(crate) use instances::{Instance, InstanceQuery, InstanceState, Instances, Terms};
pub(crate) use licenses::{LicenseQuery, LicenseRow, LicenseState, Licenses};
pub(crate) use lists::{ListKey, ListRow, Lists, ReleaseRow};
pub(crate) use machines::{Machine, Machines};
pub(crate) use orders::{OrderRow, OrderState, Orders};
pub(crate) use products::{ProductRow, Products};
pub(crate) use uploads::{UploadQuery, UploadRow, UploadState, Uploads};

/// Why the database did not do what was asked. Never tells about a rule: rules answer with data.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum StoreError {
    /// There is no room, or the disk fails; nothing was changed.
    #[error("the database could not be written: {0}")]
    Disk(String),
    /// No connection, a time-out, the service is stopping; nothing was changed.
    #[error("the database did not answer: {0}")]
    Unavailable(String),
    /// A statement or a row that should not exist: a fault of this program.
    #[error("the database holds or refuses what this program does not expect: {0}")]
    Broken(String),
}

/// One transaction. Dropping it without [`Tx::commit`] rolls it back.
#[async_trait]
pub(crate) trait Tx:
    Admin + Applications + Instances + Licenses + Lists + Machines + Orders + Products + Uploads + Send
{
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
}

impl Store {
    /// Opens the database in `dir`, making and migrating it as needed.
    ///
    /// The caller holds the folder's lock, so nobody migrates beside this.
    pub(crate) async fn open_sqlite(dir: &Path) -> Result<Self, StoreError> {
        sqlite::Sqlite::open(&dir.join("licd.db"), true).await.map(Self::Sqlite)
    }

    /// Opens the database that another process serves, without migrating it.
    pub(crate) async fn open_sqlite_beside(dir: &Path) -> Result<Self, StoreError> {
        sqlite::Sqlite::open(&dir.join("licd.db"), false).await.map(Self::Sqlite)
    }

    /// Begins to write; others wait until this ends, so nothing of the network is awaited in it.
    pub(crate) async fn write(&self) -> Result<Box<dyn Tx>, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write().await,
        }
    }

    /// A view that nobody's writing changes, and that keeps nobody from writing.
    pub(crate) async fn read(&self) -> Result<Box<dyn Tx>, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read().await,
        }
    }

    /// Closes every connection, folding the write-ahead log into the file.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
        }
    }
}
