//! Licenses in PostgreSQL.

use async_trait::async_trait;

use super::PgTx;
use crate::store::{LicenseQuery, LicenseRow, LicenseState, Licenses, StoreError};

#[async_trait]
impl Licenses for PgTx {
    async fn license(&mut self, id: &str) -> Result<Option<LicenseRow>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM licenses WHERE id = $1")
            .bind(id)
            .fetch_optional(self.reader().await?)
            .await?)
    }

    async fn add_license(&mut self, license: &LicenseRow) -> Result<(), StoreError> {
        self.batch.unwritten.licenses.push(license.clone());
        self.make_room().await
    }

    async fn licenses(&mut self, query: &LicenseQuery) -> Result<Vec<LicenseRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM licenses WHERE ($1::text IS NULL OR instance_id = $1) \
             AND ($2::text IS NULL OR product = $2) AND ($3::text IS NULL OR state = $3) \
             AND ($4::text IS NULL OR id > $4) ORDER BY id LIMIT $5",
        )
        .bind(&query.instance_id)
        .bind(&query.product)
        .bind(query.state)
        .bind(&query.after)
        .bind(query.limit)
        .fetch_all(self.reader().await?)
        .await?)
    }

    async fn licenses_in_force(
        &mut self,
        instance_id: &str,
        machine_id: Option<&str>,
        terms: &[u8],
    ) -> Result<Vec<LicenseRow>, StoreError> {
        let sql = if machine_id.is_some() {
            "SELECT * FROM licenses WHERE machine_id = $2 AND instance_id = $1 AND terms = $3 \
             AND state = 'active' ORDER BY id DESC LIMIT 16"
        } else {
            "SELECT * FROM licenses WHERE instance_id = $1 AND machine_id IS NOT DISTINCT FROM $2 AND terms = $3 \
             AND state = 'active' ORDER BY id DESC LIMIT 16"
        };
        Ok(sqlx::query_as(sql)
            .bind(instance_id)
            .bind(machine_id)
            .bind(terms)
            .fetch_all(self.reader().await?)
            .await?)
    }

    async fn license_of_event(
        &mut self,
        instance_id: &str,
        event_id: &str,
    ) -> Result<Option<LicenseRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM licenses WHERE instance_id = $1 AND event_id = $2 ORDER BY id LIMIT 1",
        )
        .bind(instance_id)
        .bind(event_id)
        .fetch_optional(self.reader().await?)
        .await?)
    }

    async fn machine_licenses(&mut self, machine_id: &str) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT count(*) FROM licenses WHERE machine_id = $1 AND state <> 'revoked'",
        )
        .bind(machine_id)
        .fetch_one(self.reader().await?)
        .await?)
    }

    async fn put_license_state(
        &mut self,
        id: &str,
        state: LicenseState,
        reason: Option<&str>,
        at: i64,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE licenses SET state = $2, reason = $3, changed_at = $4 WHERE id = $1")
            .bind(id)
            .bind(state)
            .bind(reason)
            .bind(at)
            .execute(self.connection().await?)
            .await?;
        Ok(())
    }

    async fn freeze_licenses(&mut self, instance_id: &str, at: i64) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE licenses SET state = 'suspended', reason = 'freeze', changed_at = $2 \
             WHERE instance_id = $1 AND state = 'active'",
        )
        .bind(instance_id)
        .bind(at)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn unfreeze_licenses(&mut self, instance_id: &str, at: i64) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE licenses SET state = 'active', reason = NULL, changed_at = $2 \
             WHERE instance_id = $1 AND state = 'suspended' AND reason = 'freeze'",
        )
        .bind(instance_id)
        .bind(at)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn release_licenses(&mut self, instance_id: &str, at: i64) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE licenses SET state = 'revoked', reason = 'release', changed_at = $2 \
             WHERE instance_id = $1 AND state <> 'revoked'",
        )
        .bind(instance_id)
        .bind(at)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn listed_licenses(
        &mut self,
        now: i64,
    ) -> Result<Vec<(String, LicenseState)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, state FROM licenses WHERE state <> 'active' \
             AND (expires IS NULL OR expires + grace >= $1) ORDER BY id",
        )
        .bind(now)
        .fetch_all(self.reader().await?)
        .await?)
    }
}
