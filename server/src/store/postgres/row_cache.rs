//! Locking, reading ahead and writing together in PostgreSQL: one statement for all rows.

use super::{PgTx, number};
use crate::store::row_cache::{self, MAX_PREFETCHED_MACHINES, Prefetched};
use crate::store::{Application, Footprint, Instance, Machine, ProductRow, StoreError, UploadRow};

/// A machine in use and what found it.
#[derive(sqlx::FromRow)]
struct Found {
    found_by: String,
    #[sqlx(flatten)]
    machine: Machine,
}

/// Foreign keys are looked at when the whole statement is done.
const WRITE: &str = "\
    WITH new_machines AS (\
    INSERT INTO machines (id, instance_id, binding, by_code, enrolled_at, freed_at) \
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::bigint[], \
    $6::bigint[])), \
    new_digests AS (INSERT INTO machine_digests (instance_id, digest, machine_id) \
    SELECT * FROM unnest($7::text[], $8::text[], $9::text[])), \
    new_licenses AS (INSERT INTO licenses (id, instance_id, machine_id, event_id, product, \
    issued_at, not_before, expires, grace, terms, document, state, reason, changed_at) \
    SELECT * FROM unnest($10::text[], $11::text[], $12::text[], $13::text[], $14::text[], \
    $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bytea[], $20::text[], \
    $21::text[], $22::text[], $23::bigint[])), \
    new_uploads AS (INSERT INTO uploads (id, event_id, instance_id, license_id, file, state, \
    attempts, unanswered, next_at, last_code, last_message, queued_at, finished_at) \
    SELECT * FROM unnest($24::text[], $25::text[], $26::text[], $27::text[], $28::bytea[], \
    $29::text[], $30::bigint[], $31::boolean[], $32::bigint[], $33::text[], $34::text[], \
    $35::bigint[], $36::bigint[]) ON CONFLICT (license_id, event_id) DO NOTHING), \
    put_applications AS (INSERT INTO applications (event_id, fingerprint, instance_id, state, \
    code, device, not_before, expires, license_id, received_at) \
    SELECT * FROM unnest($37::text[], $38::bytea[], $39::text[], $40::text[], $41::text[], \
    $42::text[], $43::bigint[], $44::bigint[], $45::text[], $46::bigint[]) \
    ON CONFLICT (event_id, fingerprint) DO UPDATE SET state = excluded.state, \
    code = excluded.code, device = excluded.device, not_before = excluded.not_before, \
    expires = excluded.expires, license_id = excluded.license_id, \
    received_at = excluded.received_at), \
    new_links AS (INSERT INTO audit (server, seq, at, entries, previous, hash) \
    SELECT * FROM unnest($49::text[], $50::bigint[], $51::bigint[], $52::text[], $53::bytea[], \
    $54::bytea[])), \
    sent AS (UPDATE uploads SET state = given.state, unanswered = given.unanswered, \
    next_at = given.next_at, last_code = given.last_code, last_message = given.last_message, \
    finished_at = given.finished_at, lease_owner = NULL, lease_until = NULL \
    FROM unnest($55::text[], $56::text[], $57::boolean[], $58::bigint[], $59::text[], \
    $60::text[], $61::bigint[]) \
    AS given (id, state, unanswered, next_at, last_code, last_message, finished_at) \
    WHERE uploads.id = given.id) \
    UPDATE instances SET machines_used = machines_used + given.more \
    FROM unnest($47::text[], $48::bigint[]) AS given (id, more) WHERE instances.id = given.id";

/// One column of many rows.
fn column<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

impl PgTx {
    /// Locks in one order: names, then instances.
    pub(super) async fn lock_rows(&mut self, footprint: &Footprint) -> Result<(), StoreError> {
        // Everybody shares the first one but who changes products: those are alone.
        let products = number("products");
        let mut numbers: Vec<i64> = footprint.names.iter().map(|name| number(name)).collect();
        numbers.sort_unstable();
        numbers.insert(0, products);
        sqlx::query(
            "SELECT CASE WHEN number = $2 AND NOT $3 THEN pg_advisory_xact_lock_shared(number) \
             ELSE pg_advisory_xact_lock(number) END FROM unnest($1::bigint[]) AS given (number)",
        )
        .bind(numbers)
        .bind(products)
        .bind(footprint.products)
        .execute(self.unflushed())
        .await?;
        Ok(())
    }

