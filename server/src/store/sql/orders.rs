//! Orders.

use async_trait::async_trait;

use super::{DbTx, list};
use crate::store::{Lease, OrderRow, Orders, StoreError, Terms};

#[async_trait]
impl Orders for DbTx {
    async fn queue_order(
        &mut self,
        instance_id: &str,
        order_id: &str,
        line_id: &str,
        scene: &str,
        at: i64,
    ) -> Result<bool, StoreError> {
        // An order that was read already keeps its terms until it was read again.
        let done = sqlx::query(
            "INSERT INTO orders (instance_id, order_id, line_id, scene, state, attempts, \
             next_at, queued_at) VALUES ($1, $2, $3, $4, 'queued', 0, $5, $5) ON CONFLICT \
             (instance_id, order_id, line_id, scene) DO UPDATE SET state = 'queued', \
             attempts = 0, next_at = excluded.next_at, queued_at = excluded.queued_at WHERE \
             orders.state IN ('read', 'queued')",
        )
        .bind(instance_id)
        .bind(order_id)
        .bind(line_id)
        .bind(scene)
        .bind(at)
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn claim_orders(
        &mut self,
        now: i64,
        limit: i64,
        lease: &Lease,
    ) -> Result<Vec<OrderRow>, StoreError> {
        Ok(sqlx::query_as(claim!(
            "orders",
            "",
            set concat!(
                "state = 'reading', attempts = attempts + 1, lease_owner = $3, lease_until = ",
                now_secs!(),
                " + $4"
            ),
            due "state = 'queued' AND next_at <= $1 ORDER BY next_at LIMIT $2",
            returning "*"
        ))
        .bind(now)
        .bind(limit)
        .bind(&lease.owner)
        .bind(lease.seconds)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn order(&mut self, id: i64) -> Result<Option<OrderRow>, StoreError> {
        Ok(sqlx::query_as(row_lock!(self, "SELECT * FROM orders WHERE id = $1"))
            .bind(id)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn postpone_order(
        &mut self,
        id: i64,
        next_at: i64,
        code: &str,
        message: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE orders SET state = 'queued', next_at = $2, last_code = $3, last_message \
             = $4 WHERE id = $1 AND state = 'reading'",
        )
        .bind(id)
        .bind(next_at)
        .bind(code)
        .bind(message)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn put_order_read(
        &mut self,
        id: i64,
        terms: &Terms,
        counts: bool,
        at: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE orders SET state = CASE WHEN $2 THEN 'read' ELSE 'refunded' END, read_at \
             = $3, last_code = NULL, last_message = NULL, market_product = $4, sku = $5, \
             quantity = $6, period = $7, trial = $8, customer = $9, expires = $10, charging \
             = $11 WHERE id = $1",
        )
        .bind(id)
        .bind(counts)
        .bind(at)
        .bind(&terms.market_product)
        .bind(&terms.sku)
        .bind(terms.quantity)
        .bind(terms.period)
        .bind(terms.trial)
        .bind(&terms.customer)
        .bind(terms.expires)
        .bind(&terms.charging)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn refund_order(
        &mut self,
        instance_id: &str,
        order_id: &str,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE orders SET state = 'refunded' WHERE instance_id = $1 AND order_id = $2 \
             AND scene <> 'NEW' AND state <> 'refunded'",
        )
        .bind(instance_id)
        .bind(order_id)
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn order_in_force(&mut self, instance_id: &str) -> Result<Option<OrderRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM orders WHERE instance_id = $1 AND quantity IS NOT NULL AND state \
             <> 'refunded' ORDER BY id DESC LIMIT 1",
        )
        .bind(instance_id)
        .fetch_optional(self.flushed().await?)
        .await?)
    }

    async fn orders_of(&mut self, instance_id: &str) -> Result<Vec<OrderRow>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM orders WHERE instance_id = $1 ORDER BY id")
            .bind(instance_id)
            .fetch_all(self.flushed().await?)
            .await?)
    }

    async fn pending_orders(&mut self, instances: &[&str]) -> Result<Vec<OrderRow>, StoreError> {
        Ok(sqlx::query_as(concat!(
            "SELECT * FROM orders WHERE instance_id ",
            in_list!("$1"),
            " AND state IN ('queued', 'reading') ORDER BY id"
        ))
        .bind(list(instances)?)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn orders_queued(&mut self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM orders WHERE state = 'queued'")
            .fetch_one(self.flushed().await?)
            .await?)
    }
}
