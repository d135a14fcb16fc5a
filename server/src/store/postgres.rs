//! PostgreSQL: several servers on one database, which keep out of each other's way by row locks
//! that are taken in one order.

#[macro_use]
mod dialect;
mod backup;
mod row_cache;

#[expect(clippy::duplicate_mod, reason = "one text of the statements, two drivers")]
#[path = "sql/statements.rs"]
mod sql;

use std::str::FromStr as _;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool, Postgres as Db};

use super::row_cache::{Cached, RowCache};
use super::{Footprint, StoreError, Tx, schema_version};
use crate::config::Secret;

pub(super) use backup::{PgRestoreTarget, PgSnapshot};

/// The tables, step by step.
pub(super) static MIGRATOR: Migrator = sqlx::migrate!("migrations/postgres");

/// Rows of one statement: far below what it takes, far above what pays.
const TOGETHER: usize = 64;
/// Connections of one server: one writes, the others read.
const CONNECTIONS: u32 = 10;
/// How long a call waits for a connection. The marketplace gives up after five seconds, and who
/// came just after others waits for theirs, too.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a program that starts waits for the database to say something.
const FIRST_WORD: Duration = Duration::from_secs(10);
/// The oldest release whose statements are used here.
const OLDEST: i32 = 150_000;

/// Nothing of one server may keep the others waiting for long, not even when its machine freezes
/// in the middle of a transaction. A statement ends before the writer's own patience does: what
/// was too slow is told from a database that says nothing.
const LIMITS: &str = "SET statement_timeout = '8s'; SET lock_timeout = '5s'; \
                      SET idle_in_transaction_session_timeout = '15s'";

/// Every statement here looks rows up by an index, however full a table is: a plan that was made
/// while a table was new, or not yet counted, reads all of it, and is kept. And a plan is made
/// once, not at each call.
const PLANS: &str = "SET plan_cache_mode = 'force_generic_plan'; SET enable_seqscan = off; \
                     SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off";

const WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The connections to one database.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    pool: PgPool,
}

/// What an address may say after its `?`, as the driver reads it.
const PARAMETERS: [&str; 17] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// Reads the address; what is wrong with it is said without repeating its secrets.
pub(super) fn options(url: &Secret) -> Result<PgConnectOptions, String> {
    // The driver passes over what it does not know, and logs it with its value.
    let query = url.expose().split_once('?').map_or("", |(_, query)| query);
    let names = query.split('&').map(|one| one.split_once('=').map_or(one, |(name, _)| name));
    for name in names.filter(|name| !name.is_empty()) {
        if PARAMETERS.contains(&name) || name.starts_with("options[") {
            continue;
        }
        // A password that is not encoded may have a question mark in it.
        let plain = name.len() <= 32 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let which =
            if plain && !query.contains('@') { format!(" `{name}`") } else { String::new() };
        return Err(format!(
            "it has a parameter{which} that is not known (sslmode, sslrootcert, sslcert, sslkey, \
             host, port, dbname, user, password, options and their like are)"
        ));
    }
    PgConnectOptions::from_str(url.expose())
        .map(|options| {
            let options = options.application_name("licd").statement_cache_capacity(200);
            options.disable_statement_logging()
        })
        .map_err(|_| "this is no PostgreSQL address".to_owned())
}

impl Postgres {
    pub(super) async fn open(url: &Secret, migrate: bool) -> Result<Self, StoreError> {
        let options = options(url).map_err(StoreError::Unavailable)?;
        // Apart from the pool: a migration may take longer than any call.
        let mut first = connect(&options).await?;
        prepare(&mut first, migrate).await?;
        first.close().await?;

        Ok(Self { pool: pool(options, CONNECTIONS) })
    }

