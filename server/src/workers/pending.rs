//! Evaluates pending applications again where something changed for many at once.

use super::idle::{MAX_IDLE, Shutdown, rest};
use crate::app::App;
use crate::app::issuance::ReevaluatePending;
use crate::store::StoreError;

/// Instances of one look.
const MAX_INSTANCES: i64 = 100;

pub(super) async fn run(app: App, mut shutdown: Shutdown) {
    loop {
        match round(&app).await {
            Ok(true) => {}
            Ok(false) => {
                if rest(&app.context.wakeups.pending, &mut shutdown, MAX_IDLE).await {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(error = %error, "kept applications cannot be judged");
                if rest(&app.context.wakeups.pending, &mut shutdown, MAX_IDLE).await {
                    return;
                }
            }
        }
        if *shutdown.borrow() {
            return;
        }
    }
}

/// One look; whether there was anything to do.
async fn round(app: &App) -> Result<bool, StoreError> {
    let due = app.store.read().await?.instances_to_judge(MAX_INSTANCES).await?;
    for instance in &due {
        let mut after = None;
        loop {
            let command = ReevaluatePending { instance: instance.clone(), after };
            after = app.writer.write(command).await?;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(!due.is_empty())
}
