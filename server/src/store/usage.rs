//! What the store keeps of usage on its way to the marketplace.

use async_trait::async_trait;

use super::{Lease, StoreError, text_enum::text_enum};

text_enum! {
    /// Where a record of usage stands.
    UsageState {
        /// To be sent.
        Queued = "queued",
        /// Being sent; when its lease ends it is queued again.
        Sending = "sending",
        /// The marketplace has it, once.
        Delivered = "delivered",
        /// The marketplace refused it for good.
        Failed = "failed",
        /// It may have been taken twice, or been taken although it was refused.
        Unclear = "unclear",
    }
}

/// One record of usage.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct UsageRow {
    pub(crate) id: String,
    pub(crate) metering_sn: String,
    pub(crate) instance_id: String,
    pub(crate) usage_value: String,
    pub(crate) begin_time: i64,
    pub(crate) end_time: i64,
    pub(crate) record_time: i64,
    pub(crate) product_id: Option<String>,
    pub(crate) package: Option<String>,
    pub(crate) state: UsageState,
    pub(crate) attempts: i64,
    pub(crate) unanswered: bool,
    pub(crate) old_form: bool,
    pub(crate) together: i64,
    pub(crate) next_at: i64,
    pub(crate) last_code: Option<String>,
    pub(crate) last_message: Option<String>,
    pub(crate) queued_at: i64,
    pub(crate) finished_at: Option<i64>,
    pub(crate) lease_owner: Option<String>,
    /// By which license a program reported it.
    pub(crate) license_id: Option<String>,
    /// The program's own number of it.
    pub(crate) number: Option<String>,
}

/// Which records to list, in the order of their ids.
#[derive(Clone, Debug)]
pub(crate) struct UsageQuery {
    pub(crate) state: Option<UsageState>,
    pub(crate) instance_id: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: i64,
}

/// One call that failed, and with it all of its records.
#[derive(Clone, Debug)]
pub(crate) struct UsageDelay<'a> {
    pub(crate) next_at: i64,
    pub(crate) code: &'a str,
    pub(crate) message: &'a str,
    /// It may have arrived.
    pub(crate) unanswered: bool,
    /// The largest call in which they travel from now on, if that changes.
    pub(crate) together: Option<i64>,
}

/// The queue of usage records.
#[async_trait]
pub(crate) trait Usage {
    /// Reads one and, when writing, keeps other writers off it until this transaction ends.
    async fn usage_record(&mut self, id: &str) -> Result<Option<UsageRow>, StoreError>;
    async fn usage_of_number(&mut self, number: &str) -> Result<Option<UsageRow>, StoreError>;
    /// Queues one; false if its number is taken.
    async fn add_usage(&mut self, row: &UsageRow) -> Result<bool, StoreError>;
    /// How many records the next call may hold, if one is due.
    async fn next_usage_call(&mut self, now: i64) -> Result<Option<i64>, StoreError>;
    /// Takes up to `together` that are due and may travel in a call of that size, counting the
    /// attempt before anything is sent; in the order of their ids.
    async fn claim_usage(
        &mut self,
        now: i64,
        together: i64,
        old_form: bool,
        lease: &Lease,
    ) -> Result<Vec<UsageRow>, StoreError>;
    /// Those of a call that are still being sent, whoever holds them; locked for this transaction.
    async fn usage_of_call(&mut self, ids: &[String]) -> Result<Vec<UsageRow>, StoreError>;
    /// The marketplace took them: `unclear` where that may have been twice.
    async fn deliver_usage(&mut self, ids: &[String], at: i64) -> Result<(), StoreError>;
    /// Queues them again.
    async fn postpone_usage(
        &mut self,
        ids: &[String],
        delay: &UsageDelay<'_>,
    ) -> Result<(), StoreError>;
    /// Writes back state, times, the reason and the size of its call; ends its lease.
    async fn put_usage(&mut self, row: &UsageRow) -> Result<(), StoreError>;
    async fn usage_records(&mut self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError>;
    /// How many are in each state that needs somebody: queued or sending, failed, unclear.
    async fn count_usage(&mut self) -> Result<(i64, i64, i64), StoreError>;
}
