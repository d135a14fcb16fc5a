//! Commands for one push of several records: claims them, renews their leases, stores the outcome.

use koogallery::Edition;
use koogallery::usage::{Record, Verdicts, is_about_the_access_key, is_partial};
use koogallery::{Failure, Remedy};

use super::record::record;
use crate::alerts::AlertKind;
use crate::app::command::Command;
use crate::app::event::Event;
use crate::app::transaction::UnitOfWork;
use crate::store::{Lease, StoreError, Tx, UsageDelay, UsageRow, UsageState};

/// It waited here for longer than the marketplace takes usage.
pub(super) const TOO_OLD: &str = "USAGE_TOO_OLD";
/// V1 needs a product, and none is known.
pub(super) const NO_PRODUCT: &str = "PRODUCT_ID_MISSING";

/// Takes the records of one call.
pub(crate) struct ClaimUsage;

/// Records that travel together.
#[derive(Clone)]
pub(crate) struct UsageCall {
    /// By the ids of the database, in the order of `records`.
    pub(crate) ids: Vec<String>,
    pub(crate) records: Vec<Record>,
    /// The most attempts that one of them has behind it, this one counted.
    pub(crate) attempts: i64,
}

impl Command for ClaimUsage {
    /// One call, or none.
    type Output = Vec<UsageCall>;
    type Error = StoreError;

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Vec<UsageCall>, StoreError> {
        let mut call = UsageCall { ids: Vec::new(), records: Vec::new(), attempts: 0 };
        let now = work.now.as_secs();
        let Some(together) = tx.next_usage_call(now).await? else { return Ok(Vec::new()) };
        let edition = work.context.usage_edition;
        let lease = Lease::of(&work.context.server);
        for row in tx.claim_usage(now, together, edition == Edition::V1, &lease).await? {
            let mut record = record(&row)?;
            if edition == Edition::V1 && record.product_id.is_none() {
                let instance = tx.instance(&row.instance_id).await?;
                record.product_id = instance.and_then(|instance| instance.market_product);
            }
            if record.is_too_old(now) {
                refuse(tx, work, row, TOO_OLD, "").await?;
            } else if edition == Edition::V1 && record.product_id.is_none() {
                refuse(tx, work, row, NO_PRODUCT, "").await?;
            } else {
                call.attempts = call.attempts.max(row.attempts);
                call.ids.push(row.id);
                call.records.push(record);
            }
        }
        Ok(if call.ids.is_empty() { Vec::new() } else { vec![call] })
    }
}

/// Ends a record as refused, and raises an alert.
async fn refuse(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    mut row: UsageRow,
    code: &str,
    message: &str,
) -> Result<UsageState, StoreError> {
    // What got no answer may have been taken, and then this refusal means little.
    row.state = if row.unanswered { UsageState::Unclear } else { UsageState::Failed };
    row.last_code = Some(code.to_owned());
    row.last_message = Some(message.to_owned());
    row.finished_at = Some(work.now.as_secs());
    tx.put_usage(&row).await?;
    let kind = match row.state {
        UsageState::Unclear => AlertKind::UsageUnclear,
        _ => AlertKind::UsageRefused,
    };
    let alert = kind.about(&row.instance_id).with("usage.id", row.id).with("code", code);
    work.raise(tx, alert).await?;
    Ok(row.state)
}

/// A call ended.
#[derive(Clone)]
pub(crate) struct FinishUsage {
    pub(crate) ids: Vec<String>,
    pub(crate) outcome: Result<Verdicts, Failure>,
    /// Nothing was sent at all: no connection was made.
    pub(crate) unsent: bool,
    /// After a failure that passes: when to try again.
    pub(crate) next_at: i64,
}

/// What became of the records of a call.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct FinishedUsage {
    pub(crate) delivered: usize,
    pub(crate) refused: usize,
    pub(crate) queued: usize,
}

