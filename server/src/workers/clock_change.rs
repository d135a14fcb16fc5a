//! Notices that the wall clock was set back, and has the queues forget due times of the clock that
//! was ahead.

use super::idle::{MAX_IDLE, Shutdown};
use crate::app::App;
use crate::app::clock_change::ClampDueTimes;

/// How far the clock has to go back before it counts, in seconds; less is waited for.
const MIN_STEP_BACK: i64 = 5;

pub(super) async fn run(app: App, mut shutdown: Shutdown) {
    let mut seen = app.context.now().as_secs();
    loop {
        let now = app.context.now().as_secs();
        if now < seen - MIN_STEP_BACK {
            clamp(&app, seen - now).await;
        }
        seen = now;
        tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(MAX_IDLE) => {}
        }
    }
}

async fn clamp(app: &App, seconds: i64) {
    match app.writer.write(ClampDueTimes).await {
        Ok(count) => tracing::warn!(seconds, count, "the clock was set back; the queues go on"),
        Err(error) => tracing::error!(error = %error, "the queues hold times of a wrong clock"),
    }
    let wakeups = &app.context.wakeups;
    for wakeup in
        [&wakeups.orders, &wakeups.uploads, &wakeups.usage, &wakeups.notices, &wakeups.alerts]
    {
        wakeup.notify_one();
    }
}
