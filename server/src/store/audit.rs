//! What the store keeps of the audit chains.

use async_trait::async_trait;

use super::StoreError;

/// One link.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct AuditRow {
    pub(crate) server: String,
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) entries: String,
    pub(crate) previous: Vec<u8>,
    pub(crate) hash: Vec<u8>,
}

/// Which links of one chain, in the order of their numbers.
#[derive(Clone, Debug)]
pub(crate) struct AuditQuery {
    pub(crate) server: String,
    /// Numbers above this one.
    pub(crate) after: i64,
    /// Not before this time.
    pub(crate) since: Option<i64>,
    /// Before this time.
    pub(crate) until: Option<i64>,
    pub(crate) limit: i64,
}

/// The audit chains.
#[async_trait]
pub(crate) trait Audit {
    /// Appends a link; false if its chain has that number already.
    async fn add_link(&mut self, link: &AuditRow) -> Result<bool, StoreError>;
    /// The number and the hash of a chain's newest link.
    async fn audit_head(&mut self, server: &str) -> Result<Option<(i64, Vec<u8>)>, StoreError>;
    /// Whose chains there are.
    async fn audit_servers(&mut self) -> Result<Vec<String>, StoreError>;
    async fn links(&mut self, query: &AuditQuery) -> Result<Vec<AuditRow>, StoreError>;
}
