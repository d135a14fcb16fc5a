//! Supervises the background workers: queues to the marketplace, alerts, pending applications,
//! retention, gauges. All of them go on after a crash from what the database holds.

mod alerts;
mod claim;
mod gauges;
mod idle;
mod leased_jobs;
mod notices;
mod orders;
mod pending;
mod refund_warnings;
mod retention;
pub(crate) mod uploads;
mod usage;

use std::pin::Pin;
use std::sync::Arc;

use tokio::task::{JoinHandle, JoinSet};

use idle::MAX_IDLE;
pub(crate) use idle::Shutdown;

use crate::alerts::AlertKind;
use crate::app::App;
use crate::outbound::marketplace::Marketplace;

/// Starts everything that runs in the background, until `shutdown` turns true.
#[expect(clippy::needless_pass_by_value, reason = "each worker has its own receiver")]
pub(crate) fn start(app: &App, shutdown: Shutdown) -> Vec<JoinHandle<()>> {
    let mut workers = vec![
        supervise("alert_queue", app, &shutdown, alerts::store),
        supervise("alerts", app, &shutdown, alerts::deliver),
        supervise("refunds", app, &shutdown, refund_warnings::run),
        supervise("settle", app, &shutdown, pending::run),
        supervise("sweep", app, &shutdown, retention::run),
        supervise("numbers", app, &shutdown, gauges::run),
    ];
    let Some(marketplace) = &app.marketplace else {
        app.context.order_lookups.rest(true);
        app.context.raise(AlertKind::MarketplaceNotConfigured.about(""));
        return workers;
    };
    for (name, run) in [
        ("orders", orders::run as QueueWorker),
        ("notices", notices::run as QueueWorker),
        ("uploads", uploads::run as QueueWorker),
        ("usage", usage::run as QueueWorker),
    ] {
        let marketplace = marketplace.clone();
        workers.push(supervise(name, app, &shutdown, move |app, shutdown| {
            run(app, marketplace.clone(), shutdown)
        }));
    }
    workers
}

/// A worker of one of the marketplace's queues.
type QueueWorker = fn(App, Arc<Marketplace>, Shutdown) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts a worker, and starts it again should it panic: no fault in one job stops all others.
fn supervise<F>(
    name: &'static str,
    app: &App,
    shutdown: &Shutdown,
    run: impl Fn(App, Shutdown) -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (app, shutdown) = (app.clone(), shutdown.clone());
    tokio::spawn(async move {
        // A set ends its tasks when it is dropped, so the worker never outlives its keeper.
        let mut running = JoinSet::new();
        loop {
            running.spawn(run(app.clone(), shutdown.clone()));
            if let Some(Ok(())) | None = running.join_next().await {
                return;
            }
            app.context.raise(AlertKind::WorkerFailed.about(name).with("worker", name));
            tokio::time::sleep(MAX_IDLE).await;
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::watch;

    use super::*;
    use crate::app::tests::fixture::Fixture;

    #[tokio::test]
    async fn a_worker_that_fails_starts_again() {
        let fixture = Fixture::bare().await;
        let starts = Arc::new(AtomicU32::new(0));
        let counted = starts.clone();
        let (_stop, shutdown) = watch::channel(false);
        let worker = supervise("test", &fixture.app, &shutdown, move |_, _| {
            let start = counted.fetch_add(1, Ordering::SeqCst);
            async move { assert!(start > 0, "the first start fails") }
        });
        worker.await.unwrap();
        assert_eq!(starts.load(Ordering::SeqCst), 2);
    }
}
