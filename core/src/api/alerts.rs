//! Alerts and their deliveries.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::open_enum::open_enum;
use crate::Timestamp;

/// Something that a person must look at.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlertView {
    /// Its id.
    pub alert_id: String,
    /// The stable word, as in the log.
    pub alert: String,
    /// `warn` or `error`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub level: AlertLevel,
    /// What it is about: the id of an instance or of another thing; may be empty.
    pub subject: String,
    /// What happened.
    pub message: String,
    /// The same in Chinese.
    #[serde(default)]
    pub message_zh: String,
    /// The other fields of the log line.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub fields: Value,
    /// When it happened.
    pub at: Timestamp,
    /// How often the same came again within the hour.
    pub again: u32,
    /// To whom it was told; empty where nobody is configured.
    pub deliveries: Vec<AlertDelivery>,
}

open_enum! {
    /// How urgent an alert is.
    AlertLevel {
        /// It may become an error.
        Warn = "warn",
        /// A person must act.
        Error = "error",
    }
}

/// An alert on its way to a webhook or a command.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlertDelivery {
    /// `webhook` or `command`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub target: DeliveryTarget,
    /// `queued`, `delivered` or `failed`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: DeliveryStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

open_enum! {
    /// Where an alert is sent.
    DeliveryTarget {
        /// To an HTTPS address.
        Webhook = "webhook",
        /// To a program of the server's machine.
        Command = "command",
    }
}

open_enum! {
    /// How far the delivery of an alert is.
    DeliveryStatus {
        /// It is being sent, or waits for that.
        Queued = "queued",
        /// It was taken.
        Delivered = "delivered",
        /// Given up after the last attempt.
        Failed = "failed",
    }
}