    pub(super) async fn write(&self) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(PgTx::new(self.begin(WRITE).await?, true)))
    }

    pub(super) async fn read(&self) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(PgTx::new(self.begin(READ).await?, false)))
    }

    async fn begin(&self, how: &'static str) -> Result<PoolConnection<Db>, StoreError> {
        let mut left = CONNECTIONS;
        loop {
            let mut connection = self.pool.acquire().await?;
            match run(&mut connection, how).await {
                Ok(()) => return Ok(connection),
                Err(error) => {
                    connection.close_on_drop();
                    // After a restart of the database every idle connection is dead.
                    if left == 0 || !is_dead(&error) {
                        return Err(error.into());
                    }
                    left -= 1;
                }
            }
        }
    }

    /// Whether it only follows another database, and takes nothing.
    pub(super) async fn is_standby(&self) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(&self.pool).await?)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// Lets the time pass after which others take over what is under way, for tests.
    #[cfg(test)]
    pub(crate) async fn end_leases(&self) {
        self.put_leases(0).await;
    }

    /// How many rows of each table were read without an index. A connection tells when it ends,
    /// and PostgreSQL shows it a little later.
    #[cfg(test)]
    pub(crate) async fn read_through(&self) -> Vec<(String, i64)> {
        let mut connection =
            PgConnection::connect_with(&self.pool.connect_options()).await.unwrap();
        for _ in 0..100 {
            let read: Vec<(String, i64, i64)> = sqlx::query_as(
                "SELECT relname::text, seq_tup_read, n_tup_ins FROM pg_stat_user_tables",
            )
            .fetch_all(&mut connection)
            .await
            .unwrap();
            if read.iter().any(|(table, _, added)| table == "applications" && *added > 0) {
                return read.into_iter().map(|(table, rows, _)| (table, rows)).collect();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("PostgreSQL tells nothing of what was read");
    }

    /// When leases end, by the database's clock.
    #[cfg(test)]
    pub(crate) async fn put_leases(&self, until: i64) {
        // Of its own: the pool may be closed, as after a crash.
        let options = self.pool.connect_options();
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        for table in ["uploads", "orders", "usage_records", "alert_deliveries"] {
            let sql = sqlx::AssertSqlSafe(format!("UPDATE {table} SET lease_until = $1"));
            sqlx::query(sql).bind(until).execute(&mut connection).await.unwrap();
        }
    }
}

/// A connection to a release that is served. A database, or whatever listens there, that says
/// nothing is not waited for.
async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let connected = async {
        let mut connection = PgConnection::connect_with(options).await?;
        release(&mut connection).await?;
        Ok(connection)
    };
    let silent = || {
        let seconds = FIRST_WORD.as_secs();
        StoreError::Unavailable(format!(
            "nothing was said within {seconds} s; is it PostgreSQL that listens there?"
        ))
    };
    tokio::time::timeout(FIRST_WORD, connected).await.unwrap_or_else(|_| Err(silent()))
}

/// Connections that are made when they are needed.
fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(LIMITS).execute(&mut *connection).await?;
                sqlx::raw_sql(PLANS).execute(connection).await.map(|_| ())
            })
        })
        .connect_lazy_with(options)
}

/// Makes the tables, or looks whether they fit.
async fn prepare(connection: &mut PgConnection, migrate: bool) -> Result<(), StoreError> {
    if migrate {
        // Holds an advisory lock meanwhile, so that servers that start together take turns.
        let ran = MIGRATOR.run(connection).await;
        return ran.map_err(|error| schema_version::migration_error(error, &MIGRATOR));
    }
    schema_version::check(schema(connection).await?, &MIGRATOR)
}

/// Whether its release is one that is served.
async fn release(connection: &mut PgConnection) -> Result<(), StoreError> {
    let (release,): (i32,) =
        sqlx::query_as("SELECT current_setting('server_version_num')::integer")
            .fetch_one(&mut *connection)
            .await?;
    if release < OLDEST {
        let release = release / 10_000;
        return Err(StoreError::Version(format!(
            "it is PostgreSQL {release}, and licd needs PostgreSQL 15 or later"
        )));
    }
    Ok(())
}

/// The version of the tables, if there are any.
async fn schema(connection: &mut PgConnection) -> Result<Option<i64>, StoreError> {
    let made: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !made {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await?)
}

/// Whether there are tables of licd's.
pub(super) async fn is_made(url: &Secret) -> Result<bool, StoreError> {
    let options = options(url).map_err(StoreError::Unavailable)?;
    let mut connection = connect(&options).await?;
    let schema = schema(&mut connection).await?;
    connection.close().await?;
    Ok(schema.is_some())
}

/// Whether the connection, not the database, is what is wrong.
fn is_dead(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        // It says goodbye on a connection that it closes.
        sqlx::Error::Database(database) => {
            database.code().is_some_and(|code| matches!(&*code, "57P01" | "57P02"))
        }
        _ => false,
    }
}

