//! Reading ahead and writing together in SQLite: one call of the driver for a whole batch.

use serde_json::{Value, json};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, FromRow as _, Row as _};

use super::{BEGIN, Hold, SqliteTx, list};
use crate::store::row_cache::{self, MAX_PREFETCHED_MACHINES, Prefetched};
use crate::store::{Footprint, StoreError};

/// Begins, too. The first column tells the rows apart.
const AHEAD: &str = "\
    BEGIN IMMEDIATE; \
    SELECT 'instance' AS part, * FROM instances \
    WHERE id IN (SELECT value FROM json_each($1)); \
    SELECT 'instance' AS part, * FROM instances \
    WHERE activation_code IN (SELECT value FROM json_each($2)); \
    SELECT 'product' AS part, * FROM products WHERE id IN \
    (SELECT product FROM instances WHERE id IN (SELECT value FROM json_each($1)) \
    UNION SELECT product FROM instances \
    WHERE activation_code IN (SELECT value FROM json_each($2))); \
    SELECT 'application' AS part, * FROM applications \
    WHERE event_id IN (SELECT value FROM json_each($3)); \
    SELECT 'machine' AS part, found.digest, machines.* FROM json_each($4) AS asked \
    JOIN machine_digests AS found ON found.instance_id = asked.value ->> 0 \
    AND found.digest = asked.value ->> 1 \
    JOIN machines ON machines.id = found.machine_id WHERE machines.freed_at IS NULL \
    AND NOT EXISTS (SELECT 1 FROM applications WHERE event_id = asked.value ->> 2) LIMIT $5; \
    SELECT 'upload' AS part, * FROM uploads \
    WHERE id IN (SELECT value FROM json_each($6))";

/// A statement for any number of rows.
struct Insert {
    head: &'static str,
    columns: usize,
    tail: &'static str,
}

const MACHINES: Insert = Insert {
    head: "INSERT INTO machines (id, instance_id, binding, by_code, enrolled_at, freed_at) VALUES ",
    columns: 6,
    tail: "",
};
const DIGESTS: Insert = Insert {
    head: "INSERT INTO machine_digests (instance_id, digest, machine_id) VALUES ",
    columns: 3,
    tail: "",
};
const LICENSES: Insert = Insert {
    head: "INSERT INTO licenses (id, instance_id, machine_id, event_id, product, issued_at, \
           not_before, expires, grace, terms, document, state, reason, changed_at) VALUES ",
    columns: 14,
    tail: "",
};
const UPLOADS: Insert = Insert {
    head: "INSERT INTO uploads (id, event_id, instance_id, license_id, file, state, attempts, \
           unanswered, next_at, last_code, last_message, queued_at, finished_at) VALUES ",
    columns: 13,
    tail: " ON CONFLICT (license_id, event_id) DO NOTHING",
};
const APPLICATIONS: Insert = Insert {
    head: "INSERT INTO applications (event_id, fingerprint, instance_id, state, code, device, \
           not_before, expires, license_id, received_at) VALUES ",
    columns: 10,
    tail: " ON CONFLICT (event_id, fingerprint) DO UPDATE SET state = excluded.state, \
           code = excluded.code, device = excluded.device, not_before = excluded.not_before, \
           expires = excluded.expires, license_id = excluded.license_id, \
           received_at = excluded.received_at",
};
const LINKS: Insert = Insert {
    head: "INSERT INTO audit (server, seq, at, entries, previous, hash) VALUES ",
    columns: 6,
    tail: "",
};
/// One statement for any number: the fewer statements there are, the fewer are prepared and kept.
const SENT: &str = "\
    UPDATE uploads SET state = given.value ->> 1, unanswered = given.value ->> 2, \
    next_at = given.value ->> 3, last_code = given.value ->> 4, last_message = given.value ->> 5, \
    finished_at = given.value ->> 6, lease_owner = NULL, lease_until = NULL \
    FROM json_each(?) AS given WHERE uploads.id = given.value ->> 0; ";
const PLACES: &str = "\
    UPDATE instances SET machines_used = machines_used + (given.value ->> 1) \
    FROM json_each(?) AS given WHERE instances.id = given.value ->> 0; ";

impl Insert {
    /// Adds the statement for `rows` rows, if there are any. Values are bound, never written.
    fn write(&self, sql: &mut String, rows: usize) {
        if rows == 0 {
            return;
        }
        let row = format!("({}?)", "?,".repeat(self.columns - 1));
        sql.push_str(self.head);
        for number in 0..rows {
            if number > 0 {
                sql.push(',');
            }
            sql.push_str(&row);
        }
        sql.push_str(self.tail);
        sql.push_str("; ");
    }
}

