//! Warns of automatic refunds: the marketplace pays an order back that could not be read in time.

use koogallery::Edition;
use koogallery::retry::{REFUND, REFUND_V1, WARNINGS, refund, warning};

use super::command::Command;
use super::transaction::UnitOfWork;
use crate::alerts::AlertKind;
use crate::store::{StoreError, Tx};

/// Warnings of one transaction.
const MAX_WARNINGS: i64 = 100;

/// The edition of the call that created an instance, as its column `first_edition` says it.
pub(super) const fn edition_of(first_edition: bool) -> Edition {
    if first_edition { Edition::V1 } else { Edition::V2 }
}

/// How much longer the marketplace tries V1's calls.
pub(crate) const V1_EXTRA_TIME: i64 = REFUND_V1.lasts - REFUND.lasts;

/// From when an instance must be there for so many minutes to be left.
fn there_since(minutes: i64, now: i64) -> i64 {
    now - (REFUND.lasts - minutes * 60)
}

/// Warns of refunds that come near, each at every one of [`WARNINGS`] once.
pub(crate) struct WarnRefunds;

impl WarnRefunds {
    /// Whether there is anybody to be warned: an idle server leaves the writer alone.
    pub(crate) async fn is_due(tx: &mut dyn Tx, now: i64) -> Result<bool, StoreError> {
        for minutes in WARNINGS {
            if !tx
                .refunds_nearing(there_since(minutes, now), V1_EXTRA_TIME, minutes, 1)
                .await?
                .is_empty()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Command for WarnRefunds {
    /// How many were warned of.
    type Output = usize;
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<usize, StoreError> {
        let now = work.now.as_secs();
        let mut warned = 0;
        for minutes in WARNINGS {
            let until = there_since(minutes, now);
            for (instance, since, first_edition) in
                tx.refunds_nearing(until, V1_EXTRA_TIME, minutes, MAX_WARNINGS).await?
            {
                let left = refund(edition_of(first_edition)).left(since, now);
                let urgent = warning(left).unwrap_or(minutes);
                let mut first = true;
                // After a stop of the server several are due at once: the most urgent one is sent.
                for passed in WARNINGS.into_iter().filter(|passed| *passed >= urgent) {
                    let new = tx.add_refund_warning(&instance, passed, now).await?;
                    first &= new || passed != urgent;
                }
                if !first {
                    continue;
                }
                // The threshold is a part of the subject: none repeats another within an hour.
                let alert = AlertKind::RefundNearing
                    .about(&format!("{instance}/{urgent}"))
                    .with("instance.id", instance)
                    .with("minutes", urgent)
                    .with("seconds_left", left);
                work.raise(tx, alert).await?;
                warned += 1;
            }
        }
        Ok(warned)
    }
}
