//! What runs in the background: asking the marketplace for orders, sending licenses, judging kept
//! applications again, forgetting what is old. All of it starts again after a crash from what the
//! database holds.

mod alerts;
mod gauges;
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
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::alerts::AlertKind;
use crate::app::{App, Command};
use crate::outbound::circuit_breaker::Permit;
use crate::outbound::marketplace::Marketplace;
use crate::store::StoreError;

/// How long a worker sleeps at most: what a wakeup did not tell is found by looking.
const LOOK: Duration = Duration::from_secs(1);

/// Turns true when the process is to stop.
pub(crate) type Shutdown = watch::Receiver<bool>;

impl App {
    /// Starts everything that runs in the background, until `shutdown` turns true.
    #[expect(clippy::needless_pass_by_value, reason = "each worker has its own receiver")]
    pub(crate) fn start_workers(&self, shutdown: Shutdown) -> Vec<JoinHandle<()>> {
        let mut workers = vec![
            keep("alert_queue", self, &shutdown, alerts::store),
            keep("alerts", self, &shutdown, alerts::deliver),
            keep("refunds", self, &shutdown, refund_warnings::run),
            keep("settle", self, &shutdown, pending::run),
            keep("sweep", self, &shutdown, retention::run),
            keep("numbers", self, &shutdown, gauges::run),
        ];
        let Some(marketplace) = &self.marketplace else {
            self.context.reading.rest(true);
            self.context.raise(AlertKind::MarketplaceNotConfigured.about(""));
            return workers;
        };
        for (name, run) in [
            ("orders", orders::run as Run),
            ("notices", notices::run as Run),
            ("uploads", uploads::run as Run),
            ("usage", usage::run as Run),
        ] {
            let marketplace = marketplace.clone();
            workers.push(keep(name, self, &shutdown, move |app, shutdown| {
                run(app, marketplace.clone(), shutdown)
            }));
        }
        workers
    }
}

/// A worker of one of the marketplace's queues.
type Run = fn(App, Arc<Marketplace>, Shutdown) -> Pin<Box<dyn Future<Output = ()> + Send>>;

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
            tokio::time::sleep(LOOK).await;
        }
    })
}

/// Sleeps until the wakeup rings, something may be due, or the process stops; true to stop.
async fn rest(wakeup: &tokio::sync::Notify, shutdown: &mut Shutdown, longest: Duration) -> bool {
    wait(wakeup, shutdown, longest).await == Woken::ToStop
}

/// Takes up to `free` jobs of a queue that speaks to the marketplace, as far as the gate lets it.
async fn take<C, J>(app: &App, free: usize, command: impl FnOnce(i64) -> C) -> Vec<J>
where
    C: Command<Output = Vec<J>, Error = StoreError>,
{
    let (limit, probing) = match app.breaker.permit(app.context.now_ms()) {
        Permit::Go => (free, false),
        Permit::Probe => (1, true),
        Permit::Rest => return Vec::new(),
    };
    let limit = i64::try_from(limit).unwrap_or(1);
    let taken = app.writer.write(command(limit)).await.unwrap_or_else(|error| {
        tracing::error!(error = %error, "nothing can be taken from a queue");
        Vec::new()
    });
    if taken.is_empty() && probing {
        app.breaker.cancel_probe();
    }
    taken
}

/// Why a worker no longer sleeps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Woken {
    /// The process stops.
    ToStop,
    /// There is something to do.
    ByBell,
    /// It is time to look.
    ToLook,
}

/// Sleeps at most `longest`.
async fn wait(wakeup: &tokio::sync::Notify, shutdown: &mut Shutdown, longest: Duration) -> Woken {
    tokio::select! {
        _ = shutdown.wait_for(|stop| *stop) => Woken::ToStop,
        () = wakeup.notified() => Woken::ByBell,
        () = tokio::time::sleep(longest) => Woken::ToLook,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

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
