//! SQLite: one writer that commits durably, readers apart from it.

#[macro_use]
mod dialect;
mod backup;
#[cfg(test)]
mod plans;
mod row_cache;

#[path = "sql/statements.rs"]
mod sql;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use sqlx::Sqlite as Db;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, SqlitePool, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinHandle;

use super::row_cache::{Cached, RowCache, write_error};
use super::{Footprint, StoreError, Tx, schema_version};

pub(super) use backup::{SqliteRestoreTarget, SqliteSnapshot, is_made};

/// The tables, step by step.
pub(super) static MIGRATOR: Migrator = sqlx::migrate!("migrations/sqlite");

/// The writer's page cache in KiB, as the pragma counts: what a batch touches lies apart, and
/// pages that were dropped are read again.
const WRITER_CACHE: &str = "-8192";
/// A reader's: what it read is dropped with the next commit, so that more is of no use to it.
const READER_CACHE: &str = "-1024";
/// Pages of the write-ahead log before they are copied into the database (16 MiB): a page that
/// many batches change is copied once.
const WAL_PAGES: &str = "4096";
/// Bytes of the write-ahead log that stay when it begins anew: what a long view made of it is
/// given back.
const WAL_KEPT: &str = "67108864";
/// Rows of one statement. A few, so that they are written while the next ones are judged, and the
/// statement for that many is prepared once.
const TOGETHER: usize = 8;
/// Connections that only read; each is a thread of SQLite's.
const READERS: u32 = 4;

/// The connections of one database file.
#[derive(Clone, Debug)]
pub(crate) struct Sqlite {
    /// One connection: SQLite has one writer, and a queue of ours is fairer than its lock. None
    /// where one was given up; the next writer makes a new one.
    writer: Arc<Mutex<Option<SqliteConnection>>>,
    writing: Arc<SqliteConnectOptions>,
    readers: SqlitePool,
    #[cfg(test)]
    limit: Arc<std::sync::atomic::AtomicI64>,
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
            // Another program that writes to the file is waited for; the marketplace gives up after
            // five seconds, and who came just after others waits for theirs, too.
            .busy_timeout(Duration::from_secs(2))
            .disable_statement_logging();
        let writing = options
            .clone()
            .pragma("cache_size", WRITER_CACHE)
            // A statement of many rows keeps the pages that it changes until it is through: in
            // memory, where a file would take more writing than the log itself.
            .pragma("temp_store", "memory")
            .pragma("wal_autocheckpoint", WAL_PAGES)
            .pragma("journal_size_limit", WAL_KEPT);
        let mut writer = writing.connect().await?;
        if migrate {
            let ran = MIGRATOR.run(&mut writer).await;
            ran.map_err(|error| schema_version::migration_error(error, &MIGRATOR))?;
        } else {
            let found = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
                .fetch_one(&mut writer)
                .await?;
            schema_version::check(found, &MIGRATOR)?;
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options.pragma("cache_size", READER_CACHE));
        Ok(Self {
            writer: Arc::new(Mutex::new(Some(writer))),
            writing: Arc::new(writing),
            readers,
            #[cfg(test)]
            limit: Arc::default(),
        })
    }

    pub(super) async fn write(&self) -> Result<Box<dyn Tx>, StoreError> {
        let writing = self.writing().await?;
        #[cfg(test)]
        let writing = self.limited(writing).await;
        Ok(Box::new(SqliteTx::new(Hold::Write(Box::new(writing)))))
    }

    pub(super) async fn read(&self) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(SqliteTx::new(Hold::Read(self.readers.begin().await?))))
    }

    /// Waits for the one connection.
    async fn writing(&self) -> Result<Writing, StoreError> {
        let mut seat = Arc::clone(&self.writer).lock_owned().await;
        if seat.is_none() {
            *seat = Some(self.writing.connect().await?);
        }
        Ok(Writing { seat, stage: Stage::Waiting })
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = self.writer.lock().await.take() {
            // What is committed is committed, however this ends.
            let _ = writer.close().await;
        }
    }

    /// Lets the file grow to `pages` and no further: a full disk, for tests. 0 lifts the limit.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: i64) {
        self.limit.store(pages, std::sync::atomic::Ordering::SeqCst);
    }

    /// A connection forgets its limit, and is replaced after a full disk.
    #[cfg(test)]
    async fn limited(&self, mut writing: Writing) -> Writing {
        let pages = match self.limit.load(std::sync::atomic::Ordering::SeqCst) {
            0 => 1_000_000,
            pages => pages,
        };
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::query(sql).execute(writing.connection().unwrap()).await.unwrap();
        writing
    }

    /// How a connection is set up.
    #[cfg(test)]
    pub(crate) async fn pragma(&self, name: &str) -> String {
        use sqlx::Row as _;
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA {name}"));
        let mut writing = self.writing().await.unwrap();
        let row = sqlx::query(sql).fetch_one(writing.connection().unwrap()).await.unwrap();
        row.try_get::<String, _>(0).unwrap_or_else(|_| row.get::<i64, _>(0).to_string())
    }

    /// How large the file is now, in pages.
    #[cfg(test)]
    pub(crate) async fn pages(&self) -> i64 {
        let mut writing = self.writing().await.unwrap();
        let count = sqlx::query_scalar("PRAGMA page_count");
        count.fetch_one(writing.connection().unwrap()).await.unwrap()
    }

    /// What SQLite itself finds wrong with the file: `ok`.
    #[cfg(test)]
    pub(crate) async fn integrity(&self) -> String {
        sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&self.readers).await.unwrap()
    }
}