impl SqliteTx {
    /// Reads what a batch is about.
    pub(super) async fn prefetch(&mut self, footprint: &Footprint) -> Result<(), StoreError> {
        let events: Vec<&str> =
            footprint.applications.iter().map(|wanted| wanted.event.as_str()).collect();
        let mut digests = Vec::new();
        for wanted in &footprint.applications {
            for digest in &wanted.digests {
                digests.push((&wanted.instance, digest, &wanted.event));
            }
        }
        if !self.begins() {
            return Err(StoreError::Broken("locks come first, and once".to_owned()));
        }
        let rows = sqlx::query(AHEAD)
            .bind(list(&footprint.instances)?)
            .bind(list(&footprint.codes)?)
            .bind(list(&events)?)
            .bind(list(&digests)?)
            .bind(i64::try_from(MAX_PREFETCHED_MACHINES).unwrap_or(i64::MAX))
            .bind(list(&footprint.uploads)?)
            .fetch_all(self.unflushed().await?)
            .await?;
        let rows = rows.iter().map(ahead).collect::<Result<_, _>>()?;
        self.cache.learn(footprint, rows);
        Ok(())
    }

    /// Writes what waits, and ends with `last`.
    pub(super) async fn write_out(&mut self, last: &'static str) -> Result<(), StoreError> {
        let query = self.unwritten(last);
        query.execute(self.unflushed().await?).await.map(|_| ()).map_err(row_cache::write_error)
    }

    /// Writes what waits while the batch goes on; how it ended is told to whoever comes next.
    pub(super) async fn send_out(&mut self) -> Result<(), StoreError> {
        self.back().await?;
        let query = self.unwritten("");
        match std::mem::replace(&mut self.hold, Hold::Lost) {
            Hold::Write(mut writing) => {
                self.hold = Hold::Away(tokio::spawn(async move {
                    let done = match writing.seat.as_mut() {
                        Some(connection) => query.execute(connection).await.map(|_| ()),
                        None => Err(sqlx::Error::PoolClosed),
                    };
                    (writing, done)
                }));
                Ok(())
            }
            other => {
                self.hold = other;
                Err(StoreError::Broken("a view writes nothing".to_owned()))
            }
        }
    }

    /// The statement for all that waits, with what it begins and ends with.
    fn unwritten(&mut self, last: &'static str) -> Query<'static, sqlx::Sqlite, SqliteArguments> {
        let rows = std::mem::take(&mut self.cache.pending);
        let mut sql = String::new();
        if self.begins() {
            sql.push_str(BEGIN);
            sql.push_str("; ");
        }
        MACHINES.write(&mut sql, rows.machines.len());
        DIGESTS.write(&mut sql, rows.digests.len());
        LICENSES.write(&mut sql, rows.licenses.len());
        UPLOADS.write(&mut sql, rows.uploads.len());
        APPLICATIONS.write(&mut sql, rows.applications.len());
        LINKS.write(&mut sql, rows.links.len());
        sql.push_str(SENT);
        sql.push_str(PLACES);
        sql.push_str(last);

        // Made of the literals above and of question marks.
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in rows.machines {
            query = query.bind(row.id).bind(row.instance_id).bind(row.binding);
            query = query.bind(row.by_code).bind(row.enrolled_at).bind(row.freed_at);
        }
        for (instance, digest, machine) in rows.digests {
            query = query.bind(instance).bind(digest).bind(machine);
        }
        for row in rows.licenses {
            query = query.bind(row.id).bind(row.instance_id).bind(row.machine_id);
            query = query.bind(row.event_id).bind(row.product).bind(row.issued_at);
            query = query.bind(row.not_before).bind(row.expires).bind(row.grace);
            query = query.bind(row.terms).bind(row.document).bind(row.state);
            query = query.bind(row.reason).bind(row.changed_at);
        }
        for row in rows.uploads {
            query = query.bind(row.id).bind(row.event_id).bind(row.instance_id);
            query = query.bind(row.license_id).bind(row.file).bind(row.state);
            query = query.bind(row.attempts).bind(row.unanswered).bind(row.next_at);
            query = query.bind(row.last_code).bind(row.last_message);
            query = query.bind(row.queued_at).bind(row.finished_at);
        }
        for row in rows.applications {
            query = query.bind(row.event_id).bind(row.fingerprint).bind(row.instance_id);
            query = query.bind(row.state).bind(row.code).bind(row.device);
            query = query.bind(row.not_before).bind(row.expires);
            query = query.bind(row.license_id).bind(row.received_at);
        }
        for row in rows.links {
            query = query.bind(row.server).bind(row.seq).bind(row.at);
            query = query.bind(row.entries).bind(row.previous).bind(row.hash);
        }
        let sent = rows.sent.iter().map(|row| {
            json!([
                row.id,
                row.state.as_str(),
                row.unanswered,
                row.next_at,
                row.last_code,
                row.last_message,
                row.finished_at
            ])
        });
        let places = rows.places.iter().map(|(instance, by)| json!([instance, by]));
        query = query.bind(sent.collect::<Value>().to_string());
        query = query.bind(places.collect::<Value>().to_string());
        query
    }
}

fn ahead(row: &SqliteRow) -> Result<Prefetched, sqlx::Error> {
    Ok(match row.try_get("part")? {
        "instance" => Prefetched::Instance(<_>::from_row(row)?),
        "product" => Prefetched::Product(<_>::from_row(row)?),
        "application" => Prefetched::Application(<_>::from_row(row)?),
        "upload" => Prefetched::Upload(<_>::from_row(row)?),
        _ => Prefetched::Machine(row.try_get("digest")?, <_>::from_row(row)?),
    })
}
