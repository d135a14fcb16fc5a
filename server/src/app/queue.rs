//! Leases of jobs under way, the same for every queue. Claiming and ending a job differ, and stand
//! with their queue.

use super::command::Command;
use super::transaction::UnitOfWork;
use crate::store::{Lease, Queue, StoreError, Tx};

/// Renews the leases of the jobs that are under way here, and puts back those of servers that died.
pub(crate) struct RenewLeases {
    pub(crate) queue: Queue,
    /// Ids of the jobs under way here.
    pub(crate) held: Vec<String>,
}

impl Command for RenewLeases {
    /// How many were put back.
    type Output = u64;
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<u64, StoreError> {
        // Renewed first: a lease of ours that has just run out is not taken for a dead server's.
        tx.renew(self.queue, &self.held, &Lease::of(&work.context.server)).await?;
        tx.requeue(self.queue, &self.held).await
    }
}