use SqliteTx as DbTx;

/// Whether several servers may use the database.
const SHARED: bool = false;

/// One transaction on one connection.
struct SqliteTx {
    hold: Hold,
    cache: RowCache,
}

enum Hold {
    Read(Transaction<'static, sqlx::Sqlite>),
    Write(Box<Writing>),
    /// Rows are being written while the batch goes on.
    Away(JoinHandle<Written>),
    /// Lost with the task that was writing.
    Lost,
}

/// What comes back from writing rows.
type Written = (Box<Writing>, Result<(), sqlx::Error>);

/// The one connection that writes. The transaction is begun and ended here: after a full disk
/// SQLite has rolled back by itself, which the driver's own bookkeeping does not expect.
struct Writing {
    seat: OwnedMutexGuard<Option<SqliteConnection>>,
    stage: Stage,
}

impl Writing {
    fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.seat.as_mut().ok_or_else(|| StoreError::Unavailable("it was closed".to_owned()))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // A connection in an unknown state is not used again; closing it rolls back.
        if self.stage == Stage::Begun {
            *self.seat = None;
        }
    }
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
        Self { hold, cache: RowCache::default() }
    }

    /// Whether it begins now: who asks sends [`BEGIN`] first.
    fn begins(&mut self) -> bool {
        match &mut self.hold {
            Hold::Write(writing) => {
                std::mem::replace(&mut writing.stage, Stage::Begun) == Stage::Waiting
            }
            Hold::Read(_) | Hold::Away(_) | Hold::Lost => false,
        }
    }

    /// For [`row_cache`] alone: pending rows are not written yet. Waits for rows that are on their
    /// way.
    async fn unflushed(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.back().await?;
        match &mut self.hold {
            Hold::Read(transaction) => Ok(transaction),
            Hold::Write(writing) => writing.connection(),
            Hold::Away(_) | Hold::Lost => Err(StoreError::Unavailable("it was lost".to_owned())),
        }
    }

    /// Waits for rows that are on their way; what became of them is everybody's answer.
    async fn back(&mut self) -> Result<(), StoreError> {
        let Hold::Away(task) = &mut self.hold else { return Ok(()) };
        let done = task.await;
        self.hold = Hold::Lost;
        let (writing, done) = done.map_err(|panic| StoreError::Broken(panic.to_string()))?;
        self.hold = Hold::Write(writing);
        done.map_err(write_error)
    }

    /// For statements that need not see pending rows, nor change cached ones.
    async fn begun(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        if self.begins() {
            sqlx::query(BEGIN).execute(self.unflushed().await?).await?;
        }
        self.unflushed().await
    }

    /// For statements that read, and for those that change a table that is never cached: pending
    /// rows are written first.
    async fn flushed(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        if !self.cache.pending.is_empty() {
            self.write_out("").await?;
        }
        self.begun().await
    }

    /// For statements that change cached tables: their rows are forgotten.
    async fn invalidating(
        &mut self,
        changed: &[Cached],
    ) -> Result<&mut SqliteConnection, StoreError> {
        self.cache.forget(changed);
        self.flushed().await
    }

    /// Keeps other servers off a name until this transaction ends: no other server has this file.
    #[expect(clippy::unused_async, reason = "PostgreSQL's twin asks the database")]
    async fn lock_name(&mut self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    /// The same without waiting; whether the name was free.
    #[expect(clippy::unused_async, reason = "PostgreSQL's twin asks the database")]
    async fn try_lock_name(&mut self, _: &str) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// Begins to write what fills a statement, while the batch goes on.
    async fn make_room(&mut self) -> Result<(), StoreError> {
        if self.cache.pending.holds(TOGETHER) { self.send_out().await } else { Ok(()) }
    }
}

/// One parameter for a whole list: a JSON array, so that the statement is prepared once.
fn list(list: &(impl Serialize + ?Sized)) -> Result<String, StoreError> {
    serde_json::to_string(list).map_err(|error| StoreError::Broken(error.to_string()))
}

#[async_trait]
impl Tx for SqliteTx {
    async fn prepare(&mut self, footprint: &Footprint) -> Result<(), StoreError> {
        // There is one writer, and this is its transaction: nothing needs to be locked.
        if footprint.is_empty() { Ok(()) } else { self.prefetch(footprint).await }
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        // A view has nothing to commit: dropping it ends it.
        self.back().await?;
        let begun = matches!(&self.hold, Hold::Write(writing) if writing.stage == Stage::Begun);
        if begun || !self.cache.pending.is_empty() {
            self.write_out("COMMIT").await?;
        }
        if let Hold::Write(writing) = &mut self.hold {
            writing.stage = Stage::Ended;
        }
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) {
        // Why it failed is known to whoever rolls back.
        let _ = self.back().await;
        if let Hold::Write(writing) = &mut self.hold
            && writing.stage == Stage::Begun
            && let Ok(connection) = writing.connection()
            && sqlx::query("ROLLBACK").execute(connection).await.is_ok()
        {
            writing.stage = Stage::Ended;
        }
    }
}
