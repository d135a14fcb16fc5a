//! After the wall clock was set back, moves due times that lie more than the longest backoff ahead
//! to now.

use super::command::Command;
use super::transaction::UnitOfWork;
use crate::outbound::backoff::LONGEST_WAIT;
use crate::store::{Queue, StoreError, Tx};

/// Makes due now what the queues hold beyond the longest wait.
#[derive(Clone)]
pub(crate) struct ClampDueTimes;

impl Command for ClampDueTimes {
    /// How many it were.
    type Output = u64;
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<u64, StoreError> {
        let now = work.now.as_secs();
        clamp_due_times(tx, now).await
    }
}

/// Makes due now what any queue holds beyond the longest wait. How many jobs that were.
pub(crate) async fn clamp_due_times(tx: &mut dyn Tx, now: i64) -> Result<u64, StoreError> {
    let mut count = 0;
    for queue in Queue::ALL {
        count += tx.clamp_due(queue, now, now + LONGEST_WAIT).await?;
    }
    Ok(count)
}
