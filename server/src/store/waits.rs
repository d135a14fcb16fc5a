//! What the store knows of buyers who wait: for their order, for their license.

use async_trait::async_trait;

use super::StoreError;

/// An instance whose order was not read yet, and since when it is there.
pub(crate) type Unread = (String, i64);

/// Questions about waiting; each is answered from an index of what waits.
#[async_trait]
pub(crate) trait Waits {
    /// Since when the buyer of an instance waits for the oldest license that he does not have:
    /// kept, or signed and not delivered.
    async fn waits_since(&mut self, instance_id: &str) -> Result<Option<i64>, StoreError>;
    /// The same over all instances that are not released.
    async fn longest_wait(&mut self) -> Result<Option<i64>, StoreError>;
    /// How many instances have an order that was not read yet, and since when the oldest is there.
    async fn unread_orders(&mut self) -> Result<(i64, Option<i64>), StoreError>;
    /// Instances whose order was not read yet, that are there since `until` or longer, and about
    /// which nobody was warned at so many minutes.
    async fn refunds_nearing(
        &mut self,
        until: i64,
        minutes: i64,
        limit: i64,
    ) -> Result<Vec<Unread>, StoreError>;
    /// Remembers a warning; false if it was given before.
    async fn add_refund_warning(
        &mut self,
        instance_id: &str,
        minutes: i64,
        at: i64,
    ) -> Result<bool, StoreError>;
}
