//! Releases: how they are published, withdrawn and listed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Timestamp, version::Version, version::VersionRange};

/// Publishes a release: either what it is, for the server's release key to sign, or a whole list
/// that was signed elsewhere.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum ReleasePublish {
    /// A list that was signed elsewhere, with a key that the server knows as a release key or
    /// learns here.
    Signed {
        /// The `release+jwt`.
        document: String,
        /// The public half of the key that signed it, as a JWK.
        key: Value,
    },
    /// One release more.
    Release(Box<ReleaseInput>),
}

/// One release, for the server to sign.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseInput {
    /// The product.
    pub product: String,
    /// The channel.
    pub channel: String,
    /// The platform; `*`: every one.
    pub platform: String,
    /// The version.
    pub version: Version,
    /// When it was released.
    pub date: Timestamp,
    /// Where its package is.
    pub url: String,
    /// Bytes of the package.
    pub len: u64,
    /// SHA-256 of the package, lower-case hex.
    pub sha256: String,
    /// The older versions that must upgrade to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obliges: Option<VersionRange>,
    /// From when on they must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// What is new, in Chinese.
    #[serde(default)]
    pub notes_zh: String,
    /// What is new, in English.
    #[serde(default)]
    pub notes_en: String,
}

/// `POST /api/v1/releases/withdraw`: one release less, for the server to sign.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseWithdraw {
    /// The product.
    pub product: String,
    /// The channel.
    pub channel: String,
    /// The platform; `*`: every one.
    pub platform: String,
    /// The version.
    pub version: Version,
}

/// A release as the server lists it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseView {
    /// The product.
    pub product: String,
    /// The channel.
    pub channel: String,
    /// The platform; `*`: every one.
    pub platform: String,
    /// The version.
    pub version: Version,
    /// When it was released.
    pub date: Timestamp,
    /// Where its package is.
    pub url: String,
    /// Bytes of the package.
    pub len: u64,
    /// SHA-256 of the package, lower-case hex.
    pub sha256: String,
    /// The older versions that must upgrade to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obliges: Option<VersionRange>,
}
