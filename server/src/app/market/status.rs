//! `updateInstanceStatus`: freezes and unfreezes the instance and its licenses.

use koogallery::call::{Status, UpdateInstanceStatus};
use koogallery::{Answer, Rejection};

use super::preconditions::{first_use, live, test_effect};
use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::command::{Command, Failed};
use crate::app::issuance::reevaluate;
use crate::app::transaction::UnitOfWork;
use crate::store::{Footprint, Instance, InstanceState, ListKey, StoreError, Tx};

/// 更新实例状态.
pub(crate) struct SetInstanceStatus {
    pub(crate) call: UpdateInstanceStatus,
    pub(crate) nonce: Vec<u8>,
}

impl Command for SetInstanceStatus {
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
        let mut instance = live(tx, &call.instance_id).await?;
        first_use(tx, work, &self.nonce).await?;

        put_status(tx, work, &mut instance, call.status).await?;
        Ok(Answer::success())
    }
}

/// Stops an instance, or lets it go again, and its licenses with it.
pub(crate) async fn put_status(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    instance: &mut Instance,
    status: Status,
) -> Result<(), StoreError> {
    let now = work.now.as_secs();
    let (state, listed) = match status {
        Status::Freeze => (InstanceState::Frozen, tx.freeze_licenses(&instance.id, now).await?),
        Status::Unfreeze => (InstanceState::Active, tx.unfreeze_licenses(&instance.id, now).await?),
    };
    if listed > 0 {
        tx.mark_list(&ListKey::revocation()).await?;
    }
    if instance.state != state || listed > 0 {
        let set = AuditEntry::new("instance.status", &Actor::Marketplace).outcome(state.as_str());
        work.audit(set.about("instance", &instance.id));
    }
    if instance.state != InstanceState::Active || state != InstanceState::Active {
        // Said once more it is another reason: what the end had stopped no renewal lets go.
        tx.put_instance_state(&instance.id, state, now).await?;
        instance.state = state;
    }
    reevaluate(tx, work, instance, None).await?;
    Ok(())
}
