//! Checks every 5 s for orders that are about to be refunded.

use std::time::Duration;

use koogallery::retry::REFUND;
use tokio::sync::Notify;

use super::idle::{Shutdown, rest};
use crate::app::App;
use crate::app::refund_warnings::{V1_EXTRA_TIME, WarnRefunds};
use crate::store::StoreError;

const CHECK_INTERVAL: Duration = Duration::from_secs(5);

pub(super) async fn run(app: App, mut shutdown: Shutdown) {
    let nobody = Notify::new();
    loop {
        if let Err(error) = look(&app).await {
            tracing::error!(error = %error, "orders that wait cannot be looked at");
        }
        if rest(&nobody, &mut shutdown, CHECK_INTERVAL).await {
            return;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge need not tell 2^53 from its neighbour")]
async fn look(app: &App) -> Result<(), StoreError> {
    let now = app.context.now().as_secs();
    let due = {
        let mut tx = app.store.read().await?;
        let (unread, oldest) = tx.unread_orders(V1_EXTRA_TIME).await?;
        let left = oldest.map_or(REFUND.lasts, |oldest| REFUND.left(oldest, now));
        metrics::gauge!("licd_orders", "state" => "unread").set(unread as f64);
        metrics::gauge!("licd_refund_seconds_left").set(left as f64);
        unread > 0 && WarnRefunds::is_due(&mut *tx, now).await?
    };
    if due {
        app.writer.write(WarnRefunds).await?;
    }
    Ok(())
}
