//! Deletes old rows once a minute, a few at a time.

use std::time::Duration;

use tokio::sync::Notify;

use super::idle::{Shutdown, rest};
use crate::app::App;
use crate::app::retention::{Sweep, SweepHistory};

const SWEEP_INTERVAL: Duration = Duration::from_mins(1);

pub(super) async fn run(app: App, mut shutdown: Shutdown) {
    let nobody = Notify::new();
    loop {
        while let Ok(true) = app.writer.write(Sweep).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        while let Ok(swept) = app.writer.write(SweepHistory(app.retention)).await {
            for (what, rows) in [
                ("audit", swept.links),
                ("upload_file", swept.files),
                ("upload", swept.uploads),
                ("instance_orders", swept.orders),
            ] {
                metrics::counter!("licd_swept_total", "what" => what).increment(rows);
            }
            if !swept.any() || *shutdown.borrow() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if rest(&nobody, &mut shutdown, SWEEP_INTERVAL).await {
            return;
        }
    }
}
