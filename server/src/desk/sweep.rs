//! Forgets what is no longer needed, in small steps.

use license_core::time::DAY;

use super::command::UseCase;
use super::context::Work;
use crate::store::{StoreError, Tx};

/// Rows of one step: a step keeps others from writing for about a millisecond.
const STEP: i64 = 500;

/// How long a code is remembered that the marketplace never answered for: a month of use.
const UNANSWERED: i64 = 30 * DAY;

/// One step.
pub(crate) struct Sweep;

impl UseCase for Sweep {
    /// Whether there may be more.
    type Answer = bool;

    async fn run(&self, tx: &mut dyn Tx, work: &mut Work<'_>) -> Result<bool, StoreError> {
        let now = work.now.as_secs();
        let logins = tx.sweep_logins(now, STEP).await?;
        let codes = tx.sweep_codes(now - UNANSWERED, STEP).await?;
        let swept = tx.sweep_nonces(now, STEP).await?.max(logins).max(codes);
        Ok(i64::try_from(swept).is_ok_and(|swept| swept >= STEP))
    }
}
