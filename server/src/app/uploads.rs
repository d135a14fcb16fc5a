//! Uploads of licenses to the marketplace: claimed, finished, listed, retried.

use koogallery::{Failure, Remedy};
use license_core::{Code, api};
use serde::Deserialize;

use super::audit::entry::{Actor, AuditEntry};
use super::command::{Command, Failed};
use super::event::Event;
use super::marketplace_health::{OpenQueues, open_queues, reopen};
use super::transaction::UnitOfWork;
use super::{App, paging, views};
use crate::alerts::{Alert, AlertKind};
use crate::error::ApiError;
use crate::store::{Footprint, Lease, Parcel, StoreError, Tx, UploadQuery, UploadRow, UploadState};

/// Takes uploads that are due, together with the licenses that are sent as text.
pub(crate) struct ClaimUploads {
    pub(crate) limit: i64,
}

impl Command for ClaimUploads {
    type Output = Vec<Parcel>;
    type Error = StoreError;

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, StoreError> {
        let lease = Lease::of(&work.context.server);
        tx.claim_uploads(work.now.as_secs(), self.limit, &lease).await
    }
}

/// An attempt at an upload ended.
#[derive(Clone)]
pub(crate) struct FinishUpload {
    pub(crate) id: String,
    pub(crate) outcome: Result<(), Failure>,
    /// Nothing was sent at all: no connection was made.
    pub(crate) unsent: bool,
    /// After a failure that passes: when to try again.
    pub(crate) next_at: i64,
}

impl Command for FinishUpload {
    /// The state it is in now.
    type Output = Option<UploadState>;
    type Error = StoreError;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.upload(&self.id);
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, StoreError> {
        let Some(mut row) = tx.upload(&self.id).await? else { return Ok(None) };
        // A delivery counts, whichever server holds the lease by now; only a license that is stopped
        // stays stopped.
        let arrived = self.outcome.is_ok()
            && !matches!(row.state, UploadState::Delivered | UploadState::Cancelled);
        if row.state != UploadState::Sending && !arrived {
            return Ok(Some(row.state));
        }
        // The server that took it over sends it at this moment; only a delivery counts for it.
        let taken_over = row.lease_owner.as_deref() != Some(work.context.server.as_str());
        if self.outcome.is_err() && taken_over {
            return Ok(Some(row.state));
        }
        let now = work.now.as_secs();
        match &self.outcome {
            Ok(()) => {
                row.state = UploadState::Delivered;
                row.finished_at = Some(now);
                row.last_code = None;
                row.last_message = None;
            }
            Err(failure) => {
                row.last_code = Some(failure.code.clone());
                row.last_message = Some(failure.message.clone());
                if failure.remedy == Remedy::GiveUp {
                    // What got no answer may have arrived, and then this refusal means little.
                    row.state =
                        if row.unanswered { UploadState::Unclear } else { UploadState::Failed };
                    row.finished_at = Some(now);
                } else {
                    row.state = UploadState::Queued;
                    row.next_at = self.next_at;
                    row.unanswered |= failure.status.is_none() && !self.unsent;
                }
            }
        }
        tx.put_upload(&row).await?;
        if let Some(alert) = alert(&row) {
            work.raise(tx, alert).await?;
        }
        if row.state != UploadState::Queued {
            let ended = AuditEntry::new("upload.end", &Actor::Server).outcome(row.state.as_str());
            work.audit(ended.about("upload", &row.id).about("license", &row.license_id));
        }
        work.publish(Event::UploadEnded { event: row.event_id });
        Ok(Some(row.state))
    }
}

/// The alert of an upload that the marketplace refused.
fn alert(row: &UploadRow) -> Option<Alert> {
    let kind = match row.state {
        UploadState::Failed => AlertKind::UploadRefused,
        UploadState::Unclear => AlertKind::UploadUnclear,
        _ => return None,
    };
    let code = row.last_code.as_deref().unwrap_or_default();
    let meaning = koogallery::failure::meaning(code).map_or("", |(meaning, _)| meaning);
    let alert = kind.about(&row.id).with("instance.id", row.instance_id.as_str());
    let alert = alert.with("license.id", row.license_id.as_str());
    Some(alert.with("code", code).with("meaning", meaning))
}

/// An operator has an upload sent again.
pub(crate) struct RetryUpload {
    pub(crate) id: String,
    pub(crate) by: Actor,
}

impl Command for RetryUpload {
    type Output = UploadRow;
    type Error = Failed;

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, Failed> {
        let Some(mut row) = tx.upload(&self.id).await? else {
            return Err(views::not_found("upload", "上传任务").into());
        };
        let now = work.now.as_secs();
        match row.state {
            UploadState::Failed | UploadState::Unclear | UploadState::Queued => {
                row.state = UploadState::Queued;
                row.next_at = now;
                row.finished_at = None;
                tx.put_upload(&row).await?;
            }
            // An attempt is under way; what may keep the next one back are closed queues.
            UploadState::Sending => {}
            UploadState::Delivered | UploadState::Cancelled => {
                let status = api::UploadStatus::from(row.state);
                return Err(ApiError::new(
                    Code::Conflict,
                    format!("the upload is {status}: there is nothing to try again"),
                    format!("上传状态为 {status}：无需重试"),
                )
                .into());
            }
        }
        open_queues(tx, now).await?;
        let again = AuditEntry::new("upload.retry", &self.by);
        work.audit(again.about("upload", &row.id).about("license", &row.license_id));
        work.publish(Event::UploadQueued);
        Ok(row)
    }
}

/// The states of a filter, in the order in which a refusal names them.
const FILTER_STATES: [UploadState; 5] = [
    UploadState::Queued,
    UploadState::Delivered,
    UploadState::Failed,
    UploadState::Unclear,
    UploadState::Cancelled,
];

/// Which uploads to list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UploadFilter {
    pub(crate) instance_id: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<u32>,
}

/// Uploads in the order they were made.
pub(crate) async fn list(
    app: &App,
    filter: &UploadFilter,
) -> Result<Vec<api::UploadView>, ApiError> {
    let query = UploadQuery {
        state: views::status_filter::<_, api::UploadStatus>(
            filter.state.as_deref(),
            &FILTER_STATES,
        )?,
        instance_id: filter.instance_id.clone(),
        after: filter.after.clone(),
        limit: paging::limit(filter.limit)?,
    };
    let mut tx = app.store.read().await?;
    Ok(tx.uploads(&query).await?.iter().map(views::upload).collect())
}

/// Sends one again, and lets queues that rested because of wrong credentials try.
pub(crate) async fn retry(app: &App, id: &str) -> Result<api::UploadView, ApiError> {
    let row = app.writer.write(RetryUpload { id: id.to_owned(), by: Actor::caller() }).await?;
    reopen(app);
    Ok(views::upload(&row))
}

/// Lets queues that rested because of wrong credentials try.
pub(crate) async fn retry_all(app: &App) -> Result<api::QueuesView, ApiError> {
    let here = app.breaker.are_credentials_refused();
    let were_closed = app.writer.write(OpenQueues { by: Actor::caller() }).await? || here;
    reopen(app);
    Ok(api::QueuesView { were_closed })
}
