//! Uploads.

use async_trait::async_trait;
use sqlx::QueryBuilder;

use super::{Db, DbTx};
use crate::store::{Lease, Parcel, StoreError, UploadQuery, UploadRow, UploadState, Uploads};

/// Claims uploads, with the license of each that is sent as text.
pub(in crate::store) const CLAIM: &str = claim!(
    "uploads",
    indexed_by!("uploads_due"),
    set concat!(
        "state = 'sending', attempts = attempts + 1, lease_owner = $3, lease_until = ",
        now_secs!(),
        " + $4"
    ),
    due "state = 'queued' AND next_at <= $1 \
         AND NOT EXISTS (SELECT 1 FROM meta WHERE name = 'restored') ORDER BY next_at LIMIT $2",
    returning "*, CASE WHEN file IS NULL THEN \
               (SELECT document FROM licenses WHERE licenses.id = license_id) END AS text"
);

#[async_trait]
impl Uploads for DbTx {
    async fn upload(&mut self, id: &str) -> Result<Option<UploadRow>, StoreError> {
        if let Some(known) = self.cache.upload(id) {
            return Ok(known);
        }
        Ok(sqlx::query_as(row_lock!(self, "SELECT * FROM uploads WHERE id = $1"))
            .bind(id)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn upload_of_license(
        &mut self,
        license_id: &str,
    ) -> Result<Option<UploadRow>, StoreError> {
        Ok(sqlx::query_as(row_lock!(
            self,
            "SELECT * FROM uploads WHERE license_id = $1 ORDER BY id LIMIT 1"
        ))
        .bind(license_id)
        .fetch_optional(self.flushed().await?)
        .await?)
    }

    async fn add_upload(&mut self, upload: &UploadRow) -> Result<(), StoreError> {
        self.cache.pending.uploads.push(upload.clone());
        self.make_room().await
    }

    async fn claim_uploads(
        &mut self,
        now: i64,
        limit: i64,
        lease: &Lease,
    ) -> Result<Vec<Parcel>, StoreError> {
        let taken: Vec<Parcel> = sqlx::query_as(CLAIM)
            .bind(now)
            .bind(limit)
            .bind(&lease.owner)
            .bind(lease.seconds)
            .fetch_all(self.begun().await?)
            .await?;
        self.cache.took(&taken);
        Ok(taken)
    }

    async fn put_upload(&mut self, upload: &UploadRow) -> Result<(), StoreError> {
        if self.cache.put_upload(upload) {
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
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn uploads(&mut self, query: &UploadQuery) -> Result<Vec<UploadRow>, StoreError> {
        // Only what is asked for stands in the statement, so that an index can serve it.
        let mut sql = QueryBuilder::<Db>::new("SELECT * FROM uploads WHERE TRUE");
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
        Ok(sql.build_query_as().fetch_all(self.flushed().await?).await?)
    }

    async fn count_uploads(&mut self) -> Result<(i64, i64, i64), StoreError> {
        Ok(sqlx::query_as(
            "SELECT count(*) FILTER (WHERE state IN ('queued', 'sending')), count(*) FILTER \
             (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'unclear') FROM \
             uploads WHERE state <> 'delivered' AND state IN ('queued', 'sending', 'failed', \
             'unclear')",
        )
        .fetch_one(self.flushed().await?)
        .await?)
    }
}
