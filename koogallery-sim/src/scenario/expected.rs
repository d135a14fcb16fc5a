//! The state that an order must be in after the calls that the seller accepted.

use std::collections::BTreeSet;

use serde::Serialize;

/// How an order stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExpectedState {
    /// Not created yet.
    #[default]
    Paid,
    /// Created, and in use.
    Active,
    /// Suspended by the marketplace.
    Frozen,
    /// Given back.
    Released,
    /// The seller did not create it in two hours: the buyer has the money back.
    Refunded,
}

/// A license that was applied for and accepted.
#[derive(Clone, Debug, Serialize)]
pub struct LicenseApplication {
    /// Its event.
    pub event_id: String,
    /// Empty for a program that asked with an authorization code.
    pub dev_info: String,
}

/// One order as the marketplace sees it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ExpectedOrder {
    /// The order.
    pub order_id: String,
    /// Its line.
    pub order_line_id: String,
    /// What the seller created for it.
    pub instance_id: Option<String>,
    /// How it stands.
    pub state: ExpectedState,
    /// None: for ever.
    pub expires: Option<i64>,
    /// Machines that it may be used on.
    pub quantity: u32,
    /// The machines that licenses were applied for.
    #[serde(serialize_with = "count")]
    pub machines: BTreeSet<u32>,
    /// What was applied for, and accepted.
    pub licenses: Vec<LicenseApplication>,
    /// The authorization code, where the order is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license_code: Option<String>,
    /// Calls that were sent.
    pub calls: u32,
    /// Those of them that failed.
    pub failed: u32,
    /// Where marketplace and seller disagree; empty: they agree.
    pub disagreements: Vec<String>,
}

impl ExpectedOrder {
    pub(crate) fn disagree(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.disagreements.contains(&text) {
            self.disagreements.push(text);
        }
    }
}

fn count<S: serde::Serializer>(machines: &BTreeSet<u32>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(machines.len() as u64)
}
