//! Backups of PostgreSQL: one transaction that sees a single moment, beside whatever the servers
//! do with the database.

use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use super::{MIGRATOR, READ, number, options};
use crate::config::Secret;
use crate::json_nul;
use crate::store::StoreError;
use crate::store::backup::{
    Column, Kind, LEAP, NotEmpty, RestoreTarget, Snapshot, Table, in_order, known, migration_error,
    quoted,
};

/// A backup takes as long as it takes; only somebody who alters tables is waited for, shortly.
const LIMITS: &str = "SET statement_timeout = 0; SET lock_timeout = '5s'; \
                      SET idle_in_transaction_session_timeout = 0";

/// The tables that are data: ordinary ones, without the record of the migrations.
const COLUMNS: &str = "SELECT tables.relname::text, attname::text, format_type(atttypid, NULL) \
    FROM pg_class AS tables JOIN pg_attribute ON attrelid = tables.oid \
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') \
    AND NOT relispartition AND attnum > 0 AND NOT attisdropped AND attgenerated = '' \
    AND relname <> '_sqlx_migrations' ORDER BY relname COLLATE \"C\", attnum";
const REFERENCES: &str = "SELECT ours.relname::text, theirs.relname::text FROM pg_constraint \
    JOIN pg_class AS ours ON ours.oid = conrelid JOIN pg_class AS theirs ON theirs.oid = confrelid \
    WHERE contype = 'f' AND ours.relnamespace = current_schema()::regnamespace";
/// Columns that number their rows by themselves: table, column, sequence.
const SEQUENCES: &str = "SELECT relname::text, attname::text, sequence FROM pg_class \
    JOIN pg_attribute ON attrelid = pg_class.oid, \
    LATERAL pg_get_serial_sequence(quote_ident(relname), attname) AS sequence \
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') \
    AND attnum > 0 AND NOT attisdropped AND sequence IS NOT NULL";

async fn connect(url: &Secret) -> Result<PgConnection, StoreError> {
    let options = options(url).map_err(StoreError::Unavailable)?;
    let mut connection = super::connect(&options).await?;
    sqlx::raw_sql(LIMITS).execute(&mut connection).await?;
    Ok(connection)
}

async fn tables(connection: &mut PgConnection) -> Result<Vec<Table>, StoreError> {
    let columns = sqlx::query_as(COLUMNS).fetch_all(&mut *connection).await?;
    let references: Vec<(String, String)> =
        sqlx::query_as(REFERENCES).fetch_all(connection).await?;
    in_order(columns, &references)
}

/// A moment of the database.
pub(in crate::store) struct PgSnapshot {
    connection: PgConnection,
    schema: i64,
}

impl PgSnapshot {
    pub(in crate::store) async fn open(url: &Secret) -> Result<Self, StoreError> {
        let mut connection = connect(url).await?;
        sqlx::raw_sql(READ).execute(&mut connection).await?;
        let schema = known(super::schema(&mut connection).await?, &MIGRATOR)?;
        Ok(Self { connection, schema })
    }
}

#[async_trait]
impl Snapshot for PgSnapshot {
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
                Kind::Bytes => format!("encode({name}, 'hex')"),
                Kind::Integer if column.truth => format!("{name}::integer"),
                Kind::Text | Kind::Integer => name,
            }
        };
        let values: Vec<String> = table.columns.iter().map(value).collect();
        let sql = format!(
            "SELECT json_build_array({})::text FROM {}",
            values.join(", "),
            quoted(&table.name)
        );
        sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch(&mut self.connection)
            .map_err(StoreError::from)
            .boxed()
    }
}

/// Readers may have seen lists that were signed after the backup, by a clock that was ahead.
const LISTS: &str = "UPDATE lists SET stale = TRUE, \
                     seq = CASE WHEN elsewhere OR seq = 0 THEN seq ELSE seq + $1 END";
/// What waited may have been taken since, and the old form has no number that tells.
const USAGE: &str = "UPDATE usage_records SET state = 'queued', unanswered = TRUE, \
                     lease_owner = NULL, lease_until = NULL WHERE state IN ('queued', 'sending')";

/// A database without rows.
pub(in crate::store) struct PgRestoreTarget {
    connection: PgConnection,
}

impl PgRestoreTarget {
    /// Makes the tables of that version in an empty database, and begins to fill them.
    pub(in crate::store) async fn open(url: &Secret, version: i64) -> Result<Self, NotEmpty> {
        let mut connection = connect(url).await?;
        vacant(&mut connection, version).await?;
        let made = MIGRATOR.run_direct(Some(version), &mut connection, false).await;
        made.map_err(|error| migration_error(error, &MIGRATOR))?;
        sqlx::raw_sql("BEGIN").execute(&mut connection).await?;
        // A server that starts meanwhile waits before it takes the database for a new one.
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(number("database/founding"))
            .execute(&mut connection)
            .await?;
        vacant(&mut connection, version).await?;
        Ok(Self { connection })
    }
}

async fn vacant(connection: &mut PgConnection, version: i64) -> Result<(), NotEmpty> {
    let found = super::schema(connection).await?;
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
impl RestoreTarget for PgRestoreTarget {
    async fn tables(&mut self) -> Result<Vec<Table>, StoreError> {
        tables(&mut self.connection).await
    }

    async fn fill(&mut self, table: &Table, rows: &str) -> Result<(), StoreError> {
        let value = |(i, column): (usize, &Column)| match column.kind {
            Kind::Text => format!("value ->> {i}"),
            Kind::Integer if column.truth => format!("(value ->> {i})::bigint <> 0"),
            Kind::Integer => format!("(value ->> {i})::bigint"),
            Kind::Bytes => format!("decode(value ->> {i}, 'hex')"),
        };
        let values: Vec<String> = table.columns.iter().enumerate().map(value).collect();
        let (name, names, values) = (quoted(&table.name), table.names(), values.join(", "));
        let sql = format!(
            "INSERT INTO {name} ({names}) OVERRIDING SYSTEM VALUE \
             SELECT {values} FROM json_array_elements($1::json)"
        );
        // SQLite keeps what PostgreSQL refuses.
        let rows = json_nul::removed(rows);
        sqlx::query(AssertSqlSafe(sql)).bind(rows.as_ref()).execute(&mut self.connection).await?;
        Ok(())
    }

    async fn finish(mut self: Box<Self>, note: &[u8]) -> Result<(), StoreError> {
        for sql in [
            // What was on its way may have arrived since, so nobody else is to get the event.
            "UPDATE uploads SET state = 'queued', unanswered = TRUE, lease_owner = NULL, \
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
        let sequences: Vec<(String, String, String)> =
            sqlx::query_as(SEQUENCES).fetch_all(&mut self.connection).await?;
        for (table, column, sequence) in sequences {
            let (table, column) = (quoted(&table), quoted(&column));
            let sql = format!(
                "SELECT setval($1::regclass, coalesce(max({column}), 0) + 1, FALSE) FROM {table}"
            );
            sqlx::query(AssertSqlSafe(sql)).bind(sequence).execute(&mut self.connection).await?;
        }
        sqlx::raw_sql("COMMIT").execute(&mut self.connection).await?;
        let migrated = MIGRATOR.run_direct(None, &mut self.connection, false).await;
        migrated.map_err(|error| migration_error(error, &MIGRATOR))?;
        self.connection.close().await?;
        Ok(())
    }
}
