//! Write commands of the login flow: consume the state, store the result until it is redeemed.

use koogallery::oauth::UserInfo;
use license_core::{Timestamp, api};
use serde_json::Value;

use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::command::Command;
use crate::app::context::Context;
use crate::app::transaction::UnitOfWork;
use crate::store::{KitDoor, StoreError, Tx};

/// How long the seller's server may take to ask.
const REDEEM_TIMEOUT: i64 = 120;
const SEAL_PURPOSE: &str = "login";

/// Remembers a state as long as it could be used again.
pub(crate) struct UseState {
    pub(crate) digest: Vec<u8>,
    pub(crate) expires: i64,
}

impl Command for UseState {
    /// Whether it is the first time.
    type Output = bool;
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, _: &mut UnitOfWork<'_>) -> Result<bool, StoreError> {
        tx.add_nonce(&self.digest, self.expires + 1).await
    }
}

/// Stores who logged in, sealed: it is a person's data.
pub(crate) struct StoreLogin {
    pub(crate) digest: Vec<u8>,
    pub(crate) door: KitDoor,
    pub(crate) user: UserInfo,
}

impl Command for StoreLogin {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
        let synced = match &self.user.user_name {
            Some(name) => tx.kit_user(&self.door, name).await?,
            None => None,
        };
        let view = api::LoginView {
            application: api::LoginApplication {
                instance_id: self.door.instance_id.clone().into(),
                tenant_id: self.door.tenant_id.clone(),
                app_id: self.door.app_id.clone(),
            },
            user: Value::Object(self.user.raw.clone()),
            synced: synced.map(|user| api::SyncedUser { role: user.role, enabled: user.enabled }),
            logged_in_at: Timestamp::from_secs(work.now.as_secs()),
        };
        let plain =
            serde_json::to_vec(&view).map_err(|error| StoreError::Broken(error.to_string()))?;
        let sealed = work.context.secret.seal(work.context.random(), SEAL_PURPOSE, &plain);
        // The tenant and the application, never the person.
        let kept =
            AuditEntry::new("login.keep", &Actor::Server).about("instance", &self.door.instance_id);
        let kept = kept.about("tenant", &self.door.tenant_id);
        work.audit(kept.about("application", &self.door.app_id));
        tx.add_login(&self.digest, &sealed, work.now.as_secs() + REDEEM_TIMEOUT).await
    }
}

/// Opens what was kept.
pub(super) fn open(context: &Context, sealed: &[u8]) -> Option<api::LoginView> {
    serde_json::from_slice(&context.secret.unseal(SEAL_PURPOSE, sealed)?).ok()
}

/// Takes the result of a login out of the database, once.
pub(crate) struct RedeemLogin {
    pub(crate) digest: Vec<u8>,
    pub(crate) by: Actor,
}

impl Command for RedeemLogin {
    type Output = Option<Vec<u8>>;
    type Error = StoreError;

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, StoreError> {
        let taken = tx.take_login(&self.digest, work.now.as_secs()).await?;
        if taken.is_some() {
            work.audit(AuditEntry::new("login.redeem", &self.by));
        }
        Ok(taken)
    }
}
