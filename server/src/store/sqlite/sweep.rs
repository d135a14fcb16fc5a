//! Forgetting in SQLite.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use super::SqliteTx;
use crate::store::{StoreError, Sweeps};

#[async_trait]
impl Sweeps for SqliteTx {
    async fn sweep_turn(&mut self) -> Result<bool, StoreError> {
        // Nobody else has this file.
        Ok(true)
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
        // It would rather look at every one that was delivered.
        let done = sqlx::query(
            "UPDATE uploads SET file = NULL WHERE id IN (SELECT id FROM uploads \
             INDEXED BY uploads_with_file \
             WHERE state IN ('delivered', 'cancelled') AND file IS NOT NULL AND finished_at < $1 \
             ORDER BY finished_at LIMIT $2)",
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
             INDEXED BY uploads_to_sweep \
             WHERE state IN ('delivered', 'cancelled') AND finished_at < $1 \
             ORDER BY finished_at LIMIT $2)",
        )
        .bind(until)
        .bind(limit)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn sweep_orders(&mut self, until: i64, limit: i64) -> Result<u64, StoreError> {
        const DUE: &str = "SELECT id FROM instances WHERE state = 'released' \
                           AND orders_swept = 0 AND changed_at < $1 ORDER BY changed_at LIMIT $2";

        let delete = format!(
            "DELETE FROM orders WHERE state IN ('read', 'refunded') AND instance_id IN ({DUE})"
        );
        sqlx::query(AssertSqlSafe(delete))
            .bind(until)
            .bind(limit)
            .execute(self.connection().await?)
            .await?;
        let mark = format!("UPDATE instances SET orders_swept = 1 WHERE id IN ({DUE})");
        let done = sqlx::query(AssertSqlSafe(mark))
            .bind(until)
            .bind(limit)
            .execute(self.connection().await?)
            .await?;
        Ok(done.rows_affected())
    }
}
