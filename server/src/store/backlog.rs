//! What the store knows of buyers who wait: for their order, for their license.

use async_trait::async_trait;

use super::StoreError;

/// An instance whose order was not read yet, since when it is there, and whether a call of the first
/// edition made it.
pub(crate) type Unread = (String, i64, bool);

/// Licenses of one instance that its buyer does not have: kept applications, and those that are
/// signed and not delivered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Wait {
    pub(crate) instance_id: String,
    /// Applications that wait or are held.
    pub(crate) kept: i64,
    /// Since when the oldest one is waited for.
    pub(crate) since: i64,
}

impl Wait {
    /// Who asks for nothing is no wait.
    pub(super) fn of((instance_id, kept, since): (String, i64, Option<i64>)) -> Option<Self> {
        Some(Self { instance_id, kept, since: since? })
    }
}

/// Uploads in one state, or of one instance, among which the one is looked for that is waited for longest: after an
/// outage there may be millions, and they were made in about the order in which they were asked
/// for.
pub(super) const OLDEST: i64 = 1000;

/// Questions about waiting; each is answered from an index of what waits.
#[async_trait]
pub(crate) trait Waits {
    /// Who waits of those instances; where nobody does, there is no row. Of an instance's uploads
    /// the [`OLDEST`] are looked at.
    async fn waits_of(&mut self, instances: &[&str]) -> Result<Vec<Wait>, StoreError>;
    /// Since when a buyer waits longest, over all instances that are not released; of the uploads in each state, the
    /// [`OLDEST`] are looked at.
    async fn longest_wait(&mut self) -> Result<Option<i64>, StoreError>;
    /// How many instances have an order that was not read yet, and since when the one is there that
    /// is paid back first; those of the first edition have so many seconds more.
    async fn unread_orders(&mut self, longer: i64) -> Result<(i64, Option<i64>), StoreError>;
    /// Instances whose order was not read yet, that are there since `until` or longer, and about
    /// which nobody was warned at so many minutes; those of the first edition for `longer` more.
    async fn refunds_nearing(
        &mut self,
        until: i64,
        longer: i64,
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
