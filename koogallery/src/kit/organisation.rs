//! `singleOrgSync` and `allOrgSync`: the form of their bodies is not public, so nothing but the
//! members that every kit call has is looked at, and nothing is refused for want of them.

use crate::body::{Body, ValueKind};

/// 部门同步, kept as it was received.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OrganisationSync {
    /// The whole organisation rather than what has changed.
    pub all: bool,
    /// The seller's instance, where the body names one; else empty.
    pub instance_id: String,
    /// The buyer's enterprise, where the body names one; else empty.
    pub tenant_id: String,
    /// A call of the console's debugging.
    pub test: bool,
}

impl OrganisationSync {
    pub(super) fn read(body: &Body, all: bool) -> Self {
        Self {
            all,
            instance_id: name(body, "instanceId"),
            tenant_id: name(body, "tenantId"),
            test: body.text("testFlag") == Some("1"),
        }
    }
}

/// A text that can be a key: what is too long to be one names nothing.
fn name(body: &Body, member: &str) -> String {
    let scalar = matches!(body.kind(member), Some(ValueKind::Text | ValueKind::Number));
    body.text(member)
        .filter(|text| scalar && text.chars().count() <= 64 && !text.chars().any(char::is_control))
        .unwrap_or_default()
        .to_owned()
}
