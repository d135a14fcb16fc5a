//! Backups of SQLite: one read transaction of a connection of its own, beside whatever a server
//! does with the file.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::MIGRATOR;
use crate::store::StoreError;
use crate::store::backup::{
    Column, Kind, LEAP, NotEmpty, RestoreTarget, Snapshot, Table, in_order, known, migration_error,
    quoted,
};

/// The tables that are data: not SQLite's own, and not the record of the migrations.
const COLUMNS: &str = "SELECT tables.name, columns.name, columns.type \
    FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns \
    WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
    AND tables.name <> '_sqlx_migrations' ORDER BY tables.name, columns.cid";
const REFERENCES: &str = "SELECT tables.name, keys.\"table\" \
    FROM sqlite_master AS tables, pragma_foreign_key_list(tables.name) AS keys \
    WHERE tables.type = 'table'";

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(5))
        .disable_statement_logging()
}

async fn tables(connection: &mut SqliteConnection) -> Result<Vec<Table>, StoreError> {
    let columns = sqlx::query_as(COLUMNS).fetch_all(&mut *connection).await?;
    let references: Vec<(String, String)> =
        sqlx::query_as(REFERENCES).fetch_all(connection).await?;
    in_order(columns, &references)
}

async fn schema(connection: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    let made: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
            .fetch_one(&mut *connection)
            .await?;
    if made == 0 {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await?)
}

/// Whether there are tables of licd's.
pub(in crate::store) async fn is_made(path: &Path) -> Result<bool, StoreError> {
    if !path.exists() {
        return Ok(false);
    }
    // Read-only, so that closing it folds no log into the file.
    let mut connection = options(path).read_only(true).connect().await?;
    let schema = schema(&mut connection).await?;
    connection.close().await?;
    Ok(schema.is_some())
}

/// A moment of the file.
pub(in crate::store) struct SqliteSnapshot {
    connection: SqliteConnection,
    schema: i64,
}

impl SqliteSnapshot {
    pub(in crate::store) async fn open(path: &Path) -> Result<Self, StoreError> {
        // Read-only, so that closing it folds no log into a file that another process serves.
        let mut connection = options(path).read_only(true).connect().await?;
        sqlx::query("BEGIN").execute(&mut connection).await?;
        // The first statement takes the moment; the log keeps it until this connection ends.
        let schema = known(schema(&mut connection).await?, &MIGRATOR)?;
        Ok(Self { connection, schema })
    }
}

#[async_trait]
impl Snapshot for SqliteSnapshot {
    fn schema(&self) -> i64 {
        self.schema
    }

    async fn tables(&mut self) -> Result<Vec<Table>, StoreError> {
        tables(&mut self.connection).await
    }

    fn rows(&mut self, table: &Table) -> BoxStream<'_, Result<String, StoreError>> {
        let value = |column: &Column| {
            let name = quoted(&column.name);
            match column.kind {
                // hex(NULL) would be an empty text.
                Kind::Bytes => format!("iif({name} IS NULL, NULL, hex({name}))"),
                Kind::Text | Kind::Integer => name,
            }
        };
        let values: Vec<String> = table.columns.iter().map(value).collect();
        let sql = format!("SELECT json_array({}) FROM {}", values.join(", "), quoted(&table.name));
        sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch(&mut self.connection)
            .map_err(StoreError::from)
            .boxed()
    }
}

/// Readers may have seen lists that were signed after the backup, by a clock that was ahead.
const LISTS: &str = "UPDATE lists SET stale = 1, \
                     seq = CASE WHEN elsewhere = 1 OR seq = 0 THEN seq ELSE seq + $1 END";
/// What waited may have been taken since, and the old form has no number that tells.
const USAGE: &str = "UPDATE usage_records SET state = 'queued', unanswered = 1, \
                     lease_owner = NULL, lease_until = NULL WHERE state IN ('queued', 'sending')";

/// A file without rows.
pub(in crate::store) struct SqliteRestoreTarget {
    connection: SqliteConnection,
}

impl SqliteRestoreTarget {
    /// Makes the tables of that version in an empty or missing file, and begins to fill them.
    pub(in crate::store) async fn open(path: &Path, version: i64) -> Result<Self, NotEmpty> {
        let mut connection = options(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .connect()
            .await?;
        vacant(&mut connection, version).await?;
        let made = MIGRATOR.run_direct(Some(version), &mut connection, false).await;
        made.map_err(|error| migration_error(error, &MIGRATOR))?;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await?;
        vacant(&mut connection, version).await?;
        Ok(Self { connection })
    }
}

async fn vacant(connection: &mut SqliteConnection, version: i64) -> Result<(), NotEmpty> {
    let found = schema(connection).await?;
    for table in tables(connection).await? {
        if found.is_none() {
            return Err(NotEmpty::Foreign(table.name));
        }
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {})", quoted(&table.name));
        if sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *connection).await? {
            return Err(NotEmpty::Rows(table.name));
        }
    }
    match found {
        Some(found) if found > version => Err(NotEmpty::Later(found)),
        _ => Ok(()),
    }
}

#[async_trait]
impl RestoreTarget for SqliteRestoreTarget {
    async fn tables(&mut self) -> Result<Vec<Table>, StoreError> {
        tables(&mut self.connection).await
    }

    async fn fill(&mut self, table: &Table, rows: &str) -> Result<(), StoreError> {
        let value = |(i, column): (usize, &Column)| match column.kind {
            Kind::Bytes => format!("unhex(value ->> {i})"),
            Kind::Text | Kind::Integer => format!("value ->> {i}"),
        };
        let values: Vec<String> = table.columns.iter().enumerate().map(value).collect();
        let (name, names, values) = (quoted(&table.name), table.names(), values.join(", "));
        let sql = format!("INSERT INTO {name} ({names}) SELECT {values} FROM json_each($1)");
        sqlx::query(AssertSqlSafe(sql)).bind(rows).execute(&mut self.connection).await?;
        Ok(())
    }

    async fn finish(mut self: Box<Self>, note: &[u8]) -> Result<(), StoreError> {
        for sql in [
            // What was on its way may have arrived since, so nobody else is to get the event.
            "UPDATE uploads SET state = 'queued', unanswered = 1, lease_owner = NULL, \
             lease_until = NULL WHERE state IN ('queued', 'sending')",
            "UPDATE orders SET state = 'queued', lease_owner = NULL, lease_until = NULL \
             WHERE state = 'reading'",
        ] {
            sqlx::query(sql).execute(&mut self.connection).await?;
        }
        sqlx::query(LISTS).bind(LEAP).execute(&mut self.connection).await?;
        // Older backups know no usage.
        if tables(&mut self.connection).await?.iter().any(|table| table.name == "usage_records") {
            sqlx::query(USAGE).execute(&mut self.connection).await?;
        }
        sqlx::query(
            "INSERT INTO meta (name, value) VALUES ('restored', $1) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(note)
        .execute(&mut self.connection)
        .await?;
        sqlx::query("COMMIT").execute(&mut self.connection).await?;
        let migrated = MIGRATOR.run_direct(None, &mut self.connection, false).await;
        migrated.map_err(|error| migration_error(error, &MIGRATOR))?;
        self.connection.close().await?;
        Ok(())
    }
}
