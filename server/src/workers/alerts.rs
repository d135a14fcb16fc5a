//! Stores queued alerts, and delivers stored ones to a webhook and a program until they were taken or
//! the attempts are used up.

use super::claim::finish;
use super::idle::{MAX_IDLE, Shutdown, rest};
use super::leased_jobs::LeasedJobs;
use crate::app::App;
use crate::app::alerts::raise::targets;
use crate::app::alerts::{
    AlertMessage, ClaimDeliveries, FinishDelivery, RenewDeliveries, StoreAlerts,
};
use crate::outbound::backoff;
use crate::store::AlertTarget;
use crate::store::Queue;

/// Deliveries at the same time.
const MAX_DELIVERIES: usize = 4;
/// Attempts at one delivery: with the pauses between them about three hours.
const MAX_ATTEMPTS: i64 = 40;

/// Stores the alerts that were raised outside of a transaction.
pub(super) async fn store(app: App, mut shutdown: Shutdown) {
    let queue = &app.context.alerts;
    loop {
        let alerts = queue.take();
        if !alerts.is_empty() {
            let stored = app.writer.write(StoreAlerts { alerts: alerts.clone() }).await;
            if let Err(error) = stored {
                // Without the field `alert`, and not raised: it would only join the queue.
                tracing::error!(error = %error, "alerts could not be stored");
                queue.put_back(alerts);
                tokio::time::sleep(MAX_IDLE).await;
            }
        }
        if *shutdown.borrow() || rest(&queue.wakeup, &mut shutdown, MAX_IDLE).await {
            return;
        }
    }
}

/// Delivers stored alerts to the configured receivers.
pub(super) async fn deliver(app: App, mut shutdown: Shutdown) {
    if targets(&app.context).is_empty() {
        return;
    }
    let mut jobs = LeasedJobs::new();
    loop {
        if let Some(held) = jobs.renewal_due() {
            keep(&app, held).await;
        }
        let taken = take(&app, MAX_DELIVERIES - jobs.count()).await;
        if taken.is_empty() {
            tokio::select! {
                stop = rest(&app.context.wakeups.alerts, &mut shutdown, MAX_IDLE) => if stop { break },
                true = jobs.ended() => {}
            }
            continue;
        }
        for message in taken {
            let id = message.row.id.clone();
            jobs.start(id, send(app.clone(), shutdown.clone(), message));
        }
        if *shutdown.borrow() {
            break;
        }
    }
    while jobs.ended().await {}
}

/// Renews the leases of deliveries under way, and takes over those of servers that died.
async fn keep(app: &App, held: Vec<String>) {
    let kept = async {
        let in_flight = app.store.read().await?.in_flight(Queue::AlertDeliveries).await?;
        // An idle server leaves the writer alone.
        if in_flight == 0 { Ok(0) } else { app.writer.write(RenewDeliveries { held }).await }
    };
    if let Err(error) = kept.await {
        tracing::error!(error = %error, "deliveries of alerts cannot be held");
    }
}

async fn take(app: &App, free: usize) -> Vec<AlertMessage> {
    let next = async { app.store.read().await?.next_delivery(&targets(&app.context)).await };
    let due = |at: i64| at <= app.context.now().as_secs();
    if free == 0 || !next.await.ok().flatten().is_some_and(due) {
        return Vec::new();
    }
    let limit = i64::try_from(free).unwrap_or(1);
    app.writer.write(ClaimDeliveries { limit }).await.unwrap_or_else(|error| {
        tracing::error!(error = %error, "alerts cannot be taken from the queue");
        Vec::new()
    })
}

/// A failure is logged but not raised: the alert about it would go the same way.
async fn send(app: App, shutdown: Shutdown, message: AlertMessage) {
    let AlertMessage { row, body } = message;
    let now = app.context.now().as_secs();
    let outcome = match row.target {
        AlertTarget::Webhook => app.context.notifier.post(body, now).await,
        AlertTarget::Command => app.context.notifier.run(&body).await,
    };
    let target = row.target.as_str();
    let result = if outcome.is_ok() { "ok" } else { "failed" };
    metrics::counter!("licd_alert_deliveries_total", "target" => target, "result" => result)
        .increment(1);

    let next_at = (row.attempts < MAX_ATTEMPTS).then(|| {
        app.context.now().as_secs() + backoff::seconds(row.attempts, &app.context.environment)
    });
    match &outcome {
        Ok(()) => tracing::info!(target, attempts = row.attempts, "an alert was delivered"),
        Err(error) if next_at.is_some() => tracing::warn!(
            target,
            attempts = row.attempts,
            error,
            "an alert could not be delivered; it is tried again"
        ),
        Err(error) => tracing::error!(
            target,
            attempts = row.attempts,
            error,
            "an alert could not be delivered and is given up: see `licctl alert list`"
        ),
    }
    finish(&app, FinishDelivery { id: row.id, outcome, next_at }, &shutdown).await;
}
