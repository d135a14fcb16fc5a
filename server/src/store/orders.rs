//! What the store keeps of orders: a queue of look-ups, then what was read.

use async_trait::async_trait;

use super::{Lease, StoreError, Terms, text_enum::text_enum};

text_enum! {
    /// Where an order stands.
    OrderState {
        /// To be read.
        Queued = "queued",
        /// Being read; when its lease ends it is queued again.
        Reading = "reading",
        /// Its terms count.
        Read = "read",
        /// Paid back: its terms no longer count.
        Refunded = "refunded",
    }
}

/// One order of an instance.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct OrderRow {
    pub(crate) id: i64,
    pub(crate) instance_id: String,
    pub(crate) order_id: String,
    pub(crate) line_id: String,
    pub(crate) scene: String,
    pub(crate) state: OrderState,
    pub(crate) attempts: i64,
    pub(crate) next_at: i64,
    pub(crate) last_code: Option<String>,
    pub(crate) last_message: Option<String>,
    pub(crate) queued_at: i64,
    pub(crate) read_at: Option<i64>,
    pub(crate) market_product: Option<String>,
    pub(crate) sku: Option<String>,
    pub(crate) quantity: Option<i64>,
    pub(crate) period: Option<bool>,
    pub(crate) charging: Option<String>,
    pub(crate) trial: Option<bool>,
    pub(crate) customer: Option<String>,
    pub(crate) expires: Option<i64>,
    pub(crate) lease_owner: Option<String>,
}

/// Orders and the queue of reading them.
#[async_trait]
pub(crate) trait Orders {
    /// Queues a look-up; the same order in the same scene is looked up again. False if it is being
    /// read already, or was paid back.
    async fn queue_order(
        &mut self,
        instance_id: &str,
        order_id: &str,
        line_id: &str,
        scene: &str,
        at: i64,
    ) -> Result<bool, StoreError>;
    /// Takes up to `limit` that are due, counting the attempt.
    async fn claim_orders(
        &mut self,
        now: i64,
        limit: i64,
        lease: &Lease,
    ) -> Result<Vec<OrderRow>, StoreError>;
    /// Reads one and, when writing, keeps other writers off it until this transaction ends.
    async fn order(&mut self, id: i64) -> Result<Option<OrderRow>, StoreError>;
    /// Tries again at `next_at`, keeping the reason.
    async fn postpone_order(
        &mut self,
        id: i64,
        next_at: i64,
        code: &str,
        message: &str,
    ) -> Result<(), StoreError>;
    /// Keeps what was read. `counts` is false for an order that takes something back.
    async fn put_order_read(
        &mut self,
        id: i64,
        terms: &Terms,
        counts: bool,
        at: i64,
    ) -> Result<(), StoreError>;
    /// Marks a read order of the instance as paid back; false if there is none.
    async fn refund_order(&mut self, instance_id: &str, order_id: &str)
    -> Result<bool, StoreError>;
    /// The newest order whose terms count.
    async fn order_in_force(&mut self, instance_id: &str) -> Result<Option<OrderRow>, StoreError>;
    async fn orders_of(&mut self, instance_id: &str) -> Result<Vec<OrderRow>, StoreError>;
    /// Orders of those instances that are to be read or being read, oldest first.
    async fn pending_orders(&mut self, instances: &[&str]) -> Result<Vec<OrderRow>, StoreError>;
    async fn orders_queued(&mut self) -> Result<i64, StoreError>;
}
