//! The audit chains in SQLite.

use async_trait::async_trait;

use super::SqliteTx;
use crate::store::{Audit, AuditQuery, AuditRow, StoreError};

#[async_trait]
impl Audit for SqliteTx {
    async fn add_link(&mut self, link: &AuditRow) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO audit (server, seq, at, entries, previous, hash) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (server, seq) DO NOTHING",
        )
        .bind(&link.server)
        .bind(link.seq)
        .bind(link.at)
        .bind(&link.entries)
        .bind(&link.previous)
        .bind(&link.hash)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn audit_head(&mut self, server: &str) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT seq, hash FROM audit WHERE server = $1 ORDER BY seq DESC LIMIT 1",
        )
        .bind(server)
        .fetch_optional(self.connection().await?)
        .await?)
    }

    async fn audit_servers(&mut self) -> Result<Vec<String>, StoreError> {
        // From one to the next by the index: DISTINCT would read every link.
        Ok(sqlx::query_scalar(
            "WITH RECURSIVE chains (server) AS (SELECT min(server) FROM audit UNION ALL \
             SELECT (SELECT min(server) FROM audit WHERE server > chains.server) FROM chains \
             WHERE chains.server IS NOT NULL) \
             SELECT server FROM chains WHERE server IS NOT NULL ORDER BY server",
        )
        .fetch_all(self.connection().await?)
        .await?)
    }

    async fn links(&mut self, query: &AuditQuery) -> Result<Vec<AuditRow>, StoreError> {
        // A clock that was set back leaves times that do not rise: the numbers decide.
        Ok(sqlx::query_as(
            "SELECT * FROM audit WHERE server = $1 AND seq > $2 \
             AND ($3 IS NULL OR at >= $3) AND ($4 IS NULL OR at < $4) \
             AND seq >= coalesce((SELECT min(seq) FROM audit \
             WHERE $3 IS NOT NULL AND server = $1 AND at >= $3), 0) \
             ORDER BY seq LIMIT $5",
        )
        .bind(&query.server)
        .bind(query.after)
        .bind(query.since)
        .bind(query.until)
        .bind(query.limit)
        .fetch_all(self.connection().await?)
        .await?)
    }
}
