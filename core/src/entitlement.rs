//! Entitlements and license kinds: what the claims of a license and a product file have in common.

use serde::{Deserialize, Serialize};

/// How a license's seats are taken.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LicenseKind {
    /// By lasting activations of machines.
    #[default]
    NodeLocked,
    /// By leases for a time.
    Floating,
    /// Not counted, not bound.
    Unbound,
}

/// A named right or limit.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Entitlement {
    /// Granted or not.
    Flag(bool),
    /// A limit or a count.
    Number(i64),
    /// A short text.
    Text(String),
}

impl std::fmt::Display for Entitlement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => f.write_str(value),
        }
    }
}
