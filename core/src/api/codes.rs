//! Authorization codes that the marketplace sold.

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use crate::{Timestamp, id::InstanceId};

/// An authorization code that the marketplace sold, as far as it is known here.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeView {
    /// The code itself: a credential.
    pub code: String,
    /// `activating`, `active`, `frozen`, `expired` or `released`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: CodeStatus,
    /// What it was activated as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub instance_id: Option<InstanceId>,
    /// The order that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// The marketplace's product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub market_product: Option<String>,
    /// Ours; absent until it is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// How many were bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// The end; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When a program used it first.
    pub used_since: Timestamp,
    /// When the marketplace's answer to its activation was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activated_at: Option<Timestamp>,
    /// When the marketplace last said how it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_at: Option<Timestamp>,
    /// The marketplace's last refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// What that means, in English and Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The marketplace's last answer, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

open_enum! {
    /// What is known of an authorization code.
    CodeStatus {
        /// The marketplace has not answered for it yet.
        Activating = "activating",
        /// It may be used.
        Active = "active",
        /// Its instance is frozen.
        Frozen = "frozen",
        /// The marketplace says that it ended.
        Expired = "expired",
        /// Given back for good.
        Released = "released",
    }
}
