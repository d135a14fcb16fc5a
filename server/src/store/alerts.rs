//! What the store keeps of alerts: what happened, and its way to a webhook or a command.

use async_trait::async_trait;

use super::{Lease, StoreError, text_enum::text_enum};

text_enum! {
    /// Where an alert is told to.
    AlertTarget {
        /// An HTTPS address.
        Webhook = "webhook",
        /// A program of this machine.
        Command = "command",
    }
}

text_enum! {
    /// Where a delivery stands.
    DeliveryState {
        /// To be sent.
        Queued = "queued",
        /// Being sent; when its lease ends it is queued again.
        Sending = "sending",
        /// It was taken.
        Delivered = "delivered",
        /// Given up after the last attempt.
        Failed = "failed",
    }
}

/// Something that a person must look at.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct AlertRow {
    pub(crate) id: String,
    pub(crate) alert: String,
    pub(crate) subject: String,
    pub(crate) level: String,
    pub(crate) message: String,
    pub(crate) fields: String,
    pub(crate) at: i64,
    pub(crate) again: i64,
}

/// An alert on its way to one target.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct DeliveryRow {
    pub(crate) id: String,
    pub(crate) alert_id: String,
    pub(crate) target: AlertTarget,
    pub(crate) state: DeliveryState,
    pub(crate) attempts: i64,
    pub(crate) next_at: i64,
    pub(crate) last_error: Option<String>,
    pub(crate) finished_at: Option<i64>,
    pub(crate) lease_owner: Option<String>,
}

/// Which alerts to list, in the order of their ids.
#[derive(Clone, Debug)]
pub(crate) struct AlertQuery {
    pub(crate) alert: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: i64,
}

/// By how many seconds the clocks of two servers may differ; an alert from later than that was
/// dated by a clock that was ahead, and silences nothing.
pub(super) const ALERT_CLOCKS: i64 = 60;

/// Alerts and the queue of their deliveries.
#[async_trait]
pub(crate) trait Alerts {
    /// Adds one unless the same word about the same subject came after `since`, and not later than
    /// now: then that one is counted once more, and false is answered.
    async fn add_alert(&mut self, alert: &AlertRow, since: i64) -> Result<bool, StoreError>;
    async fn add_delivery(
        &mut self,
        alert_id: &str,
        target: AlertTarget,
        at: i64,
    ) -> Result<(), StoreError>;
    async fn alert(&mut self, id: &str) -> Result<Option<AlertRow>, StoreError>;
    async fn alerts(&mut self, query: &AlertQuery) -> Result<Vec<AlertRow>, StoreError>;
    async fn deliveries_of(&mut self, alerts: &[&str]) -> Result<Vec<DeliveryRow>, StoreError>;
    /// Takes up to `limit` that are due for these targets, counting the attempt.
    async fn claim_deliveries(
        &mut self,
        now: i64,
        limit: i64,
        targets: &[AlertTarget],
        lease: &Lease,
    ) -> Result<Vec<DeliveryRow>, StoreError>;
    /// Reads one and, when writing, keeps other writers off it until this transaction ends.
    async fn delivery(&mut self, id: &str) -> Result<Option<DeliveryRow>, StoreError>;
    /// Writes back state, times and the reason; ends its lease.
    async fn put_delivery(&mut self, row: &DeliveryRow) -> Result<(), StoreError>;
    /// The earliest time at which one is due for these targets.
    async fn next_delivery(&mut self, targets: &[AlertTarget]) -> Result<Option<i64>, StoreError>;
    /// Forgets up to `limit` alerts from before `before`, with their deliveries.
    async fn sweep_alerts(&mut self, before: i64, limit: i64) -> Result<u64, StoreError>;
}
