//! Uploads in SQLite.

use async_trait::async_trait;

use super::{SqliteTx, json};
use crate::store::{Lease, StoreError, UploadQuery, UploadRow, Uploads};

#[async_trait]
impl Uploads for SqliteTx {
    async fn upload(&mut self, id: &str) -> Result<Option<UploadRow>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM uploads WHERE id = $1")
            .bind(id)
            .fetch_optional(self.reader().await?)
            .await?)
    }

    async fn upload_of_license(
        &mut self,
        license_id: &str,
    ) -> Result<Option<UploadRow>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM uploads WHERE license_id = $1 ORDER BY id LIMIT 1")
            .bind(license_id)
            .fetch_optional(self.reader().await?)
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
    ) -> Result<Vec<UploadRow>, StoreError> {
        Ok(sqlx::query_as(
            "UPDATE uploads SET state = 'sending', attempts = attempts + 1, lease_owner = $3, \
             lease_until = unixepoch() + $4 WHERE id IN \
             (SELECT id FROM uploads INDEXED BY uploads_due WHERE state = 'queued' AND next_at <= $1 \
             ORDER BY next_at LIMIT $2) RETURNING *",
        )
        .bind(now)
        .bind(limit)
        .bind(&lease.owner)
        .bind(lease.seconds)
        .fetch_all(self.connection().await?)
        .await?)
    }

    async fn renew_uploads(&mut self, held: &[String], lease: &Lease) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE uploads SET lease_until = unixepoch() + $3 WHERE state = 'sending' \
             AND lease_owner = $2 AND id IN (SELECT value FROM json_each($1))",
        )
        .bind(json(held)?)
        .bind(&lease.owner)
        .bind(lease.seconds)
        .execute(self.connection().await?)
        .await?;
        Ok(())
    }

    async fn requeue_uploads(&mut self, held: &[String]) -> Result<u64, StoreError> {
        // No other server has this file, so what is not held here has died, whatever its lease.
        let done = sqlx::query(
            "UPDATE uploads SET state = 'queued', unanswered = 1 WHERE state = 'sending' \
             AND id NOT IN (SELECT value FROM json_each($1))",
        )
        .bind(json(held)?)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn uploads_in_flight(&mut self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM uploads WHERE state = 'sending'")
            .fetch_one(self.reader().await?)
            .await?)
    }

    async fn put_upload(&mut self, upload: &UploadRow) -> Result<(), StoreError> {
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
        .execute(self.connection().await?)
        .await?;
        Ok(())
    }

    async fn uploads(&mut self, query: &UploadQuery) -> Result<Vec<UploadRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM uploads WHERE ($1 IS NULL OR state = $1) \
             AND ($2 IS NULL OR instance_id = $2) AND ($3 IS NULL OR id > $3) \
             ORDER BY id LIMIT $4",
        )
        .bind(query.state)
        .bind(&query.instance_id)
        .bind(&query.after)
        .bind(query.limit)
        .fetch_all(self.reader().await?)
        .await?)
    }

    async fn next_upload(&mut self) -> Result<Option<i64>, StoreError> {
        // By the state alone it would look at each one that waits, and after an outage many do.
        Ok(sqlx::query_scalar(
            "SELECT min(next_at) FROM uploads INDEXED BY uploads_due WHERE state = 'queued'",
        )
        .fetch_one(self.reader().await?)
        .await?)
    }

    async fn count_uploads(&mut self) -> Result<(i64, i64, i64), StoreError> {
        Ok(sqlx::query_as(
            "SELECT coalesce(sum(state IN ('queued', 'sending')), 0), \
             coalesce(sum(state = 'failed'), 0), coalesce(sum(state = 'unclear'), 0) \
             FROM uploads WHERE state IN ('queued', 'sending', 'failed', 'unclear')",
        )
        .fetch_one(self.reader().await?)
        .await?)
    }
}
