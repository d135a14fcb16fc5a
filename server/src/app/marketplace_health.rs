//! Whether the marketplace answers: what the outcome of a request does to the circuit breaker, and
//! the pause of the queues while it refuses our credentials, which every server learns from the
//! database.

use koogallery::Remedy;

use super::App;
use super::audit::entry::{Actor, AuditEntry};
use super::command::Command;
use super::context::Context;
use super::event::Event;
use super::transaction::UnitOfWork;
use crate::alerts::AlertKind;
use crate::outbound::backoff;
use crate::outbound::circuit_breaker::Transition;
use crate::outbound::marketplace::Marketplace;
use crate::store::{Queue, StoreError, Tx};

/// What `meta` holds while the queues rest because of wrong credentials.
pub(crate) const PAUSE_META_KEY: &str = "pause";

/// Seconds between two probes while the circuit breaker is open, at most: one request every half a
/// minute is no load, and everything waits for its answer.
const MAX_PROBE_INTERVAL: i64 = 30;

/// Recognizes keys and addresses of the marketplace without telling anything about them.
pub(crate) fn fingerprint(marketplace: &Marketplace, context: &Context) -> Vec<u8> {
    context.digest("marketplace", marketplace.identity())
}

/// Remembers, or forgets, that the queues rest until the configuration changes.
pub(crate) struct RecordPause {
    pub(crate) configuration: Option<Vec<u8>>,
}

impl Command for RecordPause {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
        if self.configuration.is_some() {
            work.raise(tx, AlertKind::MarketplaceCredentials.about("")).await?;
        }
        tx.put_meta(PAUSE_META_KEY, self.configuration.as_deref()).await
    }
}

/// Strikes out that the credentials were refused, which every server looks at, and has the orders
/// that waited for it read now; whether it was so.
pub(crate) async fn open_queues(tx: &mut dyn Tx, now: i64) -> Result<bool, StoreError> {
    if tx.meta(PAUSE_META_KEY).await?.is_none() {
        return Ok(false);
    }
    tx.put_meta(PAUSE_META_KEY, None).await?;
    tx.clamp_due(Queue::Orders, now, now).await?;
    Ok(true)
}

/// An operator says that refused credentials are worth another try.
pub(crate) struct OpenQueues {
    pub(crate) by: Actor,
}

impl Command for OpenQueues {
    /// Whether they were closed.
    type Output = bool;
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<bool, StoreError> {
        let closed = open_queues(tx, work.now.as_secs()).await?;
        if closed {
            work.audit(AuditEntry::new("upload.open", &self.by));
            work.publish(Event::UploadQueued);
        }
        Ok(closed)
    }
}

/// For which credentials and addresses the queues rest, if they do: any server may have
/// learnt it.
pub(crate) async fn paused_for(app: &App) -> Result<Option<Vec<u8>>, StoreError> {
    app.store.read().await?.meta(PAUSE_META_KEY).await
}

/// Closes the circuit breaker again, for a try.
pub(crate) fn reopen(app: &App) {
    app.breaker.retry();
    app.context.order_lookups.rest(app.marketplace.is_none());
    app.context.wakeups.orders.notify_one();
    app.context.wakeups.uploads.notify_one();
}

/// Follows what another server, or an operator there, wrote about the credentials.
pub(crate) async fn follow(app: &App, marketplace: &Marketplace) {
    let context = &app.context;
    let Ok(paused) = paused_for(app).await else { return };
    if paused == Some(fingerprint(marketplace, context)) {
        if !app.breaker.are_credentials_refused() {
            app.breaker.refuse_credentials();
            context.order_lookups.rest(true);
            // The server that met the refusal raised the alert: here only the log line is missing.
            AlertKind::MarketplaceCredentials.about("").log();
        }
    } else if app.breaker.is_refusal_recorded() {
        app.breaker.retry();
        context.order_lookups.rest(false);
        context.wakeups.orders.notify_one();
    }
}

/// Records the outcome of a request in the circuit breaker, which all queues share, and does what
/// follows from its transition.
pub(crate) async fn record_outcome(app: &App, remedy: Option<Remedy>) {
    let context = &app.context;
    let wait = |rests| {
        backoff::seconds(i64::from(rests), &context.environment).min(MAX_PROBE_INTERVAL) * 1000
    };
    match app.breaker.record(remedy, context.now_ms(), wait) {
        Transition::Unchanged => {}
        Transition::Opened => {
            context.order_lookups.rest(true);
            context.raise(AlertKind::MarketplaceUnreachable.about(""));
        }
        Transition::Closed => {
            context.order_lookups.rest(false);
            context.wakeups.orders.notify_one();
            context.wakeups.uploads.notify_one();
            tracing::info!("the marketplace answers again");
        }
        Transition::CredentialsRefused => {
            context.order_lookups.rest(true);
            let configuration = app.marketplace.as_ref().map(|m| fingerprint(m, context));
            match app.writer.write(RecordPause { configuration }).await {
                Ok(()) => app.breaker.refusal_recorded(),
                Err(error) => {
                    tracing::error!(error = %error, "that the queues rest could not be written down");
                    // The transaction that would have stored the alert was rolled back.
                    context.raise(AlertKind::MarketplaceCredentials.about(""));
                }
            }
        }
    }
}
