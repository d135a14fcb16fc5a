//! Whether the database can be written: known from what was written last, and tried while it could
//! not be.

use super::App;
use super::command::Command;
use super::transaction::UnitOfWork;
use crate::store::{StoreError, Tx};

const NAME: &str = "probe";
/// A few bytes fit where no license does.
const BYTES: usize = 64 * 1024;

/// Needs room, or gives it back.
pub(crate) struct Probe {
    pub(crate) fill: bool,
}

impl Command for Probe {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
        let mut filling = None;
        if self.fill {
            // Random: nothing that a database could store in less.
            let bytes = filling.insert(vec![0; BYTES]);
            work.context.environment.entropy.fill(bytes);
        }
        tx.put_meta(NAME, filling.as_deref()).await
    }
}

/// Tries whether there is room again, if there was none.
pub(crate) async fn probe(app: &App) {
    if app.context.unwritable().is_none() {
        return;
    }
    if app.writer.write(Probe { fill: true }).await.is_ok() {
        app.context.set_unwritable(None);
        let _ = app.writer.write(Probe { fill: false }).await;
        tracing::info!("the database can be written again");
    }
}
