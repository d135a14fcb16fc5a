//! The audit chains.

use async_trait::async_trait;

use super::DbTx;
use crate::store::{Audit, AuditQuery, AuditRow, StoreError};

#[async_trait]
impl Audit for DbTx {
    async fn add_link(&mut self, link: AuditRow) -> Result<(), StoreError> {
        self.cache.pending.links.push(link);
        Ok(())
    }

    async fn audit_head(&mut self, server: &str) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT seq, hash FROM audit WHERE server = $1 ORDER BY seq DESC LIMIT 1",
        )
        .bind(server)
        .fetch_optional(self.flushed().await?)
        .await?)
    }

    async fn audit_servers(&mut self) -> Result<Vec<String>, StoreError> {
        // From one to the next by the index: DISTINCT would read every link.
        Ok(sqlx::query_scalar(
            "WITH RECURSIVE chains (server) AS (SELECT min(server) FROM audit UNION ALL \
             SELECT (SELECT min(server) FROM audit WHERE server > chains.server) FROM chains \
             WHERE chains.server IS NOT NULL) SELECT server FROM chains WHERE server IS NOT \
             NULL ORDER BY server",
        )
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn links(&mut self, query: &AuditQuery) -> Result<Vec<AuditRow>, StoreError> {
        // A clock that was set back leaves times that do not rise: the numbers decide.
        Ok(sqlx::query_as(
            "SELECT * FROM audit WHERE server = $1 AND seq > $2 AND (CAST($3 AS BIGINT) IS \
             NULL OR at >= $3) AND (CAST($4 AS BIGINT) IS NULL OR at < $4) AND seq >= \
             coalesce((SELECT min(seq) FROM audit WHERE CAST($3 AS BIGINT) IS NOT NULL AND \
             server = $1 AND at >= $3), 0) ORDER BY seq LIMIT $5",
        )
        .bind(&query.server)
        .bind(query.after)
        .bind(query.since)
        .bind(query.until)
        .bind(query.limit)
        .fetch_all(self.flushed().await?)
        .await?)
    }
}
