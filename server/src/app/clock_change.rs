//! The clock was set back: what waits must not wait for the lost time once more.

use super::command::Command;
use super::transaction::UnitOfWork;
use crate::outbound::backoff::LONGEST_WAIT;
use crate::store::{StoreError, Tx};

/// Makes due now what the queues hold beyond the longest wait.
#[derive(Clone)]
pub(crate) struct ClampDueTimes;

impl Command for ClampDueTimes {
    /// How many it were.
    type Output = u64;
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<u64, StoreError> {
        let now = work.now.as_secs();
        tx.hurry(now, now + LONGEST_WAIT).await
    }
}
