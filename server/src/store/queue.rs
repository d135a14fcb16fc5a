//! The queues of jobs: what waits in which table, and what all of them have in common.

use async_trait::async_trait;

use super::{Lease, StoreError};

/// A table whose rows wait to be worked on. Its rows are `queued`, due at `next_at`; all but
/// notifications are claimed under a [`Lease`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Queue {
    AlertDeliveries,
    Notices,
    Orders,
    Uploads,
    Usage,
}

impl Queue {
    pub(crate) const ALL: [Self; 5] =
        [Self::AlertDeliveries, Self::Notices, Self::Orders, Self::Uploads, Self::Usage];
}

/// What is the same for every queue. Claiming and ending a job differ, and stand with its table.
#[async_trait]
pub(crate) trait Queues {
    /// Goes on holding the jobs that are under way here.
    async fn renew(
        &mut self,
        queue: Queue,
        held: &[String],
        lease: &Lease,
    ) -> Result<(), StoreError>;
    /// Puts back what a server that died left in the middle: all that is under way, is not `held`
    /// here and has no lease. How many that were.
    async fn requeue(&mut self, queue: Queue, held: &[String]) -> Result<u64, StoreError>;
    /// How many jobs are under way, on whichever server.
    async fn in_flight(&mut self, queue: Queue) -> Result<i64, StoreError>;
    /// The earliest time at which a job is due.
    async fn next_due(&mut self, queue: Queue) -> Result<Option<i64>, StoreError>;
    /// Makes due at `now` what waits for longer than until `latest`. How many that were.
    async fn clamp_due(&mut self, queue: Queue, now: i64, latest: i64) -> Result<u64, StoreError>;
}
