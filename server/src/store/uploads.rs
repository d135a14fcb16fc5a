//! What the store keeps of licenses on their way to the marketplace.

use async_trait::async_trait;

use super::{Lease, StoreError, text_enum::text_enum};

text_enum! {
    /// Where an upload stands.
    UploadState {
        /// To be sent.
        Queued = "queued",
        /// Being sent; when its lease ends it is queued again, with the same bytes.
        Sending = "sending",
        /// The marketplace has it.
        Delivered = "delivered",
        /// The marketplace refused it for good.
        Failed = "failed",
        /// Refused, but an earlier attempt got no answer: it may have been delivered.
        Unclear = "unclear",
        /// Superseded before anything was sent.
        Cancelled = "cancelled",
    }
}

/// One license to be sent for one event.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct UploadRow {
    pub(crate) id: String,
    pub(crate) event_id: String,
    pub(crate) instance_id: String,
    pub(crate) license_id: String,
    pub(crate) file: Option<Vec<u8>>,
    pub(crate) state: UploadState,
    pub(crate) attempts: i64,
    pub(crate) unanswered: bool,
    pub(crate) next_at: i64,
    pub(crate) last_code: Option<String>,
    pub(crate) last_message: Option<String>,
    pub(crate) queued_at: i64,
    pub(crate) finished_at: Option<i64>,
    pub(crate) lease_owner: Option<String>,
}

/// One upload that was taken, and the license string where that is what is sent.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct Parcel {
    #[sqlx(flatten)]
    pub(crate) row: UploadRow,
    pub(crate) text: Option<String>,
}

/// Which uploads to list, in the order of their ids.
#[derive(Clone, Debug)]
pub(crate) struct UploadQuery {
    pub(crate) state: Option<UploadState>,
    pub(crate) instance_id: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: i64,
}

/// The queue of uploads.
#[async_trait]
pub(crate) trait Uploads {
    /// Reads one and, when writing, keeps other writers off it until this transaction ends.
    async fn upload(&mut self, id: &str) -> Result<Option<UploadRow>, StoreError>;
    /// Keeps other writers off it like [`Uploads::upload`].
    async fn upload_of_license(
        &mut self,
        license_id: &str,
    ) -> Result<Option<UploadRow>, StoreError>;
    /// Queues one; a license is queued once for an event.
    async fn add_upload(&mut self, upload: &UploadRow) -> Result<(), StoreError>;
    /// Takes up to `limit` that are due, counting the attempt before anything is sent; none while
    /// `meta` has a restore that nobody has confirmed. What this transaction queued itself comes
    /// with the next one.
    async fn claim_uploads(
        &mut self,
        now: i64,
        limit: i64,
        lease: &Lease,
    ) -> Result<Vec<Parcel>, StoreError>;
    /// Writes back state, times, the reason and whether an attempt got no answer; ends its lease.
    async fn put_upload(&mut self, upload: &UploadRow) -> Result<(), StoreError>;
    async fn uploads(&mut self, query: &UploadQuery) -> Result<Vec<UploadRow>, StoreError>;
    /// How many are in each state that needs somebody: queued or sending, failed, unclear.
    async fn count_uploads(&mut self) -> Result<(i64, i64, i64), StoreError>;
}
