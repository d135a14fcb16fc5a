//! Judges kept applications again where something changed for many at once.

use super::{LOOK, Shutdown, rest};
use crate::desk::{Desk, SettleInstance};
use crate::store::StoreError;

/// Instances of one look.
const AT_ONCE: i64 = 100;

pub(super) async fn run(desk: Desk, mut shutdown: Shutdown) {
    loop {
        match round(&desk).await {
            Ok(true) => {}
            Ok(false) => {
                if rest(&desk.context.bells.settle, &mut shutdown, LOOK).await {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(error = %error, "kept applications cannot be judged");
                if rest(&desk.context.bells.settle, &mut shutdown, LOOK).await {
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
async fn round(desk: &Desk) -> Result<bool, StoreError> {
    let due = desk.store.read().await?.instances_to_judge(AT_ONCE).await?;
    for instance in &due {
        let mut after = None;
        loop {
            let case = SettleInstance { instance: instance.clone(), after };
            after = desk.writer.write(case).await?;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(!due.is_empty())
}
