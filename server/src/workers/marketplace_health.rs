//! Follows what other servers and operators say of the marketplace's credentials in the database.

use std::sync::Arc;
use std::time::Duration;

use super::idle::Shutdown;
use crate::app::{App, marketplace_health};
use crate::outbound::marketplace::Marketplace;

/// How often the database is asked.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(5);

pub(super) async fn run(app: App, marketplace: Arc<Marketplace>, mut shutdown: Shutdown) {
    loop {
        tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(FOLLOW_INTERVAL) => {}
        }
        marketplace_health::follow(&app, &marketplace).await;
    }
}
