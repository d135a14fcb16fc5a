//! What runs in the background: asking the marketplace for orders, sending licenses, judging kept
//! applications again, forgetting what is old. All of it starts again after a crash from what the
//! database holds.

mod alerts;
mod centre;
mod codes;
mod delay;
mod flight;
mod gate;
mod marketplace;
mod notices;
mod numbers;
mod orders;
mod refunds;
mod settle;
mod sweep;
mod uploads;
mod usage;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

pub(crate) use centre::{Centres, Exchange, NobodyKnown};
pub(crate) use gate::{Gate, Permit};
pub(crate) use marketplace::Marketplace;

use crate::alarms::Alarms;
use crate::desk::{Desk, Queued, REFUSED_CREDENTIALS};

/// How long a worker sleeps at most: what a bell did not tell is found by looking.
const LOOK: Duration = Duration::from_secs(1);

/// Turns true when the process is to stop.
pub(crate) type Shutdown = watch::Receiver<bool>;

impl Desk {
    /// Starts everything that runs in the background, until `shutdown` turns true.
    #[expect(clippy::needless_pass_by_value, reason = "each worker has its own receiver")]
    pub(crate) fn start_workers(&self, shutdown: Shutdown) -> Vec<JoinHandle<()>> {
        let mut workers = vec![
            keep("alerts", self, &shutdown, alerts::deliver),
            keep("refunds", self, &shutdown, refunds::run),
            keep("settle", self, &shutdown, settle::run),
            keep("sweep", self, &shutdown, sweep::run),
            keep("numbers", self, &shutdown, numbers::run),
        ];
        let Some(marketplace) = &self.marketplace else {
            self.context.reading.rest(true);
            tracing::warn!(
                alert = "marketplace_not_configured",
                "koogallery.ak and koogallery.sk are not set: orders are not read and licenses \
                 are not uploaded; both wait in the database"
            );
            return workers;
        };
        for (name, run) in [
            ("orders", orders::run as Run),
            ("notices", notices::run as Run),
            ("uploads", uploads::run as Run),
            ("usage", usage::run as Run),
        ] {
            let marketplace = marketplace.clone();
            workers.push(keep(name, self, &shutdown, move |desk, shutdown| {
                run(desk, marketplace.clone(), shutdown)
            }));
        }
        workers
    }
}

impl Desk {
    /// Stores the alerts of the log, until `shutdown` turns true.
    #[expect(clippy::needless_pass_by_value, reason = "the worker keeps it for good")]
    pub(crate) fn gather_alarms(&self, alarms: Arc<Alarms>, shutdown: Shutdown) -> JoinHandle<()> {
        keep("alarms", self, &shutdown, move |desk, shutdown| {
            alerts::gather(desk, Arc::clone(&alarms), shutdown)
        })
    }
}

/// A worker of one of the marketplace's queues.
type Run = fn(Desk, Arc<Marketplace>, Shutdown) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts a worker, and starts it again should it panic: no fault in one job stops all others.
fn keep<F>(
    name: &'static str,
    desk: &Desk,
    shutdown: &Shutdown,
    run: impl Fn(Desk, Shutdown) -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (desk, shutdown) = (desk.clone(), shutdown.clone());
    tokio::spawn(async move {
        // A set ends its tasks when it is dropped, so the worker never outlives its keeper.
        let mut running = JoinSet::new();
        loop {
            running.spawn(run(desk.clone(), shutdown.clone()));
            if let Some(Ok(())) | None = running.join_next().await {
                return;
            }
            tracing::error!(
                alert = "worker_failed",
                worker = name,
                "a worker failed; it starts again"
            );
            tokio::time::sleep(LOOK).await;
        }
    })
}

fn alert_closed() {
    tracing::error!(alert = "marketplace_credentials", "{REFUSED_CREDENTIALS}");
}

/// Sleeps until the bell rings, something may be due, or the process stops; true to stop.
async fn rest(bell: &tokio::sync::Notify, shutdown: &mut Shutdown, longest: Duration) -> bool {
    wait(bell, shutdown, longest).await == Woken::ToStop
}

/// Takes up to `free` jobs of a queue that speaks to the marketplace, as far as the gate lets it.
async fn take<C, J>(desk: &Desk, free: usize, case: impl FnOnce(i64) -> C) -> Vec<J>
where
    C: Queued<Answer = Vec<J>>,
{
    let (limit, probing) = match desk.gate.permit(desk.context.now_ms()) {
        Permit::Go => (free, false),
        Permit::Probe => (1, true),
        Permit::Rest => return Vec::new(),
    };
    let limit = i64::try_from(limit).unwrap_or(1);
    let taken = desk.writer.write(case(limit)).await.unwrap_or_else(|error| {
        tracing::error!(error = %error, "nothing can be taken from a queue");
        Vec::new()
    });
    if taken.is_empty() && probing {
        desk.gate.unused();
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
async fn wait(bell: &tokio::sync::Notify, shutdown: &mut Shutdown, longest: Duration) -> Woken {
    tokio::select! {
        _ = shutdown.wait_for(|stop| *stop) => Woken::ToStop,
        () = bell.notified() => Woken::ByBell,
        () = tokio::time::sleep(longest) => Woken::ToLook,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::desk::tests::bench::Bench;

    #[tokio::test]
    async fn a_worker_that_fails_starts_again() {
        let bench = Bench::bare().await;
        let starts = Arc::new(AtomicU32::new(0));
        let counted = starts.clone();
        let (_stop, shutdown) = watch::channel(false);
        let worker = keep("test", &bench.desk, &shutdown, move |_, _| {
            let start = counted.fetch_add(1, Ordering::SeqCst);
            async move { assert!(start > 0, "the first start fails") }
        });
        worker.await.unwrap();
        assert_eq!(starts.load(Ordering::SeqCst), 2);
    }
}
