//! Deletes rows that are no longer needed, in small steps.

use license_core::time::DAY;

use super::alerts::forgotten_before;
use super::command::Command;
use super::transaction::UnitOfWork;
use crate::config::Retention;
use crate::store::{StoreError, Tx};

/// Rows of one step: a step keeps others from writing for about a millisecond.
const MAX_ROWS_PER_STEP: i64 = 500;

/// How long a code is remembered that the marketplace never answered for: a month of use.
const UNANSWERED_CODE_RETENTION: i64 = 30 * DAY;

/// One step of what ends by itself.
pub(crate) struct Sweep;

impl Command for Sweep {
    /// Whether there may be more.
    type Output = bool;
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<bool, StoreError> {
        let now = work.now.as_secs();
        let logins = tx.sweep_logins(now, MAX_ROWS_PER_STEP).await?;
        let codes = tx.sweep_codes(now - UNANSWERED_CODE_RETENTION, MAX_ROWS_PER_STEP).await?;
        let alerts = tx.sweep_alerts(forgotten_before(work.now), MAX_ROWS_PER_STEP).await?;
        let swept =
            tx.sweep_nonces(now, MAX_ROWS_PER_STEP).await?.max(logins).max(codes).max(alerts);
        Ok(i64::try_from(swept).is_ok_and(|swept| swept >= MAX_ROWS_PER_STEP))
    }
}

/// One step of what is kept for a time that the configuration says.
pub(crate) struct SweepHistory(pub(crate) Retention);

/// Rows that are gone.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct SweptRows {
    pub(crate) links: u64,
    pub(crate) files: u64,
    pub(crate) uploads: u64,
    /// Instances without orders.
    pub(crate) orders: u64,
}

impl SweptRows {
    /// Whether there was anything, and so may be more.
    pub(crate) fn any(self) -> bool {
        self != Self::default()
    }

    fn left(self) -> i64 {
        let rows = self.links + self.files + self.uploads + self.orders;
        MAX_ROWS_PER_STEP - i64::try_from(rows).unwrap_or(MAX_ROWS_PER_STEP)
    }
}

impl Command for SweepHistory {
    type Output = SweptRows;
    type Error = StoreError;

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<SweptRows, StoreError> {
        let mut swept = SweptRows::default();
        if !tx.sweep_turn().await? {
            return Ok(swept);
        }
        // Nothing is older than the beginning of time: 0 days keep for ever.
        let until = |days: u32| match days {
            0 => i64::MIN,
            days => work.now.as_secs() - i64::from(days) * DAY,
        };
        let Retention { audit_days, finished_uploads_days, orders_days, upload_files_days } =
            self.0;
        swept.files = tx.sweep_files(until(upload_files_days), swept.left()).await?;
        if swept.left() > 0 {
            let until = until(finished_uploads_days);
            swept.uploads = tx.sweep_uploads(until, swept.left()).await?;
        }
        if swept.left() > 0 {
            swept.orders = tx.sweep_orders(until(orders_days), swept.left()).await?;
        }
        if audit_days > 0 {
            for server in tx.audit_servers().await? {
                if swept.left() > 0 {
                    let until = until(audit_days);
                    swept.links += tx.sweep_links(&server, until, swept.left()).await?;
                }
            }
        }
        Ok(swept)
    }
}
