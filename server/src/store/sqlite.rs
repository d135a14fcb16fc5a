//! SQLite: one writer that commits durably, readers apart from it.

mod admin;
mod alerts;
mod applications;
mod audit;
mod backup;
mod batch;
mod codes;
mod instances;
mod kit;
mod licenses;
mod lists;
mod machines;
mod notices;
mod orders;
mod products;
mod sweep;
mod uploads;
mod usage;
mod waits;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use sqlx::error::DatabaseError as _;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteError, SqliteJournalMode, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, SqlitePool, Transaction};

use super::batch::Batch;
use super::{Locks, StoreError, Tx, version};

pub(super) use backup::{SqliteSnapshot, SqliteVacancy};

/// The tables, step by step.
pub(super) static MIGRATOR: Migrator = sqlx::migrate!("migrations/sqlite");

/// The writer's page cache in KiB, as the pragma counts: what a batch touches lies apart, and
/// pages that were dropped are read again.
const WRITER_CACHE: &str = "-16384";
/// Pages of the write-ahead log before they are copied into the database (16 MiB): a page that
/// many batches change is copied once.
const WAL_PAGES: &str = "4096";
/// Connections that only read; each is a thread of SQLite's.
const READERS: u32 = 4;

/// The two pools of one database file.
#[derive(Clone, Debug)]
pub(crate) struct Sqlite {
    /// One connection: SQLite has one writer, and a queue of ours is fairer than its lock.
    writer: SqlitePool,
    readers: SqlitePool,
    #[cfg(test)]
    limit: std::sync::Arc<std::sync::atomic::AtomicI64>,
}

impl Sqlite {
    pub(super) async fn open(path: &Path, migrate: bool) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(migrate)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .statement_cache_capacity(200)
            .busy_timeout(Duration::from_secs(5))
            .disable_statement_logging();
        let writing = options
            .clone()
            .pragma("cache_size", WRITER_CACHE)
            .pragma("wal_autocheckpoint", WAL_PAGES);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(writing)
            .await?;
        if migrate {
            let ran = MIGRATOR.run(&writer).await;
            ran.map_err(|error| version::migration_error(error, &MIGRATOR))?;
        } else {
            let found = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
                .fetch_one(&writer)
                .await?;
            version::check(found, &MIGRATOR)?;
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options);
        Ok(Self {
            writer,
            readers,
            #[cfg(test)]
            limit: std::sync::Arc::default(),
        })
    }

    pub(super) async fn write(&self) -> Result<Box<dyn Tx>, StoreError> {
        let connection = self.writer.acquire().await?;
        #[cfg(test)]
        let connection = self.limited(connection).await;
        let stage = Stage::Waiting;
        Ok(Box::new(SqliteTx::new(Hold::Write { connection, stage })))
    }

    pub(super) async fn read(&self) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(SqliteTx::new(Hold::Read(self.readers.begin().await?))))
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Lets the file grow to `pages` and no further: a full disk, for tests. 0 lifts the limit.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: i64) {
        self.limit.store(pages, std::sync::atomic::Ordering::SeqCst);
    }

    /// A connection forgets its limit, and is replaced after a full disk.
    #[cfg(test)]
    async fn limited(
        &self,
        mut connection: PoolConnection<sqlx::Sqlite>,
    ) -> PoolConnection<sqlx::Sqlite> {
        let pages = match self.limit.load(std::sync::atomic::Ordering::SeqCst) {
            0 => 1_000_000,
            pages => pages,
        };
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::query(sql).execute(&mut *connection).await.unwrap();
        connection
    }

    /// How a connection is set up.
    #[cfg(test)]
    pub(crate) async fn pragma(&self, name: &str) -> String {
        use sqlx::Row as _;
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA {name}"));
        let row = sqlx::query(sql).fetch_one(&self.writer).await.unwrap();
        row.try_get::<String, _>(0).unwrap_or_else(|_| row.get::<i64, _>(0).to_string())
    }

    /// How large the file is now, in pages.
    #[cfg(test)]
    pub(crate) async fn pages(&self) -> i64 {
        sqlx::query_scalar("PRAGMA page_count").fetch_one(&self.writer).await.unwrap()
    }

    /// What SQLite itself finds wrong with the file: `ok`.
    #[cfg(test)]
    pub(crate) async fn integrity(&self) -> String {
        sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&self.writer).await.unwrap()
    }
}