    /// Locks the instances, and reads what a batch is about.
    pub(super) async fn prefetch(&mut self, footprint: &Footprint) -> Result<(), StoreError> {
        let mut rows = Vec::new();
        let mut instances: Vec<Instance> = Vec::new();
        if !(footprint.instances.is_empty() && footprint.codes.is_empty()) {
            instances = sqlx::query_as(
                "SELECT * FROM instances WHERE id = ANY($1) OR activation_code = ANY($2) \
                 ORDER BY id FOR UPDATE",
            )
            .bind(footprint.instances.iter().map(String::as_str).collect::<Vec<_>>())
            .bind(footprint.codes.iter().map(String::as_str).collect::<Vec<_>>())
            .fetch_all(self.unflushed())
            .await?;
        }
        // After the instances, as whoever works on an instance comes to its uploads.
        if !footprint.uploads.is_empty() {
            let uploads: Vec<UploadRow> =
                sqlx::query_as("SELECT * FROM uploads WHERE id = ANY($1) ORDER BY id FOR UPDATE")
                    .bind(footprint.uploads.iter().map(String::as_str).collect::<Vec<_>>())
                    .fetch_all(self.unflushed())
                    .await?;
            rows.extend(uploads.into_iter().map(Prefetched::Upload));
        }
        let mut sold: Vec<&str> =
            instances.iter().filter_map(|instance| instance.product.as_deref()).collect();
        sold.sort_unstable();
        sold.dedup();
        if !sold.is_empty() {
            let products: Vec<ProductRow> =
                sqlx::query_as("SELECT * FROM products WHERE id = ANY($1)")
                    .bind(sold)
                    .fetch_all(self.unflushed())
                    .await?;
            rows.extend(products.into_iter().map(Prefetched::Product));
        }
        if !footprint.applications.is_empty() {
            let applications: Vec<Application> =
                sqlx::query_as("SELECT * FROM applications WHERE event_id = ANY($1)")
                    .bind(column(&footprint.applications, |wanted| wanted.event.as_str()))
                    .fetch_all(self.unflushed())
                    .await?;
            let known: std::collections::BTreeSet<&str> =
                applications.iter().map(|found| found.event_id.as_str()).collect();
            let mut asked: (Vec<&str>, Vec<&str>) = Default::default();
            for wanted in &footprint.applications {
                if !known.contains(wanted.event.as_str()) {
                    for digest in &wanted.digests {
                        asked.0.push(&wanted.instance);
                        asked.1.push(digest);
                    }
                }
            }
            let machines: Vec<Found> = if asked.0.is_empty() {
                Vec::new()
            } else {
                sqlx::query_as(
                    "SELECT DISTINCT found.digest AS found_by, machines.* \
                     FROM unnest($1::text[], $2::text[]) AS asked (instance_id, digest) \
                     JOIN machine_digests AS found USING (instance_id, digest) \
                     JOIN machines ON machines.id = found.machine_id \
                     WHERE machines.freed_at IS NULL LIMIT $3",
                )
                .bind(asked.0)
                .bind(asked.1)
                .bind(i64::try_from(MAX_PREFETCHED_MACHINES).unwrap_or(i64::MAX))
                .fetch_all(self.unflushed())
                .await?
            };
            rows.extend(applications.into_iter().map(Prefetched::Application));
            let machines = machines.into_iter();
            rows.extend(machines.map(|found| Prefetched::Machine(found.found_by, found.machine)));
        }
        rows.extend(instances.into_iter().map(Prefetched::Instance));
        self.cache.learn(footprint, rows);
        Ok(())
    }

