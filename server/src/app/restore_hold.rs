//! Holds uploads after a restore until an operator confirms it: which licenses the marketplace got
//! since the backup is not known here.

use license_core::{Timestamp, api};
use serde::Deserialize;

use super::App;
use super::audit::entry::{Actor, AuditEntry};
use super::command::Command;
use super::event::Event;
use super::transaction::UnitOfWork;
use crate::alerts::AlertKind;
use crate::error::ApiError;
use crate::store::{StoreError, Tx};

/// What `meta` holds from a restore until it is confirmed: JSON with the two times.
pub(crate) const RESTORED: &str = "restored";

#[derive(Deserialize)]
struct RestoreMark {
    backup_at: i64,
    restored_at: i64,
}

impl RestoreMark {
    async fn read(tx: &mut dyn Tx) -> Result<Option<Self>, StoreError> {
        let Some(bytes) = tx.meta(RESTORED).await? else { return Ok(None) };
        let read = serde_json::from_slice(&bytes);
        read.map(Some).map_err(|error| StoreError::Broken(error.to_string()))
    }

    #[expect(clippy::needless_pass_by_value, reason = "what was read is shown, and that is all")]
    fn view(restored: Option<Self>) -> api::RestoreView {
        let time = |at: fn(&Self) -> i64| restored.as_ref().map(at).map(Timestamp::from_secs);
        api::RestoreView {
            uploads_wait: restored.is_some(),
            backup_at: time(|restored| restored.backup_at),
            restored_at: time(|restored| restored.restored_at),
        }
    }
}

/// An operator says that uploads may go.
pub(crate) struct ConfirmRestore {
    pub(crate) by: Actor,
}

impl Command for ConfirmRestore {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
        if tx.meta(RESTORED).await?.is_some() {
            tx.put_meta(RESTORED, None).await?;
            work.audit(AuditEntry::new("restore.confirm", &self.by));
            work.publish(Event::RestoreConfirmed);
        }
        Ok(())
    }
}

/// Whether uploads wait because the database was restored.
pub(crate) async fn state(app: &App) -> Result<api::RestoreView, ApiError> {
    let mut tx = app.store.read().await?;
    Ok(RestoreMark::view(RestoreMark::read(&mut *tx).await?))
}

/// Lets uploads go; does nothing where none wait for it.
pub(crate) async fn confirm(app: &App) -> Result<api::RestoreView, ApiError> {
    app.writer.write(ConfirmRestore { by: Actor::caller() }).await?;
    state(app).await
}

/// Says at every start why nothing is sent.
pub(super) async fn remind(app: &App) -> Result<(), StoreError> {
    let mut tx = app.store.read().await?;
    if let Some(restored) = RestoreMark::read(&mut *tx).await? {
        let time = |at| Timestamp::from_secs(at).to_string();
        let alert = AlertKind::Restored.about("").with("backup_at", time(restored.backup_at));
        app.context.raise(alert.with("restored_at", time(restored.restored_at)));
    }
    Ok(())
}