/// One transaction on one connection.
struct SqliteTx {
    hold: Hold,
    batch: Batch,
}

enum Hold {
    Read(Transaction<'static, sqlx::Sqlite>),
    /// Begun and ended here: after a full disk SQLite has rolled back by itself, which the
    /// driver's own bookkeeping does not expect.
    Write {
        connection: PoolConnection<sqlx::Sqlite>,
        stage: Stage,
    },
}

/// Where a writing transaction stands.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Stage {
    /// It begins with its first statement.
    Waiting,
    Begun,
    Ended,
}

/// A deferred transaction that reads and then writes fails when somebody wrote between.
const BEGIN: &str = "BEGIN IMMEDIATE";

impl SqliteTx {
    fn new(hold: Hold) -> Self {
        Self { hold, batch: Batch::default() }
    }

    /// Whether it begins now: who asks sends [`BEGIN`] first.
    fn begins(&mut self) -> bool {
        match &mut self.hold {
            Hold::Write { stage, .. } => std::mem::replace(stage, Stage::Begun) == Stage::Waiting,
            Hold::Read(_) => false,
        }
    }

    /// For [`batch`] alone: what waits is not written yet.
    fn raw(&mut self) -> &mut SqliteConnection {
        match &mut self.hold {
            Hold::Read(transaction) => transaction,
            Hold::Write { connection, .. } => connection,
        }
    }

    /// For statements that read, or that write what is never read ahead: everything that waits
    /// is written first.
    async fn written(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        if !self.batch.unwritten.is_empty() {
            self.write_out("").await?;
        } else if self.begins() {
            sqlx::query(BEGIN).execute(self.raw()).await?;
        }
        Ok(self.raw())
    }

    /// For every other statement: what was read ahead may not be true afterwards.
    async fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.batch.forget();
        self.written().await
    }

    /// Writes early what would not fit into one statement.
    async fn make_room(&mut self) -> Result<(), StoreError> {
        if self.batch.unwritten.is_full() {
            self.write_out("").await?;
        }
        Ok(())
    }
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        // A connection in an unknown state is not used again; closing it rolls back.
        if let Hold::Write { connection, stage: Stage::Begun } = &mut self.hold {
            connection.close_on_drop();
        }
    }
}

/// One parameter for a whole list: a JSON array, so that the statement is prepared once.
fn json(list: &(impl Serialize + ?Sized)) -> Result<String, StoreError> {
    serde_json::to_string(list).map_err(|error| StoreError::Broken(error.to_string()))
}

#[async_trait]
impl Tx for SqliteTx {
    async fn lock(&mut self, locks: &Locks) -> Result<(), StoreError> {
        // There is one writer, and this is its transaction: nothing needs to be locked.
        if locks.is_empty() { Ok(()) } else { self.read_ahead(locks).await }
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        // A view has nothing to commit: dropping it ends it.
        if matches!(self.hold, Hold::Write { stage: Stage::Begun, .. })
            || !self.batch.unwritten.is_empty()
        {
            self.write_out("COMMIT").await?;
        }
        if let Hold::Write { stage, .. } = &mut self.hold {
            *stage = Stage::Ended;
        }
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) {
        if let Hold::Write { connection, stage } = &mut self.hold
            && *stage == Stage::Begun
            && sqlx::query("ROLLBACK").execute(&mut **connection).await.is_ok()
        {
            *stage = Stage::Ended;
        }
    }
}

/// What an error of SQLite's means.
pub(super) fn meaning(error: &SqliteError) -> StoreError {
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