    /// Writes what waits.
    pub(super) async fn write_out(&mut self) -> Result<(), StoreError> {
        if self.cache.pending.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.cache.pending);
        let (machines, digests, licenses) = (&rows.machines, &rows.digests, &rows.licenses);
        let (uploads, applications, links) = (&rows.uploads, &rows.applications, &rows.links);
        let sent = &rows.sent;
        sqlx::query(WRITE)
            .bind(column(machines, |row| row.id.as_str()))
            .bind(column(machines, |row| row.instance_id.as_str()))
            .bind(column(machines, |row| row.binding.as_str()))
            .bind(column(machines, |row| row.by_code))
            .bind(column(machines, |row| row.enrolled_at))
            .bind(column(machines, |row| row.freed_at))
            .bind(column(digests, |(instance, ..)| instance.as_str()))
            .bind(column(digests, |(_, digest, _)| digest.as_str()))
            .bind(column(digests, |(.., machine)| machine.as_str()))
            .bind(column(licenses, |row| row.id.as_str()))
            .bind(column(licenses, |row| row.instance_id.as_str()))
            .bind(column(licenses, |row| row.machine_id.as_deref()))
            .bind(column(licenses, |row| row.event_id.as_deref()))
            .bind(column(licenses, |row| row.product.as_str()))
            .bind(column(licenses, |row| row.issued_at))
            .bind(column(licenses, |row| row.not_before))
            .bind(column(licenses, |row| row.expires))
            .bind(column(licenses, |row| row.grace))
            .bind(column(licenses, |row| row.terms.as_slice()))
            .bind(column(licenses, |row| row.document.as_str()))
            .bind(column(licenses, |row| row.state.as_str()))
            .bind(column(licenses, |row| row.reason.as_deref()))
            .bind(column(licenses, |row| row.changed_at))
            .bind(column(uploads, |row| row.id.as_str()))
            .bind(column(uploads, |row| row.event_id.as_str()))
            .bind(column(uploads, |row| row.instance_id.as_str()))
            .bind(column(uploads, |row| row.license_id.as_str()))
            .bind(column(uploads, |row| row.file.as_deref()))
            .bind(column(uploads, |row| row.state.as_str()))
            .bind(column(uploads, |row| row.attempts))
            .bind(column(uploads, |row| row.unanswered))
            .bind(column(uploads, |row| row.next_at))
            .bind(column(uploads, |row| row.last_code.as_deref()))
            .bind(column(uploads, |row| row.last_message.as_deref()))
            .bind(column(uploads, |row| row.queued_at))
            .bind(column(uploads, |row| row.finished_at))
            .bind(column(applications, |row| row.event_id.as_str()))
            .bind(column(applications, |row| row.fingerprint.as_slice()))
            .bind(column(applications, |row| row.instance_id.as_str()))
            .bind(column(applications, |row| row.state.as_str()))
            .bind(column(applications, |row| row.code.as_deref()))
            .bind(column(applications, |row| row.device.as_deref()))
            .bind(column(applications, |row| row.not_before))
            .bind(column(applications, |row| row.expires))
            .bind(column(applications, |row| row.license_id.as_deref()))
            .bind(column(applications, |row| row.received_at))
            .bind(rows.places.keys().map(String::as_str).collect::<Vec<_>>())
            .bind(rows.places.values().copied().collect::<Vec<_>>())
            .bind(column(links, |row| row.server.as_str()))
            .bind(column(links, |row| row.seq))
            .bind(column(links, |row| row.at))
            .bind(column(links, |row| row.entries.as_str()))
            .bind(column(links, |row| row.previous.as_slice()))
            .bind(column(links, |row| row.hash.as_slice()))
            .bind(column(sent, |row| row.id.as_str()))
            .bind(column(sent, |row| row.state.as_str()))
            .bind(column(sent, |row| row.unanswered))
            .bind(column(sent, |row| row.next_at))
            .bind(column(sent, |row| row.last_code.as_deref()))
            .bind(column(sent, |row| row.last_message.as_deref()))
            .bind(column(sent, |row| row.finished_at))
            .execute(self.unflushed())
            .await
            .map(|_| ())
            .map_err(row_cache::write_error)
    }
}
