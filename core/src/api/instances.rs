//! Instances: what was bought with an order's line, as operators see it.

use serde::{Deserialize, Serialize};

use super::licenses::LicenseView;
use super::open_enum::open_enum;
use crate::{
    Timestamp,
    id::{EventId, InstanceId},
    issuing_rules::InstanceState,
};

/// How many places are taken, and how many there are.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Usage))]
pub struct SeatCount {
    /// Taken.
    pub used: u32,
    /// Bought; absent while the order was not read or nothing is counted.
    pub limit: Option<u32>,
}

/// What was bought with one line of an order.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub instance_id: InstanceId,
    /// The order.
    pub order_id: String,
    /// The order's line.
    pub order_line_id: String,
    /// The product, once the order was read and the product is configured.
    pub product: Option<String>,
    /// Active, frozen or released.
    pub state: InstanceState,
    /// What the customer asks for licenses with.
    pub activation_code: String,
    /// Places on machines.
    pub machines: SeatCount,
    /// When the order ends; absent: never, or not known yet.
    pub expires: Option<Timestamp>,
    /// `read`, `waiting`, `product-unknown`: whether the order behind it is known.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub order_state: OrderStatus,
    /// The marketplace's last answer where reading the order failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_error: Option<String>,
    /// Applications that were accepted and could not be served yet.
    #[serde(default)]
    pub unserved: u32,
    /// While the order was not read: when the marketplace gives up and pays it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_at: Option<Timestamp>,
    /// Seconds until then; 0 when it is past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_seconds_left: Option<u64>,
    /// Since when the buyer waits for the oldest license that he was not given yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// Seconds since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_seconds: Option<u64>,
    /// When it was created.
    pub created_at: Timestamp,
}

open_enum! {
    /// Whether the order behind an instance is known.
    OrderStatus {
        /// It could not be read yet.
        Waiting = "waiting",
        /// It was read; its product is not configured.
        ProductUnknown = "product-unknown",
        /// It was read, and its product is configured.
        Read = "read",
    }
}

/// An instance with everything that hangs on it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceDetail {
    /// The instance.
    #[serde(flatten)]
    pub instance: InstanceView,
    /// Its licenses.
    pub licenses: Vec<LicenseView>,
    /// Applications that were accepted and could not be served yet.
    #[serde(default)]
    pub applications: Vec<ApplicationView>,
}

/// An application that was accepted and could not be served yet.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApplicationView {
    /// The marketplace's event.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub event_id: EventId,
    /// `waiting` (for the order or the product) or `held` (refused for the time being).
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: ApplicationStatus,
    /// The marketplace's code of a held one, `000900`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_code: Option<String>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
}

open_enum! {
    /// What an accepted application waits for.
    ApplicationStatus {
        /// For the order or the product.
        Waiting = "waiting",
        /// Refused for the time being; a change of the order may end that.
        Held = "held",
        /// It has its license.
        Served = "served",
        /// The same event came again for another machine.
        Superseded = "superseded",
    }
}
