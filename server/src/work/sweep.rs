//! Forgets what is old, a little at a time.

use std::time::Duration;

use tokio::sync::Notify;

use super::{Shutdown, rest};
use crate::desk::{Desk, Sweep};

const PAUSE: Duration = Duration::from_mins(1);

pub(super) async fn run(desk: Desk, mut shutdown: Shutdown) {
    let nobody = Notify::new();
    loop {
        while let Ok(true) = desk.writer.write(Sweep).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if rest(&nobody, &mut shutdown, PAUSE).await {
            return;
        }
    }
}
