//! The clock was set back: what waits must not wait for the lost time once more.

use super::command::UseCase;
use super::transaction::UnitOfWork;
use crate::store::{StoreError, Tx};

/// No wait between two attempts is longer, in seconds: what is due later was queued by a clock
/// that was ahead.
pub(crate) const LONGEST_WAIT: i64 = 300;

/// Makes due now what the queues hold beyond the longest wait.
#[derive(Clone)]
pub(crate) struct ClampDueTimes;

impl UseCase for ClampDueTimes {
    /// How many it were.
    type Answer = u64;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<u64, StoreError> {
        let now = work.now.as_secs();
        tx.hurry(now, now + LONGEST_WAIT).await
    }
}