/// Begins or ends a transaction; a database that fell silent is not waited for.
async fn run(connection: &mut PgConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    match tokio::time::timeout(PATIENCE, sqlx::raw_sql(sql).execute(connection)).await {
        Ok(done) => done.map(|_| ()),
        Err(_) => Err(sqlx::Error::PoolTimedOut),
    }
}

/// Ends a transaction without effect. A connection that cannot do that is not used again.
async fn give_up(mut connection: PoolConnection<Db>) {
    if run(&mut connection, "ROLLBACK").await.is_err() {
        connection.close_on_drop();
    }
}

use PgTx as DbTx;

/// Whether several servers may use the database.
const SHARED: bool = true;

/// One transaction on one connection.
struct PgTx {
    /// Taken when the transaction ends.
    connection: Option<PoolConnection<Db>>,
    writes: bool,
    cache: RowCache,
}

impl Drop for PgTx {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(give_up(connection))),
            Err(_) => connection.close_on_drop(),
        }
    }
}

impl PgTx {
    fn new(connection: PoolConnection<Db>, writes: bool) -> Self {
        Self { connection: Some(connection), writes, cache: RowCache::default() }
    }

    /// For statements that read, and for those that change a table that is never cached: pending
    /// rows are written first.
    async fn flushed(&mut self) -> Result<&mut PgConnection, StoreError> {
        self.write_out().await?;
        Ok(self.unflushed())
    }

    /// For statements that change cached tables: their rows are forgotten.
    async fn invalidating(&mut self, changed: &[Cached]) -> Result<&mut PgConnection, StoreError> {
        self.cache.forget(changed);
        self.flushed().await
    }

    /// For statements that need not see pending rows, nor change cached ones.
    #[expect(clippy::unused_async, reason = "SQLite's twin may have to begin the transaction")]
    async fn begun(&mut self) -> Result<&mut PgConnection, StoreError> {
        Ok(self.unflushed())
    }

    /// Keeps other servers off a name until this transaction ends.
    async fn lock_name(&mut self, name: &str) -> Result<(), StoreError> {
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(number(name))
            .execute(self.flushed().await?)
            .await?;
        Ok(())
    }

    /// The same without waiting; whether the name was free.
    async fn try_lock_name(&mut self, name: &str) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)")
            .bind(number(name))
            .fetch_one(self.flushed().await?)
            .await?)
    }

    /// Writes early what would make a statement too long.
    async fn make_room(&mut self) -> Result<(), StoreError> {
        if self.cache.pending.holds(TOGETHER) { self.write_out().await } else { Ok(()) }
    }

    /// For [`row_cache`] alone: pending rows are not written yet.
    fn unflushed(&mut self) -> &mut PgConnection {
        self.connection
            .as_mut()
            .expect("only commit, rollback and drop take it, and they come last")
    }

    /// Whether what is read is going to be changed, and therefore locked.
    const fn writes(&self) -> bool {
        self.writes
    }
}

/// One parameter for a whole list: an array.
#[expect(clippy::unnecessary_wraps, reason = "SQLite's twin encodes the list")]
fn list<T>(list: &[T]) -> Result<&[T], StoreError> {
    Ok(list)
}

/// The number by which PostgreSQL locks a name.
fn number(name: &str) -> i64 {
    let digest = Sha256::digest(name);
    i64::from_be_bytes(digest[..8].try_into().expect("a SHA-256 has 32 bytes"))
}

#[async_trait]
impl Tx for PgTx {
    async fn prepare(&mut self, footprint: &Footprint) -> Result<(), StoreError> {
        if footprint.is_empty() {
            return Ok(());
        }
        self.lock_rows(footprint).await?;
        self.prefetch(footprint).await
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.write_out().await?;
        // A view has nothing to commit: dropping it ends it.
        if let Some(mut connection) = self.connection.take_if(|_| self.writes) {
            // Nobody knows what became of a commit that got no answer; whoever asked asks again.
            if let Err(error) = sqlx::raw_sql("COMMIT").execute(&mut *connection).await {
                connection.close_on_drop();
                return Err(error.into());
            }
        }
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) {
        if let Some(connection) = self.connection.take() {
            give_up(connection).await;
        }
    }
}