impl Command for FinishUsage {
    type Output = FinishedUsage;
    type Error = StoreError;

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<FinishedUsage, StoreError> {
        let rows = tx.usage_of_call(&self.ids).await?;
        match &self.outcome {
            Ok(verdicts) => self.judged(tx, work, rows, verdicts).await,
            Err(failure) => self.failed(tx, work, rows, failure).await,
        }
    }
}

impl FinishUsage {
    async fn judged(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
        rows: Vec<UsageRow>,
        verdicts: &Verdicts,
    ) -> Result<FinishedUsage, StoreError> {
        let mut ended = FinishedUsage::default();
        let mut taken = Vec::new();
        for row in rows {
            let at = self.ids.iter().position(|id| *id == row.id);
            match at.and_then(|at| verdicts.get(at)) {
                Some(Ok(())) => {
                    // V1 has no number by which the marketplace could know it again.
                    if row.unanswered && row.old_form {
                        let alert = AlertKind::UsageTwice.about(&row.instance_id);
                        work.raise(tx, alert.with("usage.id", row.id.as_str())).await?;
                    }
                    taken.push(row.id);
                }
                // The server that took it over sends it at this moment; only a delivery counts for it.
                _ if !is_ours(&row, work) => {}
                Some(Err(failure)) if failure.remedy == Remedy::GiveUp => {
                    refuse(tx, work, row, &failure.code, &failure.message).await?;
                    ended.refused += 1;
                }
                Some(Err(failure)) => {
                    let delay = delay(failure, self.next_at);
                    tx.postpone_usage(&[row.id], &delay).await?;
                    ended.queued += 1;
                }
                None => {}
            }
        }
        ended.delivered = taken.len();
        tx.deliver_usage(&taken, work.now.as_secs()).await?;
        Ok(ended)
    }

    async fn failed(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
        rows: Vec<UsageRow>,
        failure: &Failure,
    ) -> Result<FinishedUsage, StoreError> {
        let mut ours: Vec<UsageRow> = rows.into_iter().filter(|row| is_ours(row, work)).collect();
        let mut ended = FinishedUsage::default();
        let refused = failure.remedy == Remedy::GiveUp && !is_about_the_access_key(failure);
        if refused && ours.len() == 1 {
            if let Some(row) = ours.pop() {
                refuse(tx, work, row, &failure.code, &failure.message).await?;
            }
            ended.refused = 1;
            return Ok(ended);
        }
        let old = work.context.usage_edition == Edition::V1;
        if refused && old && is_partial(failure) {
            // The others were taken, and without numbers none of them may be sent again.
            for mut row in ours {
                row.unanswered = true;
                refuse(tx, work, row, &failure.code, &failure.message).await?;
                ended.refused += 1;
            }
            return Ok(ended);
        }
        let ids: Vec<String> = ours.into_iter().map(|row| row.id).collect();
        ended.queued = ids.len();
        let mut delay = delay(failure, self.next_at);
        if refused {
            // Some of them are wrong: halves of the call are tried until the wrong ones are alone.
            delay.next_at = work.now.as_secs();
            delay.together = Some(i64::try_from(ids.len() / 2).unwrap_or(1).max(1));
            work.publish(Event::UsageQueued);
        } else {
            // A gateway that gave up waiting knows as little; numbers make that harmless.
            let silent = failure.status.is_none_or(|status| old && status >= 500);
            delay.unanswered = silent && !self.unsent;
        }
        tx.postpone_usage(&ids, &delay).await?;
        Ok(ended)
    }
}

fn is_ours(row: &UsageRow, work: &UnitOfWork<'_>) -> bool {
    row.state == UsageState::Sending
        && row.lease_owner.as_deref() == Some(work.context.server.as_str())
}

fn delay(failure: &Failure, next_at: i64) -> UsageDelay<'_> {
    UsageDelay {
        next_at,
        code: &failure.code,
        message: &failure.message,
        unanswered: false,
        together: None,
    }
}
