//! Sends usage to the marketplace, up to a thousand records a call.

use std::pin::Pin;
use std::sync::Arc;

use koogallery::usage::is_about_the_access_key;
use koogallery::{Failure, Remedy};

use super::claim::finish;
use super::idle::{MAX_IDLE, Shutdown, rest};
use super::leased_jobs::LeasedJobs;
use crate::alerts::AlertKind;
use crate::app::App;
use crate::app::marketplace_health;
use crate::app::restore_hold::RESTORED;
use crate::app::usage::push_batch::{ClaimUsage, FinishUsage, RenewUsage, UsageCall};
use crate::outbound::backoff;
use crate::outbound::circuit_breaker::Permit;
use crate::outbound::marketplace::Marketplace;
use crate::store::Queue;
use crate::store::StoreError;

/// Calls at the same time.
const MAX_PARALLEL: usize = 2;

pub(super) fn run(
    app: App,
    marketplace: Arc<Marketplace>,
    shutdown: Shutdown,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(serve(app, marketplace, shutdown))
}

async fn serve(app: App, marketplace: Arc<Marketplace>, mut shutdown: Shutdown) {
    let mut jobs: LeasedJobs<Vec<String>> = LeasedJobs::new();
    loop {
        if let Some(held) = jobs.renewal_due() {
            keep(&app, held.concat()).await;
        }
        let call = match MAX_PARALLEL - jobs.count() {
            0 => None,
            _ => take(&app).await,
        };
        let Some(call) = call else {
            tokio::select! {
                stop = rest(&app.context.wakeups.usage, &mut shutdown, MAX_IDLE) => if stop { break },
                true = jobs.ended() => {}
            }
            continue;
        };
        let sent = send(app.clone(), marketplace.clone(), shutdown.clone(), call.clone());
        jobs.start(call.ids, sent);
        if *shutdown.borrow() {
            break;
        }
    }
    while jobs.ended().await {}
}

/// Says that those are still under way, and takes up what a server that died left behind.
async fn keep(app: &App, held: Vec<String>) {
    let kept = async {
        let in_flight = app.store.read().await?.in_flight(Queue::Usage).await?;
        // An idle server leaves the writer alone.
        if in_flight == 0 { Ok(0) } else { app.writer.write(RenewUsage { held }).await }
    };
    match kept.await {
        Ok(0) => {}
        Ok(count) => tracing::warn!(count, "usage of a server that stopped is taken over"),
        Err(error) => tracing::error!(error = %error, "usage cannot be held"),
    }
}

async fn take(app: &App) -> Option<UsageCall> {
    let next = async {
        let mut tx = app.store.read().await?;
        // What the marketplace got since the backup is not known here.
        if tx.meta(RESTORED).await?.is_some() { Ok(None) } else { tx.next_due(Queue::Usage).await }
    };
    let next: Result<Option<i64>, StoreError> = next.await;
    let due = |at: i64| at <= app.context.now().as_secs();
    if !next.ok().flatten().is_some_and(due) {
        return None;
    }
    let probing = match app.breaker.permit(app.context.now_ms()) {
        Permit::Go => false,
        Permit::Probe => true,
        Permit::Rest => return None,
    };
    let taken = app.writer.write(ClaimUsage).await.map_err(|error| {
        tracing::error!(error = %error, "usage cannot be taken from the queue");
    });
    let call = taken.ok().filter(|call| !call.ids.is_empty());
    if call.is_none() && probing {
        app.breaker.cancel_probe();
    }
    call
}

async fn send(app: App, marketplace: Arc<Marketplace>, shutdown: Shutdown, call: UsageCall) {
    let UsageCall { ids, records, attempts } = call;
    let edition = app.context.usage_edition;
    let (now_ms, nonce) = (app.context.now_ms(), hex::encode(app.context.random::<16>()));
    let sent = marketplace.push_usage(edition, records, nonce, now_ms).await;
    let unsent = sent.as_ref().is_err_and(|error| !error.sent);
    let outcome = sent.map_err(|error| error.failure);
    let failure = outcome.as_ref().err();
    marketplace_health::record_outcome(&app, failure.map(of_usage)).await;

    let environment = &app.context.environment;
    let wait = match failure {
        // An operator has to correct the key first.
        Some(failure) if is_about_the_access_key(failure) => backoff::longest(environment),
        Some(failure) if failure.remedy == Remedy::FixCredentials => 0,
        _ => backoff::seconds(attempts, environment),
    };
    let result = failure.map_or("ok", |failure| failure.remedy.as_str());
    metrics::counter!("licd_usage_calls_total", "result" => result).increment(1);
    let (count, failure) = (ids.len(), failure.cloned());
    let next_at = app.context.now().as_secs() + wait;
    let ended = FinishUsage { ids, outcome, unsent, next_at };
    let ended = finish(&app, ended, &shutdown).await;
    match (&failure, ended) {
        (Some(failure), _) if is_about_the_access_key(failure) => {
            let alert = AlertKind::UsageSignature.about("").with("code", failure.code.as_str());
            app.context.raise(alert.with("count", count));
        }
        (Some(failure), _) => {
            tracing::warn!(
                code = failure.code,
                count,
                "usage could not be sent; it is tried again"
            );
        }
        (None, Some(ended)) => tracing::info!(
            delivered = ended.delivered,
            refused = ended.refused,
            queued = ended.queued,
            "usage was sent"
        ),
        (None, None) => {}
    }
}

/// A wrong access key stops usage and nothing else.
fn of_usage(failure: &Failure) -> Remedy {
    if is_about_the_access_key(failure) { Remedy::GiveUp } else { failure.remedy }
}
