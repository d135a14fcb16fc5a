//! Forgetting.

use async_trait::async_trait;

use super::{DbTx, list};
use crate::store::row_cache::Cached;
use crate::store::{StoreError, Sweeps};

#[async_trait]
impl Sweeps for DbTx {
    async fn sweep_turn(&mut self) -> Result<bool, StoreError> {
        self.try_lock_name("sweep").await
    }

    async fn sweep_links(
        &mut self,
        server: &str,
        until: i64,
        limit: i64,
    ) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "WITH oldest AS (SELECT seq, at FROM audit WHERE server = $1 ORDER BY seq LIMIT \
             $3) DELETE FROM audit WHERE server = $1 AND seq <= coalesce((SELECT min(seq) - \
             1 FROM oldest WHERE at >= $2), (SELECT max(seq) FROM oldest)) AND seq < (SELECT \
             max(seq) FROM audit WHERE server = $1)",
        )
        .bind(server)
        .bind(until)
        .bind(limit)
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn sweep_files(&mut self, until: i64, limit: i64) -> Result<u64, StoreError> {
        let done = sqlx::query(concat!(
            "UPDATE uploads SET file = NULL WHERE id IN (SELECT id FROM uploads",
            indexed_by!("uploads_with_file"),
            " WHERE state IN ('delivered', 'cancelled') AND file IS NOT NULL AND finished_at \
             < $1 ORDER BY finished_at LIMIT $2",
            skip_locked!(),
            ")"
        ))
        .bind(until)
        .bind(limit)
        .execute(self.invalidating(&[Cached::Uploads]).await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn sweep_uploads(&mut self, until: i64, limit: i64) -> Result<u64, StoreError> {
        let done = sqlx::query(concat!(
            "DELETE FROM uploads WHERE id IN (SELECT id FROM uploads",
            indexed_by!("uploads_to_sweep"),
            " WHERE state IN ('delivered', 'cancelled') AND finished_at < $1 ORDER BY \
             finished_at LIMIT $2",
            skip_locked!(),
            ")"
        ))
        .bind(until)
        .bind(limit)
        .execute(self.invalidating(&[Cached::Uploads]).await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn sweep_orders(&mut self, until: i64, limit: i64) -> Result<u64, StoreError> {
        // Marked first: what another server holds is left to a later sweep, with its orders.
        let due: Vec<String> = sqlx::query_scalar(concat!(
            "UPDATE instances SET orders_swept = TRUE WHERE id IN (SELECT id FROM instances \
             WHERE state = 'released' AND ",
            is_false!("orders_swept"),
            " AND changed_at < $1 ORDER BY changed_at LIMIT $2",
            skip_locked!(),
            ") RETURNING id"
        ))
        .bind(until)
        .bind(limit)
        .fetch_all(self.invalidating(&[Cached::Instances]).await?)
        .await?;
        sqlx::query(concat!(
            "DELETE FROM orders WHERE state IN ('read', 'refunded') AND instance_id ",
            in_list!("$1")
        ))
        .bind(list(&due[..])?)
        .execute(self.flushed().await?)
        .await?;
        Ok(due.len() as u64)
    }
}
