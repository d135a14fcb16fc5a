//! Whether the marketplace answers: what the outcome of a request does to the circuit breaker, and
//! the pause of the queues while it refuses our credentials, which every server learns from the
//! database.

use koogallery::Remedy;

use super::App;
use super::audit::entry::{By, Entry};
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
pub(crate) const PAUSE: &str = "pause";

/// While the queues rest: seconds between two probes, at most. One question every half a minute
/// burdens nobody, and everything waits for its answer.
const PROBE: i64 = 30;

/// Recognizes keys and addresses of the marketplace without telling anything about them.
pub(crate) fn fingerprint(marketplace: &Marketplace, context: &Context) -> Vec<u8> {
    context.digest("marketplace", marketplace.identity())
}

/// Remembers, or forgets, that the queues rest until the configuration changes.
pub(crate) struct PutPause {
    pub(crate) configuration: Option<Vec<u8>>,
}

impl Command for PutPause {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
        if self.configuration.is_some() {
            work.raise(tx, AlertKind::MarketplaceCredentials.about("")).await?;
        }
        tx.put_meta(PAUSE, self.configuration.as_deref()).await
    }
}

/// Strikes out that the credentials were refused, which every server looks at, and has the orders
/// that waited for it read now; whether it was so.
pub(crate) async fn open_queues(tx: &mut dyn Tx, now: i64) -> Result<bool, StoreError> {
    if tx.meta(PAUSE).await?.is_none() {
        return Ok(false);
    }
    tx.put_meta(PAUSE, None).await?;
    tx.clamp_due(Queue::Orders, now, now).await?;
    Ok(true)
}

/// An operator says that refused credentials are worth another try.
pub(crate) struct OpenQueues {
    pub(crate) by: By,
}

impl Command for OpenQueues {
    /// Whether they were closed.
    type Output = bool;
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<bool, StoreError> {
        let closed = open_queues(tx, work.now.as_secs()).await?;
        if closed {
            work.audit(Entry::new("upload.open", &self.by));
            work.publish(Event::UploadQueued);
        }
        Ok(closed)
    }
}

/// For which credentials and addresses the queues rest, if they do: any server may have
/// learnt it.
pub(crate) async fn paused_for(app: &App) -> Result<Option<Vec<u8>>, StoreError> {
    app.store.read().await?.meta(PAUSE).await
}

/// Closes the circuit breaker again, for a try.
pub(crate) fn reopen(app: &App) {
    app.breaker.retry();
    app.context.reading.rest(app.marketplace.is_none());
    app.context.wakeups.orders.notify_one();
    app.context.wakeups.uploads.notify_one();
}

/// What another server learnt about the credentials, or an operator told it, counts here as well.
pub(crate) async fn follow(app: &App, marketplace: &Marketplace) {
    let context = &app.context;
    let Ok(paused) = paused_for(app).await else { return };
    if paused == Some(fingerprint(marketplace, context)) {
        if !app.breaker.are_credentials_refused() {
            app.breaker.refuse_credentials();
            context.reading.rest(true);
            // The server that met the refusal raised the alert: here only the log line is missing.
            AlertKind::MarketplaceCredentials.about("").log();
        }
    } else if app.breaker.is_refusal_recorded() {
        app.breaker.retry();
        context.reading.rest(false);
        context.wakeups.orders.notify_one();
    }
}

/// Counts an attempt for both queues, and says what follows from it.
pub(crate) async fn record_outcome(app: &App, remedy: Option<Remedy>) {
    let context = &app.context;
    let wait = |rests| backoff::seconds(i64::from(rests), &context.environment).min(PROBE) * 1000;
    match app.breaker.record(remedy, context.now_ms(), wait) {
        Transition::Unchanged => {}
        Transition::Opened => {
            context.reading.rest(true);
            context.raise(AlertKind::MarketplaceUnreachable.about(""));
        }
        Transition::Closed => {
            context.reading.rest(false);
            context.wakeups.orders.notify_one();
            context.wakeups.uploads.notify_one();
            tracing::info!("the marketplace answers again");
        }
        Transition::CredentialsRefused => {
            context.reading.rest(true);
            let configuration = app.marketplace.as_ref().map(|m| fingerprint(m, context));
            match app.writer.write(PutPause { configuration }).await {
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
