//! Finds out whether the database can be written again after a write failed for lack of room.

use super::App;
use super::command::Command;
use super::transaction::UnitOfWork;
use crate::store::{StoreError, Tx};

const PROBE_META_KEY: &str = "probe";
/// A few bytes fit where no license does.
const FILL_BYTES: usize = 64 * 1024;

/// Needs room, or gives it back.
pub(crate) struct ProbeWrite {
    pub(crate) fill: bool,
}

impl Command for ProbeWrite {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
        let mut filling = None;
        if self.fill {
            // Random: nothing that a database could store in less.
            let bytes = filling.insert(vec![0; FILL_BYTES]);
            work.context.environment.entropy.fill(bytes);
        }
        tx.put_meta(PROBE_META_KEY, filling.as_deref()).await
    }
}

/// Tries whether there is room again, if there was none.
pub(crate) async fn probe(app: &App) {
    if app.context.unwritable().is_none() {
        return;
    }
    if app.writer.write(ProbeWrite { fill: true }).await.is_ok() {
        app.context.set_unwritable(None);
        let _ = app.writer.write(ProbeWrite { fill: false }).await;
        tracing::info!("the database can be written again");
    }
}
