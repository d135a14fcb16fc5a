//! What runs in the background: asking the marketplace for orders, sending licenses, judging kept
//! applications again, forgetting what is old. All of it starts again after a crash from what the
//! database holds.

mod delay;
mod flight;
mod gate;
mod marketplace;
mod numbers;
mod orders;
mod settle;
mod sweep;
mod uploads;

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use gate::Gate;
pub(crate) use marketplace::Marketplace;

use crate::desk::Desk;

/// How long a worker sleeps at most: what a bell did not tell is found by looking.
const LOOK: Duration = Duration::from_secs(1);

/// Turns true when the process is to stop.
pub(crate) type Shutdown = watch::Receiver<bool>;

impl Desk {
    /// Starts everything that runs in the background, until `shutdown` turns true.
    pub(crate) fn start_workers(&self, shutdown: Shutdown) -> Vec<JoinHandle<()>> {
        let mut workers = vec![
            tokio::spawn(settle::run(self.clone(), shutdown.clone())),
            tokio::spawn(sweep::run(self.clone(), shutdown.clone())),
            tokio::spawn(numbers::run(self.clone(), shutdown.clone())),
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
        if self.gate.is_closed() {
            alert_closed();
        }
        let orders = orders::run(self.clone(), marketplace.clone(), shutdown.clone());
        let uploads = uploads::run(self.clone(), marketplace.clone(), shutdown);
        workers.extend([tokio::spawn(orders), tokio::spawn(uploads)]);
        workers
    }
}

fn alert_closed() {
    tracing::error!(
        alert = "marketplace_credentials",
        "the marketplace refused koogallery.ak and koogallery.sk: nothing is sent until the \
         configuration changes, or an upload is retried by hand"
    );
}

/// Sleeps until the bell rings, something may be due, or the process stops; true to stop.
async fn rest(bell: &tokio::sync::Notify, shutdown: &mut Shutdown, longest: Duration) -> bool {
    tokio::select! {
        _ = shutdown.wait_for(|stop| *stop) => true,
        () = bell.notified() => false,
        () = tokio::time::sleep(longest) => false,
    }
}
