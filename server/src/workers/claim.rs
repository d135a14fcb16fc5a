//! Claims jobs of the queues that speak to the marketplace, as far as the circuit breaker lets them,
//! and writes down how they ended.

use std::time::Duration;

use super::idle::Shutdown;
use crate::app::App;
use crate::app::command::Command;
use crate::outbound::circuit_breaker::Permit;
use crate::store::StoreError;

/// Takes up to `free` jobs of a queue that speaks to the marketplace, as far as the gate lets it.
pub(super) async fn claim<C, J>(app: &App, free: usize, command: impl FnOnce(i64) -> C) -> Vec<J>
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

/// Writes down how an attempt ended, again and again while the database cannot be written: until
/// then it stays in flight, and after a crash it is taken up again.
pub(super) async fn finish<C: Command<Error = StoreError> + Clone>(
    app: &App,
    command: C,
    shutdown: &Shutdown,
) -> Option<C::Output> {
    loop {
        match app.writer.write(command.clone()).await {
            Ok(answer) => return Some(answer),
            Err(error) => {
                tracing::error!(error = %error, "the outcome of a request could not be written down");
            }
        }
        if *shutdown.borrow() {
            return None;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
