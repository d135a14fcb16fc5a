//! Uploads in SQLite.

use async_trait::async_trait;
use sqlx::{QueryBuilder, Sqlite};

use super::{SqliteTx, json};
use crate::store::{Lease, Parcel, StoreError, UploadQuery, UploadRow, UploadState, Uploads};

const TAKE: &str = "UPDATE uploads SET state = 'sending', attempts = attempts + 1, \
                    lease_owner = $3, lease_until = unixepoch() + $4 WHERE id IN \
                    (SELECT id FROM uploads INDEXED BY uploads_due WHERE state = 'queued' \
                    AND next_at <= $1 AND NOT EXISTS (SELECT 1 FROM meta WHERE name = 'restored') \
                    ORDER BY next_at LIMIT $2) RETURNING *, CASE WHEN file IS NULL THEN \
                    (SELECT document FROM licenses WHERE licenses.id = license_id) END AS text";
const IN_FLIGHT: &str =
    "SELECT count(*) FROM uploads WHERE state <> 'delivered' AND state = 'sending'";
const NEXT: &str = "SELECT min(next_at) FROM uploads INDEXED BY uploads_due WHERE state = 'queued'";

#[async_trait]
impl Uploads for SqliteTx {
    async fn upload(&mut self, id: &str) -> Result<Option<UploadRow>, StoreError> {
        if let Some(known) = self.batch.upload(id) {
            return Ok(known);
        }
        Ok(sqlx::query_as("SELECT * FROM uploads WHERE id = $1")
            .bind(id)
            .fetch_optional(self.written().await?)
            .await?)
    }

    async fn upload_of_license(
        &mut self,
        license_id: &str,
    ) -> Result<Option<UploadRow>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM uploads WHERE license_id = $1 ORDER BY id LIMIT 1")
            .bind(license_id)
            .fetch_optional(self.written().await?)
            .await?)
    }

    async fn add_upload(&mut self, upload: &UploadRow) -> Result<(), StoreError> {
        self.batch.unwritten.uploads.push(upload.clone());
        self.make_room().await
    }

    async fn take_uploads(
        &mut self,
        now: i64,
        limit: i64,
        lease: &Lease,
    ) -> Result<Vec<Parcel>, StoreError> {
        let taken: Vec<Parcel> = sqlx::query_as(TAKE)
            .bind(now)
            .bind(limit)
            .bind(&lease.owner)
            .bind(lease.seconds)
            .fetch_all(self.begun().await?)
            .await?;
        self.batch.took(&taken);
        Ok(taken)
    }

    async fn renew_uploads(&mut self, held: &[String], lease: &Lease) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE uploads SET lease_until = unixepoch() + $3 WHERE state = 'sending' \
             AND lease_owner = $2 AND id IN (SELECT value FROM json_each($1))",
        )
        .bind(json(held)?)
        .bind(&lease.owner)
        .bind(lease.seconds)
        .execute(self.written().await?)
        .await?;
        Ok(())
    }

    async fn requeue_uploads(&mut self, held: &[String]) -> Result<u64, StoreError> {
        // No other server has this file, so what is not held here has died, whatever its lease.
        let done = sqlx::query(
            "UPDATE uploads SET state = 'queued', unanswered = 1 WHERE state <> 'delivered' \
             AND state = 'sending' AND id NOT IN (SELECT value FROM json_each($1))",
        )
        .bind(json(held)?)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn uploads_in_flight(&mut self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(IN_FLIGHT).fetch_one(self.written().await?).await?)
    }

    async fn put_upload(&mut self, upload: &UploadRow) -> Result<(), StoreError> {
        if self.batch.put_upload(upload) {
            return self.make_room().await;
        }
        sqlx::query(
            "UPDATE uploads SET state = $2, unanswered = $3, next_at = $4, last_code = $5, \
             last_message = $6, finished_at = $7, lease_owner = NULL, lease_until = NULL \
             WHERE id = $1",
        )
        .bind(&upload.id)
        .bind(upload.state)
        .bind(upload.unanswered)
        .bind(upload.next_at)
        .bind(&upload.last_code)
        .bind(&upload.last_message)
        .bind(upload.finished_at)
        .execute(self.written().await?)
        .await?;
        Ok(())
    }

    async fn uploads(&mut self, query: &UploadQuery) -> Result<Vec<UploadRow>, StoreError> {
        // Only what is asked for stands in the statement, so that an index can serve it.
        let mut sql = QueryBuilder::<Sqlite>::new("SELECT * FROM uploads WHERE TRUE");
        if let Some(state) = query.state {
            if state != UploadState::Delivered {
                sql.push(" AND state <> 'delivered'");
            }
            sql.push(" AND state = ").push_bind(state);
        }
        if let Some(instance) = &query.instance_id {
            // By way of its licenses: one index less that every upload would have to keep.
            sql.push(" AND license_id IN (SELECT id FROM licenses WHERE instance_id = ")
                .push_bind(instance)
                .push(")");
        }
        if let Some(after) = &query.after {
            sql.push(" AND id > ").push_bind(after);
        }
        sql.push(" ORDER BY id LIMIT ").push_bind(query.limit);
        Ok(sql.build_query_as().fetch_all(self.written().await?).await?)
    }

    async fn next_upload(&mut self) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar(NEXT).fetch_one(self.written().await?).await?)
    }

    async fn count_uploads(&mut self) -> Result<(i64, i64, i64), StoreError> {
        Ok(sqlx::query_as(
            "SELECT coalesce(sum(state IN ('queued', 'sending')), 0), \
             coalesce(sum(state = 'failed'), 0), coalesce(sum(state = 'unclear'), 0) \
             FROM uploads WHERE state <> 'delivered' \
             AND state IN ('queued', 'sending', 'failed', 'unclear')",
        )
        .fetch_one(self.written().await?)
        .await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::MIGRATOR;

    /// A queue of millions must not be read, let alone sorted, to find its first four.
    #[tokio::test]
    async fn the_queue_is_taken_from_its_front() {
        let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
        let pool = pool.connect("sqlite::memory:").await.unwrap();
        MIGRATOR.run(&pool).await.unwrap();
        let plans =
            [(TAKE, "uploads_due"), (NEXT, "uploads_due"), (IN_FLIGHT, "uploads_not_delivered")];
        for (sql, index) in plans {
            let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let plan: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(explain).fetch_all(&pool).await.unwrap();
            let plan = format!("{plan:?}");
            assert!(plan.contains(&format!("INDEX {index}")), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
