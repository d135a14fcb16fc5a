//! What the store forgets. Nothing that a re-send is answered from: instances, applications and
//! licenses stay.

use async_trait::async_trait;

use super::StoreError;

/// Forgetting, `limit` rows at a time.
#[async_trait]
pub(crate) trait Sweeps {
    /// Whether this transaction may sweep: one server at a time.
    async fn sweep_turn(&mut self) -> Result<bool, StoreError>;
    /// The oldest links of a chain that were made before `until`; never the newest one, because
    /// the chain goes on from it, and never one in the middle.
    async fn sweep_links(
        &mut self,
        server: &str,
        until: i64,
        limit: i64,
    ) -> Result<u64, StoreError>;
    /// The bytes of uploads that ended well before `until`; the license itself has them as well.
    async fn sweep_files(&mut self, until: i64, limit: i64) -> Result<u64, StoreError>;
    /// Uploads that ended well before `until`.
    async fn sweep_uploads(&mut self, until: i64, limit: i64) -> Result<u64, StoreError>;
    /// The orders of instances that were released before `until`: how many instances.
    async fn sweep_orders(&mut self, until: i64, limit: i64) -> Result<u64, StoreError>;
}
