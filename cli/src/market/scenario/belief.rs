//! What the marketplace believes about one order.

use std::collections::BTreeSet;

use license_core::time::Timestamp;
use serde::Serialize;

/// How an order stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Standing {
    /// Not created yet.
    #[default]
    Paid,
    Active,
    Frozen,
    Released,
    /// The seller did not create it in two hours: the buyer has his money back.
    Refunded,
}

/// A license that was applied for and accepted.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Applied {
    pub(crate) event_id: String,
    /// Empty for a program that asked with an authorization code.
    pub(crate) dev_info: String,
}

/// One order as the marketplace sees it.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Belief {
    pub(crate) order_id: String,
    pub(crate) order_line_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) state: Standing,
    /// None: for ever.
    pub(crate) expires: Option<Timestamp>,
    pub(crate) quantity: u32,
    /// The machines that licenses were applied for.
    #[serde(serialize_with = "count")]
    pub(crate) machines: BTreeSet<u32>,
    pub(crate) licenses: Vec<Applied>,
    /// The authorization code, where the order is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) license_code: Option<String>,
    /// Calls sent, and those of them that failed.
    pub(crate) calls: u32,
    pub(crate) failed: u32,
    /// Where marketplace and seller disagree; empty: they agree.
    pub(crate) disagreements: Vec<String>,
}

impl Belief {
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
