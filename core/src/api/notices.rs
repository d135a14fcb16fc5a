//! Orders that the marketplace notified the seller of.

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use crate::{Timestamp, id::InstanceId};

/// An order line that the marketplace notified the seller of.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoticeView {
    /// The marketplace's order.
    pub order_id: String,
    /// Its line.
    pub order_line_id: String,
    /// `queued`, `read` or `failed`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: NoticeStatus,
    /// The instance that the order line created, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub instance_id: Option<InstanceId>,
    /// `NEW`, `RENEW`, `UNSUBSCRIBE`, … as the order says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_type: Option<String>,
    /// The marketplace's product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub market_product: Option<String>,
    /// Its variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// How many were bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// The end of what was bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Why the order could not be read yet, in English and Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The first notification.
    pub received_at: Timestamp,
    /// The last one.
    pub repeated_at: Timestamp,
}

open_enum! {
    /// Whether the order of a notification was read.
    NoticeStatus {
        /// It is to be read.
        Queued = "queued",
        /// It was read.
        Read = "read",
        /// The marketplace refuses to show it.
        Failed = "failed",
    }
}
