//! Forgetting in PostgreSQL.

use async_trait::async_trait;

use super::{PgTx, number};
use crate::store::{StoreError, Sweeps};

#[async_trait]
impl Sweeps for PgTx {
    async fn sweep_turn(&mut self) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)")
            .bind(number("sweep"))
            .fetch_one(self.connection().await?)
            .await?)
    }

    async fn sweep_links(
        &mut self,
        server: &str,
        until: i64,
        limit: i64,
    ) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "WITH oldest AS (SELECT seq, at FROM audit WHERE server = $1 ORDER BY seq LIMIT $3) \
             DELETE FROM audit WHERE server = $1 AND seq <= coalesce( \
             (SELECT min(seq) - 1 FROM oldest WHERE at >= $2), (SELECT max(seq) FROM oldest)) \
             AND seq < (SELECT max(seq) FROM audit WHERE server = $1)",
        )
        .bind(server)
        .bind(until)
        .bind(limit)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn sweep_files(&mut self, until: i64, limit: i64) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE uploads SET file = NULL WHERE id IN (SELECT id FROM uploads \
             WHERE state IN ('delivered', 'cancelled') AND file IS NOT NULL AND finished_at < $1 \
             ORDER BY finished_at LIMIT $2 \
             FOR UPDATE SKIP LOCKED)",
        )
        .bind(until)
        .bind(limit)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn sweep_uploads(&mut self, until: i64, limit: i64) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "DELETE FROM uploads WHERE id IN (SELECT id FROM uploads \
             WHERE state IN ('delivered', 'cancelled') AND finished_at < $1 \
             ORDER BY finished_at LIMIT $2 \
             FOR UPDATE SKIP LOCKED)",
        )
        .bind(until)
        .bind(limit)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn sweep_orders(&mut self, until: i64, limit: i64) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "WITH due AS (SELECT id FROM instances WHERE state = 'released' AND NOT orders_swept \
             AND changed_at < $1 ORDER BY changed_at LIMIT $2 FOR UPDATE SKIP LOCKED), \
             gone AS (DELETE FROM orders USING due WHERE orders.instance_id = due.id \
             AND orders.state IN ('read', 'refunded')) \
             UPDATE instances SET orders_swept = TRUE FROM due WHERE instances.id = due.id",
        )
        .bind(until)
        .bind(limit)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected())
    }
}
