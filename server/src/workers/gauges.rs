//! Updates the backlog gauges every 5 s.

use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::idle::{Shutdown, rest};
use crate::app::App;
use crate::app::restore_hold::RESTORED;
use crate::app::write_probe;
use crate::store::StoreError;

const UPDATE_INTERVAL: Duration = Duration::from_secs(5);
/// Counting takes at most one part in so many of the time, however much there is to be counted.
const MAX_TIME_SHARE: u32 = 50;

pub(super) async fn run(app: App, mut shutdown: Shutdown) {
    let nobody = Notify::new();
    let mut next = Instant::now();
    loop {
        write_probe::probe(&app).await;
        let began = Instant::now();
        if began >= next {
            if let Err(error) = count(&app).await {
                tracing::debug!(error = %error, "the queues cannot be counted");
            }
            next = Instant::now() + began.elapsed() * MAX_TIME_SHARE;
        }
        if rest(&nobody, &mut shutdown, UPDATE_INTERVAL).await {
            return;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge need not tell 2^53 from its neighbour")]
async fn count(app: &App) -> Result<(), StoreError> {
    let now = app.context.now().as_secs();
    let mut tx = app.store.read().await?;
    let waits = tx.longest_wait().await?.map_or(0, |since| (now - since).max(0));
    metrics::gauge!("licd_license_wait_seconds").set(waits as f64);
    let (waiting, held) = tx.count_kept().await?;
    metrics::gauge!("licd_applications", "state" => "waiting").set(waiting as f64);
    metrics::gauge!("licd_applications", "state" => "held").set(held as f64);
    let (queued, failed, unclear) = tx.count_uploads().await?;
    metrics::gauge!("licd_uploads", "state" => "queued").set(queued as f64);
    metrics::gauge!("licd_uploads", "state" => "refused").set(failed as f64);
    metrics::gauge!("licd_uploads", "state" => "unclear").set(unclear as f64);
    let (queued, failed, unclear) = tx.count_usage().await?;
    metrics::gauge!("licd_usage_records", "state" => "queued").set(queued as f64);
    metrics::gauge!("licd_usage_records", "state" => "refused").set(failed as f64);
    metrics::gauge!("licd_usage_records", "state" => "unclear").set(unclear as f64);
    metrics::gauge!("licd_orders", "state" => "queued").set(tx.orders_queued().await? as f64);
    let restored = tx.meta(RESTORED).await?.is_some();
    metrics::gauge!("licd_restore_unconfirmed").set(f64::from(u8::from(restored)));
    metrics::gauge!("licd_marketplace_gate").set(f64::from(app.breaker.level()));
    Ok(())
}
