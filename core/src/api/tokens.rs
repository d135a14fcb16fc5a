//! Tokens of the admin API.

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;

/// Makes a token.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenCreate {
    /// What it is for.
    pub name: String,
    /// `viewer`, `operator` or `admin`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub role: TokenRole,
}

/// A token, shown once.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenCreated {
    /// What it is for.
    pub name: String,
    /// Its role.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub role: TokenRole,
    /// The token itself.
    pub token: String,
}

open_enum! {
    /// What the holder of a token may do; each role includes those before it.
    TokenRole {
        /// Read.
        Viewer = "viewer",
        /// The daily work.
        Operator = "operator",
        /// Everything.
        Admin = "admin",
    }
}
