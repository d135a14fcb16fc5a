//! What the store keeps of signed lists and announced releases.

use async_trait::async_trait;

use super::StoreError;

/// Which list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ListKey {
    pub(crate) kind: &'static str,
    pub(crate) product: String,
    pub(crate) platform: String,
    pub(crate) channel: String,
}

impl ListKey {
    /// The one revocation list.
    pub(crate) fn revocation() -> Self {
        Self {
            kind: "revocation",
            product: String::new(),
            platform: String::new(),
            channel: String::new(),
        }
    }

    /// A product's releases.
    pub(crate) fn release(product: &str, platform: &str, channel: &str) -> Self {
        Self {
            kind: "release",
            product: product.to_owned(),
            platform: platform.to_owned(),
            channel: channel.to_owned(),
        }
    }
}

/// A list as it is served.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct ListRow {
    pub(crate) seq: i64,
    pub(crate) document: String,
    pub(crate) issued_at: i64,
    pub(crate) stale: bool,
    pub(crate) elsewhere: bool,
}

/// One announced release.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct ReleaseRow {
    pub(crate) product: String,
    pub(crate) platform: String,
    pub(crate) channel: String,
    pub(crate) version: String,
    pub(crate) entry: String,
    pub(crate) published_at: i64,
}

/// Lists, and what they are made from.
#[async_trait]
pub(crate) trait Lists {
    async fn list(&mut self, key: &ListKey) -> Result<Option<ListRow>, StoreError>;
    /// Reads one that is about to be signed: other writers wait until this transaction ends, also
    /// where there is none yet. Its number rises by that.
    async fn list_to_sign(&mut self, key: &ListKey) -> Result<Option<ListRow>, StoreError>;
    async fn put_list(&mut self, key: &ListKey, row: &ListRow) -> Result<(), StoreError>;
    /// Has a list signed anew before it is served again.
    async fn mark_list(&mut self, key: &ListKey) -> Result<(), StoreError>;
    /// The same for the release lists of every platform of a channel.
    async fn mark_releases(&mut self, product: &str, channel: &str) -> Result<(), StoreError>;
    async fn put_release(&mut self, release: &ReleaseRow) -> Result<(), StoreError>;
    /// Forgets one; false if there is none.
    async fn remove_release(
        &mut self,
        product: &str,
        platform: &str,
        channel: &str,
        version: &str,
    ) -> Result<bool, StoreError>;
    /// Replaces every release of one list.
    async fn clear_releases(
        &mut self,
        product: &str,
        platform: &str,
        channel: &str,
    ) -> Result<(), StoreError>;
    async fn releases(
        &mut self,
        product: Option<&str>,
        platform: Option<&str>,
        channel: Option<&str>,
    ) -> Result<Vec<ReleaseRow>, StoreError>;
    /// Public keys whose signatures this database answers for: `kid` and JWK.
    async fn public_keys(&mut self) -> Result<Vec<(String, String)>, StoreError>;
    /// Adds one or replaces it.
    async fn put_public_key(&mut self, kid: &str, jwk: &str, at: i64) -> Result<(), StoreError>;
}
