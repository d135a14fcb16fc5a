//! Sends licenses to the marketplace, the same bytes until they have arrived.

use std::pin::Pin;
use std::sync::Arc;

use koogallery::upload::Content;
use koogallery::{Failure, Remedy};

use super::claim::{claim, finish};
use super::idle::{MAX_IDLE, Shutdown, WakeReason, wait};
use super::leased_jobs::LeasedJobs;
use crate::app::App;
use crate::app::clock_change::ClampDueTimes;
use crate::app::marketplace_health;
use crate::app::restore_hold::RESTORED;
use crate::app::uploads::{ClaimUploads, FinishUpload, RenewUploads};
use crate::outbound::backoff;
use crate::outbound::marketplace::Marketplace;
use crate::store::{Parcel, Queue, StoreError, UploadState};

/// Uploads at the same time.
const MAX_PARALLEL: usize = 16;
/// How far the clock has to go back before it counts, in seconds; less is waited for.
const CLOCK_TOLERANCE: i64 = 5;
pub(super) fn run(
    app: App,
    marketplace: Arc<Marketplace>,
    shutdown: Shutdown,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(serve(app, marketplace, shutdown))
}

async fn serve(app: App, marketplace: Arc<Marketplace>, mut shutdown: Shutdown) {
    let mut jobs = LeasedJobs::new();
    // Whether something may be due.
    let mut waiting = true;
    let mut seen = app.context.now().as_secs();
    loop {
        let now = app.context.now().as_secs();
        if now < seen - CLOCK_TOLERANCE {
            hurry(&app, seen - now).await;
        }
        seen = now;
        if let Some(held) = jobs.renewal_due() {
            keep(&app, held).await;
            marketplace_health::follow(&app, &marketplace).await;
        }
        let free = MAX_PARALLEL - jobs.count();
        let taken = if waiting && free > 0 {
            claim(&app, free, |limit| ClaimUploads { limit }).await
        } else {
            Vec::new()
        };
        if free > 0 {
            waiting = taken.len() == free;
        }
        if taken.is_empty() {
            tokio::select! {
                woken = wait(&app.context.wakeups.uploads, &mut shutdown, MAX_IDLE) => match woken {
                    WakeReason::Stopping => break,
                    WakeReason::Notified => waiting = true,
                    WakeReason::Elapsed => waiting = due(&app).await,
                },
                true = jobs.ended() => {}
            }
            continue;
        }
        for parcel in taken {
            let id = parcel.row.id.clone();
            jobs.start(id, send(app.clone(), marketplace.clone(), shutdown.clone(), parcel));
        }
        if *shutdown.borrow() {
            break;
        }
    }
    while jobs.ended().await {}
}

/// The queues hold times of a clock that was ahead: nothing waits for those.
async fn hurry(app: &App, seconds: i64) {
    match app.writer.write(ClampDueTimes).await {
        Ok(count) => tracing::warn!(seconds, count, "the clock was set back; the queues go on"),
        Err(error) => tracing::error!(error = %error, "the queues hold times of a wrong clock"),
    }
    let wakeups = &app.context.wakeups;
    for wakeup in [&wakeups.orders, &wakeups.usage, &wakeups.notices, &wakeups.alerts] {
        wakeup.notify_one();
    }
}

/// Says that those are still under way, and takes up what a server that died left behind.
async fn keep(app: &App, held: Vec<String>) {
    let kept = async {
        let in_flight = app.store.read().await?.in_flight(Queue::Uploads).await?;
        // An idle server leaves the writer alone.
        if in_flight == 0 { Ok(0) } else { app.writer.write(RenewUploads { held }).await }
    };
    match kept.await {
        Ok(0) => {}
        Ok(count) => tracing::warn!(count, "uploads of a server that stopped are taken over"),
        Err(error) => tracing::error!(error = %error, "uploads cannot be held"),
    }
}

/// Looks before it writes: an idle server leaves the writer alone. After a restore nothing is due
/// until an operator confirms it.
async fn due(app: &App) -> bool {
    let next = async {
        let mut tx = app.store.read().await?;
        if tx.meta(RESTORED).await?.is_some() {
            Ok(None)
        } else {
            tx.next_due(Queue::Uploads).await
        }
    };
    let next: Result<Option<i64>, StoreError> = next.await;
    next.ok().flatten().is_some_and(|at| at <= app.context.now().as_secs())
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
