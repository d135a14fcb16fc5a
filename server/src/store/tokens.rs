//! What the store keeps for those who operate the server.

use async_trait::async_trait;

use super::{StoreError, text_enum::text_enum};

text_enum! {
    /// What the holder of a token may do; each includes those before it.
    Role {
        /// Look.
        Viewer = "viewer",
        /// Do the daily work.
        Operator = "operator",
        /// Everything.
        Admin = "admin",
    }
}

/// A token, without the token.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct TokenRow {
    pub(crate) id: String,
    pub(crate) hash: Vec<u8>,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) created_at: i64,
}

/// Tokens and facts about the database.
#[async_trait]
pub(crate) trait Admin {
    async fn meta(&mut self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Sets a fact, or forgets it.
    async fn put_meta(&mut self, name: &str, value: Option<&[u8]>) -> Result<(), StoreError>;
    async fn token(&mut self, hash: &[u8]) -> Result<Option<TokenRow>, StoreError>;
    async fn add_token(&mut self, token: &TokenRow) -> Result<(), StoreError>;
    async fn tokens(&mut self) -> Result<Vec<TokenRow>, StoreError>;
}
