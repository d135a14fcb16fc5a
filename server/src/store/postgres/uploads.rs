//! Uploads in PostgreSQL.

use async_trait::async_trait;
use sqlx::{Postgres, QueryBuilder};

use super::PgTx;
use crate::store::{Lease, Parcel, StoreError, UploadQuery, UploadRow, UploadState, Uploads};

#[async_trait]
impl Uploads for PgTx {
    async fn upload(&mut self, id: &str) -> Result<Option<UploadRow>, StoreError> {
        if let Some(known) = self.batch.upload(id) {
            return Ok(known);
        }
        let sql = if self.writes() {
            "SELECT * FROM uploads WHERE id = $1 FOR UPDATE"
        } else {
            "SELECT * FROM uploads WHERE id = $1"
        };
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(self.written().await?).await?)
    }

    async fn upload_of_license(
        &mut self,
        license_id: &str,
    ) -> Result<Option<UploadRow>, StoreError> {
        let sql = if self.writes() {
            "SELECT * FROM uploads WHERE license_id = $1 ORDER BY id LIMIT 1 FOR UPDATE"
        } else {
            "SELECT * FROM uploads WHERE license_id = $1 ORDER BY id LIMIT 1"
        };
        Ok(sqlx::query_as(sql).bind(license_id).fetch_optional(self.written().await?).await?)
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
        let taken: Vec<Parcel> = sqlx::query_as(
            "WITH due AS MATERIALIZED (SELECT id FROM uploads WHERE state = 'queued' \
             AND next_at <= $1 AND NOT EXISTS (SELECT 1 FROM meta WHERE name = 'restored') \
             ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED), \
             taken AS (UPDATE uploads SET state = 'sending', attempts = attempts + 1, lease_owner = $3, \
             lease_until = extract(epoch FROM clock_timestamp())::bigint + $4 \
             FROM due WHERE uploads.id = due.id RETURNING uploads.*) SELECT *, CASE WHEN file \
             IS NULL THEN (SELECT document FROM licenses WHERE licenses.id = license_id) END AS text \
             FROM taken ORDER BY id",
        )
        .bind(now)
        .bind(limit)
        .bind(&lease.owner)
        .bind(lease.seconds)
        .fetch_all(self.raw())
        .await?;
        self.batch.took(&taken);
        Ok(taken)
    }

    async fn renew_uploads(&mut self, held: &[String], lease: &Lease) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE uploads SET lease_until = extract(epoch FROM clock_timestamp())::bigint + $3 \
             WHERE state = 'sending' AND lease_owner = $2 AND id = ANY($1)",
        )
        .bind(held)
        .bind(&lease.owner)
        .bind(lease.seconds)
        .execute(self.written().await?)
        .await?;
        Ok(())
    }

    // A lease that ends in more than two minutes was given before the clock was set back.
    async fn requeue_uploads(&mut self, held: &[String]) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE uploads SET state = 'queued', unanswered = TRUE WHERE id IN (SELECT id \
             FROM uploads WHERE state <> 'delivered' AND state = 'sending' \
             AND lease_until - extract(epoch FROM clock_timestamp()) NOT BETWEEN 0 AND 120 \
             AND id <> ALL($1) \
             FOR UPDATE SKIP LOCKED)",
        )
        .bind(held)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn uploads_in_flight(&mut self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT count(*) FROM uploads WHERE state <> 'delivered' AND state = 'sending'",
        )
        .fetch_one(self.written().await?)
        .await?)
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
        let mut sql = QueryBuilder::<Postgres>::new("SELECT * FROM uploads WHERE TRUE");
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
        Ok(sqlx::query_scalar("SELECT min(next_at) FROM uploads WHERE state = 'queued'")
            .fetch_one(self.written().await?)
            .await?)
    }

    async fn count_uploads(&mut self) -> Result<(i64, i64, i64), StoreError> {
        Ok(sqlx::query_as(
            "SELECT count(*) FILTER (WHERE state IN ('queued', 'sending')), \
             count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'unclear') \
             FROM uploads WHERE state <> 'delivered' \
             AND state IN ('queued', 'sending', 'failed', 'unclear')",
        )
        .fetch_one(self.written().await?)
        .await?)
    }
}
