//! Sends licenses to the marketplace, the same bytes until they have arrived.

use std::sync::Arc;

use koogallery::upload::Content;
use koogallery::{Failure, Remedy};
use tokio::sync::Notify;

use super::idle::Shutdown;
use super::queue::{JobQueue, claim, finish};
use crate::app::App;
use crate::app::marketplace_health;
use crate::app::restore_hold::RESTORED;
use crate::app::uploads::{ClaimUploads, FinishUpload};
use crate::outbound::backoff;
use crate::outbound::marketplace::Marketplace;
use crate::store::{Parcel, Queue, StoreError, UploadState};

/// The queue of licenses to be sent.
#[derive(Clone)]
pub(super) struct UploadQueue {
    pub(super) app: App,
    pub(super) marketplace: Arc<Marketplace>,
}

impl JobQueue for UploadQueue {
    type Job = Parcel;

    const QUEUE: Queue = Queue::Uploads;
    const JOBS: (&'static str, &'static str) = ("uploads", "are");
    const MAX_JOBS: usize = 16;
    const LOOKS_FIRST: bool = false;

    fn app(&self) -> &App {
        &self.app
    }

    fn wakeup(&self) -> &Notify {
        &self.app.context.wakeups.uploads
    }

    async fn claim(&self, limit: usize) -> Vec<Parcel> {
        claim(&self.app, limit, |limit| ClaimUploads { limit }).await
    }

    fn ids(job: &Parcel) -> Vec<String> {
        vec![job.row.id.clone()]
    }

    async fn run(self, job: Parcel, shutdown: Shutdown) {
        send(self.app, self.marketplace, shutdown, job).await;
    }

    /// After a restore nothing is due until an operator says that it may be sent.
    async fn next_due(&self) -> Result<Option<i64>, StoreError> {
        let mut tx = self.app.store.read().await?;
        if tx.meta(RESTORED).await?.is_some() { Ok(None) } else { tx.next_due(Self::QUEUE).await }
    }
}

async fn send(app: App, marketplace: Arc<Marketplace>, shutdown: Shutdown, parcel: Parcel) {
    let Parcel { row, text } = parcel;
    let content = match (row.file, text) {
        (Some(bytes), _) => Content::File { name: "license.lic".to_owned(), bytes },
        (None, Some(text)) => Content::Characters(text),
        (None, None) => {
            tracing::error!(upload.id = row.id, "the license of an upload is missing");
            return;
        }
    };
    let now = app.context.now().as_secs();
    let sent = marketplace.upload(&row.event_id, content, now).await;
    let unsent = sent.as_ref().is_err_and(|error| !error.sent);
    let outcome = sent.map_err(|error| error.failure);
    marketplace_health::record_outcome(&app, outcome.as_ref().err().map(|failure| failure.remedy))
        .await;

    let wait = match &outcome {
        Err(failure) if failure.remedy == Remedy::TryAgain => {
            backoff::seconds(row.attempts, &app.context.environment)
        }
        // Sent again as soon as the gate opens.
        _ => 0,
    };
    metrics::counter!(
        "licd_uploads_total",
        "result" => outcome.as_ref().err().map_or("ok", |failure| failure.remedy.as_str())
    )
    .increment(1);
    let failure = outcome.as_ref().err().cloned();
    let next_at = app.context.now().as_secs() + wait;
    let ended = FinishUpload { id: row.id.clone(), outcome, unsent, next_at };
    if let Some(state) = finish(&app, ended, &shutdown).await {
        report(&row.id, &row.license_id, state, failure.as_ref());
    }
}

/// Logs how an attempt ended; a refusal was logged by the alert of the transaction that recorded it.
fn report(id: &str, license: &str, state: Option<UploadState>, failure: Option<&Failure>) {
    let code = failure.map_or("", |failure| failure.code.as_str());
    match state {
        Some(UploadState::Delivered) => {
            tracing::info!(upload.id = id, license.id = license, "license delivered");
        }
        Some(UploadState::Failed | UploadState::Unclear) => {}
        _ => tracing::warn!(
            upload.id = id,
            license.id = license,
            code,
            "a license could not be sent; it is tried again"
        ),
    }
}
