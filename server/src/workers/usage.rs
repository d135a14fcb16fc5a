//! Sends usage to the marketplace, up to a thousand records a call.

use std::sync::Arc;

use koogallery::usage::is_about_the_access_key;
use koogallery::{Failure, Remedy};
use tokio::sync::Notify;

use super::idle::Shutdown;
use super::queue::{JobQueue, claim, finish};
use crate::alerts::AlertKind;
use crate::app::App;
use crate::app::marketplace_health;
use crate::app::restore_hold::RESTORED;
use crate::app::usage::push_batch::{ClaimUsage, FinishUsage, UsageCall};
use crate::outbound::backoff;
use crate::outbound::marketplace::Marketplace;
use crate::store::Queue;
use crate::store::StoreError;

/// The queue of usage to be sent.
#[derive(Clone)]
pub(super) struct UsageQueue {
    pub(super) app: App,
    pub(super) marketplace: Arc<Marketplace>,
}

impl JobQueue for UsageQueue {
    type Job = UsageCall;

    const QUEUE: Queue = Queue::Usage;
    const JOBS: (&'static str, &'static str) = ("usage", "is");
    const MAX_JOBS: usize = 2;
    const MAX_CLAIM: usize = 1;

    fn app(&self) -> &App {
        &self.app
    }

    fn wakeup(&self) -> &Notify {
        &self.app.context.wakeups.usage
    }

    async fn claim(&self, _: usize) -> Vec<UsageCall> {
        claim(&self.app, Self::MAX_CLAIM, |_| ClaimUsage).await
    }

    fn ids(job: &UsageCall) -> Vec<String> {
        job.ids.clone()
    }

    async fn run(self, job: UsageCall, shutdown: Shutdown) {
        send(self.app, self.marketplace, shutdown, job).await;
    }

    /// What the marketplace got since the backup is not known here, so that nothing is due after a
    /// restore until an operator says that it may be sent.
    async fn next_due(&self) -> Result<Option<i64>, StoreError> {
        let mut tx = self.app.store.read().await?;
        if tx.meta(RESTORED).await?.is_some() { Ok(None) } else { tx.next_due(Self::QUEUE).await }
    }
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
