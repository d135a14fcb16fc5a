//! What runs in the background: asking the marketplace for orders, sending licenses, judging kept
//! applications again, forgetting what is old. All of it starts again after a crash from what the
//! database holds.

mod alerts;
mod clock_change;
mod gauges;
mod idle;
mod leased_jobs;
mod marketplace_health;
mod notices;
mod orders;
mod pending;
mod queue;
mod refund_warnings;
mod retention;
mod uploads;
mod usage;

use std::sync::Arc;

use tokio::task::{JoinHandle, JoinSet};

use idle::MAX_IDLE;
pub(crate) use idle::Shutdown;
use notices::NoticeQueue;
use orders::OrderQueue;
use queue::{JobQueue, serve};
use uploads::UploadQueue;
use usage::UsageQueue;

use crate::alerts::AlertKind;
use crate::app::App;
use crate::outbound::marketplace::Marketplace;

/// Starts everything that runs in the background, until `shutdown` turns true.
#[expect(clippy::needless_pass_by_value, reason = "each worker has its own receiver")]
pub(crate) fn start(app: &App, shutdown: Shutdown) -> Vec<JoinHandle<()>> {
    let mut workers = vec![
        keep("alert_queue", app, &shutdown, alerts::store),
        keep("alerts", app, &shutdown, alerts::deliver),
        keep("refunds", app, &shutdown, refund_warnings::run),
        keep("settle", app, &shutdown, pending::run),
        keep("sweep", app, &shutdown, retention::run),
        keep("numbers", app, &shutdown, gauges::run),
        keep("clock_change", app, &shutdown, clock_change::run),
    ];
    let Some(marketplace) = &app.marketplace else {
        app.context.order_lookups.rest(true);
        app.context.raise(AlertKind::MarketplaceNotConfigured.about(""));
        return workers;
    };
    let queue = |name| QueueStart { name, app, marketplace, shutdown: &shutdown };
    workers.push(queue("orders").start(|app, marketplace| OrderQueue { app, marketplace }));
    workers.push(queue("notices").start(|app, marketplace| NoticeQueue { app, marketplace }));
    workers.push(queue("uploads").start(|app, marketplace| UploadQueue { app, marketplace }));
    workers.push(queue("usage").start(|app, marketplace| UsageQueue { app, marketplace }));
    let marketplace = Arc::clone(marketplace);
    workers.push(keep("marketplace_health", app, &shutdown, move |app, shutdown| {
        marketplace_health::run(app, Arc::clone(&marketplace), shutdown)
    }));
    workers
}

/// What the worker of a queue that speaks to the marketplace is started with.
struct QueueStart<'a> {
    name: &'static str,
    app: &'a App,
    marketplace: &'a Arc<Marketplace>,
    shutdown: &'a Shutdown,
}

impl QueueStart<'_> {
    fn start<Q: JobQueue>(
        self,
        queue: impl Fn(App, Arc<Marketplace>) -> Q + Send + 'static,
    ) -> JoinHandle<()> {
        let marketplace = Arc::clone(self.marketplace);
        keep(self.name, self.app, self.shutdown, move |app, shutdown| {
            serve(queue(app, Arc::clone(&marketplace)), shutdown)
        })
    }
}

/// Starts a worker, and starts it again should it panic: no fault in one job stops all others.
fn keep<F>(
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
        let worker = keep("test", &fixture.app, &shutdown, move |_, _| {
            let start = counted.fetch_add(1, Ordering::SeqCst);
            async move { assert!(start > 0, "the first start fails") }
        });
        worker.await.unwrap();
        assert_eq!(starts.load(Ordering::SeqCst), 2);
    }
}
