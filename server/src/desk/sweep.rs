//! Forgets what is no longer needed, in small steps.

use super::command::UseCase;
use super::context::Work;
use crate::store::{StoreError, Tx};

/// Rows of one step: a step keeps others from writing for about a millisecond.
const STEP: i64 = 500;

/// One step.
pub(crate) struct Sweep;

impl UseCase for Sweep {
    /// Whether there may be more.
    type Answer = bool;

    async fn run(&self, tx: &mut dyn Tx, work: &mut Work<'_>) -> Result<bool, StoreError> {
        let logins = tx.sweep_logins(work.now.as_secs(), STEP).await?;
        let swept = tx.sweep_nonces(work.now.as_secs(), STEP).await?.max(logins);
        Ok(i64::try_from(swept).is_ok_and(|swept| swept >= STEP))
    }
}
