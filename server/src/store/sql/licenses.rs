//! Licenses.

use async_trait::async_trait;
use sqlx::QueryBuilder;

use super::{Db, DbTx};
use crate::store::{LicenseQuery, LicenseRow, LicenseState, Licenses, StoreError};

#[async_trait]
impl Licenses for DbTx {
    async fn license(&mut self, id: &str) -> Result<Option<LicenseRow>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM licenses WHERE id = $1")
            .bind(id)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn add_license(&mut self, license: &LicenseRow) -> Result<(), StoreError> {
        self.cache.pending.licenses.push(license.clone());
        self.make_room().await
    }

    async fn licenses(&mut self, query: &LicenseQuery) -> Result<Vec<LicenseRow>, StoreError> {
        // Only what is asked for stands in the statement, so that an index can serve it.
        let mut sql = QueryBuilder::<Db>::new("SELECT * FROM licenses WHERE TRUE");
        if let Some(instance) = &query.instance_id {
            sql.push(" AND instance_id = ").push_bind(instance);
        }
        if let Some(machine) = &query.machine_id {
            sql.push(" AND machine_id = ").push_bind(machine);
        }
        if let Some(product) = &query.product {
            sql.push(" AND product = ").push_bind(product);
        }
        if let Some(state) = query.state {
            if state != LicenseState::Active {
                sql.push(" AND state <> 'active'");
            }
            sql.push(" AND state = ").push_bind(state);
        }
        if let Some(after) = &query.after {
            sql.push(" AND id > ").push_bind(after);
        }
        sql.push(" ORDER BY id LIMIT ").push_bind(query.limit);
        Ok(sql.build_query_as().fetch_all(self.flushed().await?).await?)
    }

    async fn licenses_in_force(
        &mut self,
        instance_id: &str,
        machine_id: Option<&str>,
        terms: &[u8],
    ) -> Result<Vec<LicenseRow>, StoreError> {
        let sql = if machine_id.is_some() {
            "SELECT * FROM licenses WHERE machine_id = $2 AND instance_id = $1 AND terms = \
             $3 AND state = 'active' ORDER BY id DESC LIMIT 16"
        } else {
            "SELECT * FROM licenses WHERE instance_id = $1 AND machine_id IS NOT DISTINCT \
             FROM $2 AND terms = $3 AND state = 'active' ORDER BY id DESC LIMIT 16"
        };
        Ok(sqlx::query_as(sql)
            .bind(instance_id)
            .bind(machine_id)
            .bind(terms)
            .fetch_all(self.flushed().await?)
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
        .fetch_optional(self.flushed().await?)
        .await?)
    }

    async fn is_suspended(
        &mut self,
        instance_id: &str,
        machine_id: Option<&str>,
    ) -> Result<bool, StoreError> {
        let sql = if machine_id.is_some() {
            "SELECT EXISTS (SELECT 1 FROM licenses WHERE machine_id = $2 AND instance_id = \
             $1 AND state = 'suspended' AND reason = 'operator')"
        } else {
            "SELECT EXISTS (SELECT 1 FROM licenses WHERE instance_id = $1 AND machine_id IS \
             NOT DISTINCT FROM $2 AND state = 'suspended' AND reason = 'operator')"
        };
        Ok(sqlx::query_scalar(sql)
            .bind(instance_id)
            .bind(machine_id)
            .fetch_one(self.flushed().await?)
            .await?)
    }

    async fn revoke_machine(
        &mut self,
        machine_id: &str,
        reason: &str,
        at: i64,
    ) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE licenses SET state = 'revoked', reason = $2, changed_at = $3 WHERE \
             machine_id = $1 AND state <> 'revoked'",
        )
        .bind(machine_id)
        .bind(reason)
        .bind(at)
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn newest_returned(
        &mut self,
        instance_id: &str,
        nth: i64,
    ) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT max(changed_at) FROM licenses WHERE instance_id = $1 AND state = \
             'revoked' AND reason = 'returned' GROUP BY machine_id ORDER BY max(changed_at) \
             DESC LIMIT 1 OFFSET $2 - 1",
        )
        .bind(instance_id)
        .bind(nth)
        .fetch_optional(self.flushed().await?)
        .await?)
    }

    async fn machine_licenses(&mut self, machine_id: &str) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT count(*) FROM licenses WHERE machine_id = $1 AND state <> 'revoked'",
        )
        .bind(machine_id)
        .fetch_one(self.flushed().await?)
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
            .execute(self.flushed().await?)
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
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn unfreeze_licenses(&mut self, instance_id: &str, at: i64) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE licenses SET state = 'active', reason = NULL, changed_at = $2 WHERE \
             instance_id = $1 AND state = 'suspended' AND reason = 'freeze'",
        )
        .bind(instance_id)
        .bind(at)
        .execute(self.flushed().await?)
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
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn listed_licenses(
        &mut self,
        now: i64,
    ) -> Result<Vec<(String, LicenseState)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT id, state FROM licenses WHERE state <> 'active' AND (expires IS NULL OR \
             expires + grace >= $1) ORDER BY id",
        )
        .bind(now)
        .fetch_all(self.flushed().await?)
        .await?)
    }
}
