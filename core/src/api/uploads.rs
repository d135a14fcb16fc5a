//! Uploads of licenses to the marketplace, and the hold on them after a restore.

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use crate::{
    Timestamp,
    id::{EventId, InstanceId, LicenseId},
};

/// Whether uploads wait because the database was restored from a backup.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RestoreView {
    /// Nothing is uploaded until an operator confirms the restore.
    pub uploads_wait: bool,
    /// When the backup was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_at: Option<Timestamp>,
    /// When it was restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_at: Option<Timestamp>,
}

/// What became of queues that rested because the marketplace refused the credentials.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueuesView {
    /// They rested for that; now one question is asked, and its answer decides.
    pub were_closed: bool,
}

/// A license on its way to the marketplace.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadView {
    /// Its id.
    pub upload_id: String,
    /// The marketplace's event.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub event_id: EventId,
    /// The instance.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub instance_id: InstanceId,
    /// The license.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub license_id: LicenseId,
    /// `queued`, `delivered`, `refused`, `unclear` or `superseded`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: UploadStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// The marketplace's last code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// What that means, in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What that means, in Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_zh: Option<String>,
    /// When it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

open_enum! {
    /// How far an upload is.
    UploadStatus {
        /// It is being sent, or waits for that.
        Queued = "queued",
        /// The marketplace has the license.
        Delivered = "delivered",
        /// The marketplace refused it for good.
        Refused = "refused",
        /// Refused, but an earlier attempt got no answer: it may have been delivered.
        Unclear = "unclear",
        /// Not sent any more: a newer license took its place.
        Superseded = "superseded",
    }
}
