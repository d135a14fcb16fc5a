//! The body of every error, RFC 9457.

use serde::{Deserialize, Serialize};

use crate::Code;

/// An error, RFC 9457.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Always `about:blank`: `code` tells more.
    #[serde(rename = "type", default = "blank")]
    pub kind: String,
    /// The code's sentence in English.
    pub title: String,
    /// The code's sentence in Chinese.
    #[serde(default)]
    pub title_zh: String,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong this time, in English.
    #[serde(default)]
    pub detail: String,
    /// What was wrong this time, in Chinese.
    #[serde(default)]
    pub detail_zh: String,
    /// The stable code.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub code: Code,
}

fn blank() -> String {
    "about:blank".to_owned()
}
