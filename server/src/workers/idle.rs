//! How a worker sleeps: until it is woken, until it is time to look, or until the process stops.

use std::time::Duration;

use tokio::sync::{Notify, watch};

/// How long a worker sleeps at most: work that came without a wake-up is found by looking.
pub(super) const MAX_IDLE: Duration = Duration::from_secs(1);
/// Turns true when the process is to stop.
pub(crate) type Shutdown = watch::Receiver<bool>;

/// Sleeps until the wakeup rings, something may be due, or the process stops; true to stop.
pub(super) async fn rest(wakeup: &Notify, shutdown: &mut Shutdown, longest: Duration) -> bool {
    wait(wakeup, shutdown, longest).await == WakeReason::Stopping
}

/// Why a worker no longer sleeps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum WakeReason {
    /// The process stops.
    Stopping,
    /// There is something to do.
    Notified,
    /// It is time to look.
    Elapsed,
}

/// Sleeps at most `longest`.
pub(super) async fn wait(
    wakeup: &Notify,
    shutdown: &mut Shutdown,
    longest: Duration,
) -> WakeReason {
    tokio::select! {
        _ = shutdown.wait_for(|stop| *stop) => WakeReason::Stopping,
        () = wakeup.notified() => WakeReason::Notified,
        () = tokio::time::sleep(longest) => WakeReason::Elapsed,
    }
}
