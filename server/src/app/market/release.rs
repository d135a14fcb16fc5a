//! `releaseInstance`: given back for good.

use koogallery::call::ReleaseInstance as Call;
use koogallery::{Answer, ResultCode};

use super::{first_use, test_effect};
use crate::app::audit::{By, Entry};
use crate::app::command::UseCase;
use crate::app::issuance::reevaluate;
use crate::app::transaction::UnitOfWork;
use crate::store::{Instance, InstanceState, ListKey, Locks, StoreError, Tx};

/// 释放实例.
pub(crate) struct ReleaseInstance {
    pub(crate) call: Call,
    pub(crate) nonce: Vec<u8>,
}

impl UseCase for ReleaseInstance {
    type Answer = Answer;

    fn locks(&self, locks: &mut Locks) {
        if !self.call.test {
            locks.instance(&self.call.instance_id);
        }
    }

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<Answer, StoreError> {
        let call = &self.call;
        if call.test {
            return test_effect(tx, work, &call.instance_id, &self.nonce).await;
        }
        // A second release is a success as well: the first answer may have been lost.
        let Some(mut instance) = tx.instance(&call.instance_id).await? else {
            return Ok(Answer::of(ResultCode::InstanceUnknown));
        };
        if let Err(replay) = first_use(tx, work, &self.nonce).await? {
            return Ok(replay);
        }

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
    let released = Entry::new("instance.release", &By::Marketplace);
    work.audit(released.about("instance", &instance.id));
    reevaluate(tx, work, instance, None).await?;
    Ok(())
}
