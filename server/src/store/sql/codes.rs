//! Authorization codes.

use async_trait::async_trait;

use super::{DbTx, SHARED};
use crate::store::{CodeQuery, CodeRow, Codes, StoreError};

#[async_trait]
impl Codes for DbTx {
    async fn code(&mut self, code: &str) -> Result<Option<CodeRow>, StoreError> {
        Ok(sqlx::query_as(row_lock!(self, "SELECT * FROM codes WHERE code = $1"))
            .bind(code)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn add_code(&mut self, row: &CodeRow) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO codes (code, state, instance_id, used_since, activated_at, \
             beaten_at, asking_until, next_at, attempts, unanswered, last_code, \
             last_message, answer, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, \
             $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING",
        )
        .bind(&row.code)
        .bind(row.state)
        .bind(&row.instance_id)
        .bind(row.used_since)
        .bind(row.activated_at)
        .bind(row.beaten_at)
        .bind(row.asking_until)
        .bind(row.next_at)
        .bind(row.attempts)
        .bind(row.unanswered)
        .bind(&row.last_code)
        .bind(&row.last_message)
        .bind(&row.answer)
        .bind(row.created_at)
        .bind(row.changed_at)
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn put_code(&mut self, row: &CodeRow) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE codes SET state = $2, instance_id = $3, activated_at = $4, beaten_at = \
             $5, asking_until = $6, next_at = $7, attempts = $8, unanswered = $9, last_code \
             = $10, last_message = $11, answer = $12, changed_at = $13 WHERE code = $1",
        )
        .bind(&row.code)
        .bind(row.state)
        .bind(&row.instance_id)
        .bind(row.activated_at)
        .bind(row.beaten_at)
        .bind(row.asking_until)
        .bind(row.next_at)
        .bind(row.attempts)
        .bind(row.unanswered)
        .bind(&row.last_code)
        .bind(&row.last_message)
        .bind(&row.answer)
        .bind(row.changed_at)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn remove_code(&mut self, code: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM codes WHERE code = $1")
            .bind(code)
            .execute(self.flushed().await?)
            .await?;
        Ok(())
    }

    async fn codes(&mut self, query: &CodeQuery) -> Result<Vec<CodeRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM codes WHERE (CAST($1 AS TEXT) IS NULL OR state = $1) AND (CAST($2 \
             AS TEXT) IS NULL OR instance_id = $2) AND (CAST($3 AS TEXT) IS NULL OR code > \
             $3) ORDER BY code LIMIT $4",
        )
        .bind(query.state)
        .bind(&query.instance_id)
        .bind(&query.after)
        .bind(query.limit)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn codes_activating(&mut self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM codes WHERE state = 'activating'")
            .fetch_one(self.flushed().await?)
            .await?)
    }

    async fn sweep_codes(&mut self, before: i64, limit: i64) -> Result<u64, StoreError> {
        let done = sqlx::query(concat!(
            "DELETE FROM codes WHERE code IN (SELECT code FROM codes WHERE state = \
             'activating' AND changed_at < $1 ORDER BY changed_at LIMIT $2",
            skip_locked!(),
            ")"
        ))
        .bind(before)
        .bind(limit)
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn interrupt_codes(&mut self) -> Result<(), StoreError> {
        if SHARED {
            // Another server may be asking just now.
            return Ok(());
        }
        sqlx::query(
            "UPDATE codes SET asking_until = 0, unanswered = CASE WHEN state = 'activating' \
             THEN TRUE ELSE unanswered END WHERE asking_until <> 0",
        )
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }
}
