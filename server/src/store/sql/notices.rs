//! Order notifications.

use async_trait::async_trait;

use super::DbTx;
use crate::store::{NoticeQuery, NoticeRow, Notices, StoreError};

#[async_trait]
impl Notices for DbTx {
    async fn put_notice(
        &mut self,
        order_id: &str,
        line_id: &str,
        at: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO notices (order_id, line_id, state, received_at, repeated_at, \
             attempts, next_at) VALUES ($1, $2, 'queued', $3, $3, 0, $3) ON CONFLICT \
             (order_id, line_id) DO UPDATE SET repeated_at = excluded.repeated_at, attempts \
             = CASE WHEN notices.state = 'queued' THEN notices.attempts ELSE 0 END, next_at \
             = CASE WHEN notices.state = 'queued' THEN notices.next_at ELSE excluded.next_at \
             END, state = 'queued'",
        )
        .bind(order_id)
        .bind(line_id)
        .bind(at)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn claim_notices(
        &mut self,
        now: i64,
        limit: i64,
        until: i64,
    ) -> Result<Vec<NoticeRow>, StoreError> {
        Ok(sqlx::query_as(concat!(
            "UPDATE notices SET attempts = attempts + 1, next_at = $3 WHERE (order_id, \
             line_id) IN (SELECT order_id, line_id FROM notices WHERE state = 'queued' AND \
             next_at <= $1 ORDER BY next_at LIMIT $2",
            skip_locked!(),
            ") RETURNING *"
        ))
        .bind(now)
        .bind(limit)
        .bind(until)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn put_notice_read(&mut self, row: &NoticeRow) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE notices SET state = $3, next_at = $4, last_code = $5, last_message = $6, \
             read_at = $7, order_type = $8, market_product = $9, sku = $10, quantity = $11, \
             expires = $12 WHERE order_id = $1 AND line_id = $2",
        )
        .bind(&row.order_id)
        .bind(&row.line_id)
        .bind(row.state)
        .bind(row.next_at)
        .bind(&row.last_code)
        .bind(&row.last_message)
        .bind(row.read_at)
        .bind(&row.order_type)
        .bind(&row.market_product)
        .bind(&row.sku)
        .bind(row.quantity)
        .bind(row.expires)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn notices(&mut self, query: &NoticeQuery) -> Result<Vec<NoticeRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM notices WHERE (CAST($1 AS TEXT) IS NULL OR order_id = $1) AND \
             (CAST($2 AS TEXT) IS NULL OR state = $2) ORDER BY received_at DESC, order_id \
             DESC, line_id DESC LIMIT $3",
        )
        .bind(&query.order_id)
        .bind(query.state)
        .bind(query.limit)
        .fetch_all(self.flushed().await?)
        .await?)
    }
}
