//! Stores queued alerts, and delivers stored ones to a webhook and a program until they were taken or
//! the attempts are used up.

use tokio::sync::Notify;

use super::idle::{MAX_IDLE, Shutdown, rest};
use super::queue::{JobQueue, finish, serve};
use crate::app::App;
use crate::app::alerts::raise::targets;
use crate::app::alerts::{AlertMessage, ClaimDeliveries, FinishDelivery, StoreAlerts};
use crate::outbound::backoff;
use crate::store::{AlertTarget, Queue, StoreError};

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
pub(super) async fn deliver(app: App, shutdown: Shutdown) {
    if !targets(&app.context).is_empty() {
        serve(DeliveryQueue(app), shutdown).await;
    }
}

/// The queue of alerts to be delivered.
#[derive(Clone)]
struct DeliveryQueue(App);

impl JobQueue for DeliveryQueue {
    type Job = AlertMessage;

    const QUEUE: Queue = Queue::AlertDeliveries;
    const JOBS: (&'static str, &'static str) = ("deliveries of alerts", "are");
    const MAX_JOBS: usize = 4;

    fn app(&self) -> &App {
        &self.0
    }

    fn wakeup(&self) -> &Notify {
        &self.0.context.wakeups.alerts
    }

    async fn claim(&self, limit: usize) -> Vec<AlertMessage> {
        let limit = i64::try_from(limit).unwrap_or(1);
        self.0.writer.write(ClaimDeliveries { limit }).await.unwrap_or_else(|error| {
            tracing::error!(error = %error, "alerts cannot be taken from the queue");
            Vec::new()
        })
    }

    fn ids(job: &AlertMessage) -> Vec<String> {
        vec![job.row.id.clone()]
    }

    async fn run(self, job: AlertMessage, shutdown: Shutdown) {
        send(self.0, shutdown, job).await;
    }

    async fn next_due(&self) -> Result<Option<i64>, StoreError> {
        let targets = targets(&self.0.context);
        self.0.store.read().await?.next_delivery(&targets).await
    }
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
