//! `releaseInstance`: ends the instance for good and revokes its licenses.

use koogallery::call::ReleaseInstance as Call;
use koogallery::{Answer, Rejection, ResultCode};

use super::preconditions::{first_use, test_effect};
use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::command::{Command, Failed};
use crate::app::issuance::reevaluate;
use crate::app::transaction::UnitOfWork;
use crate::store::{Footprint, Instance, InstanceState, ListKey, StoreError, Tx};

/// 释放实例.
pub(crate) struct ReleaseInstance {
    pub(crate) call: Call,
    pub(crate) nonce: Vec<u8>,
}

impl Command for ReleaseInstance {
    type Output = Answer;
    type Error = Failed<Rejection>;

    fn footprint(&self, footprint: &mut Footprint) {
        if !self.call.test {
            footprint.instance(&self.call.instance_id);
        }
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Answer, Failed<Rejection>> {
        let call = &self.call;
        if call.test {
            return test_effect(tx, work, &call.instance_id, &self.nonce).await;
        }
        // A second release is a success as well: the first answer may have been lost.
        let Some(mut instance) = tx.instance(&call.instance_id).await? else {
            return Ok(Answer::of(ResultCode::InstanceUnknown));
        };
        first_use(tx, work, &self.nonce).await?;

        if instance.state != InstanceState::Released {
            give_back(tx, work, &mut instance).await?;
        }
        Ok(Answer::success())
    }
}

/// Ends an instance for good, and revokes its licenses.
pub(crate) async fn give_back(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    instance: &mut Instance,
) -> Result<(), StoreError> {
    let now = work.now.as_secs();
    tx.put_instance_state(&instance.id, InstanceState::Released, now).await?;
    instance.state = InstanceState::Released;
    if tx.release_licenses(&instance.id, now).await? > 0 {
        tx.mark_list(&ListKey::revocation()).await?;
    }
    let released = AuditEntry::new("instance.release", &Actor::Marketplace);
    work.audit(released.about("instance", &instance.id));
    reevaluate(tx, work, instance, None).await?;
    Ok(())
}
