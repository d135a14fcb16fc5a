//! What the store keeps of the marketplace's order notifications.

use async_trait::async_trait;

use super::{StoreError, text_enum::text_enum};

text_enum! {
    /// Where a notification stands.
    NoticeState {
        /// Its order is to be read.
        Queued = "queued",
        /// Its order was read.
        Read = "read",
        /// The marketplace refuses to tell the order.
        Failed = "failed",
    }
}

/// One order line that the marketplace notified us of.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct NoticeRow {
    pub(crate) order_id: String,
    pub(crate) line_id: String,
    pub(crate) state: NoticeState,
    pub(crate) received_at: i64,
    pub(crate) repeated_at: i64,
    pub(crate) attempts: i64,
    pub(crate) next_at: i64,
    pub(crate) last_code: Option<String>,
    pub(crate) last_message: Option<String>,
    pub(crate) read_at: Option<i64>,
    pub(crate) order_type: Option<String>,
    pub(crate) market_product: Option<String>,
    pub(crate) sku: Option<String>,
    pub(crate) quantity: Option<i64>,
    pub(crate) expires: Option<i64>,
}

/// Which notifications to list, newest first.
#[derive(Clone, Debug)]
pub(crate) struct NoticeQuery {
    pub(crate) order_id: Option<String>,
    pub(crate) state: Option<NoticeState>,
    pub(crate) limit: i64,
}

/// Notifications and the queue of reading their orders.
#[async_trait]
pub(crate) trait Notices {
    /// Keeps one; a repeated one is noted and has its order read again, unless that is under way.
    async fn put_notice(
        &mut self,
        order_id: &str,
        line_id: &str,
        at: i64,
    ) -> Result<(), StoreError>;
    /// Takes up to `limit` that are due, counting the attempt; nobody else gets them before
    /// `until`.
    async fn claim_notices(
        &mut self,
        now: i64,
        limit: i64,
        until: i64,
    ) -> Result<Vec<NoticeRow>, StoreError>;
    /// Writes back what became of an attempt.
    async fn put_notice_read(&mut self, row: &NoticeRow) -> Result<(), StoreError>;
    async fn notices(&mut self, query: &NoticeQuery) -> Result<Vec<NoticeRow>, StoreError>;
}
