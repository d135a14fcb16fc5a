//! `expireInstance` and `expireLicense`: the end of what was bought has come. It stops like a
//! freeze, but a renewal lets it go: this edition says nothing else when it was paid.

use koogallery::v1::ExpireInstance as Call;
use koogallery::{Answer, ResultCode};

use super::super::{first_use, live, test_effect};
use crate::app::audit::{By, Entry};
use crate::app::command::UseCase;
use crate::app::issuance::reevaluate;
use crate::app::transaction::UnitOfWork;
use crate::store::{InstanceState, ListKey, Locks, StoreError, Tx};

/// 过期.
pub(crate) struct ExpireInstance {
    pub(crate) call: Call,
    pub(crate) nonce: Vec<u8>,
}

impl UseCase for ExpireInstance {
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
        let Some(mut instance) = live(tx, &call.instance_id).await? else {
            return Ok(Answer::of(ResultCode::InstanceUnknown));
        };
        if let Err(replay) = first_use(tx, work, &self.nonce).await? {
            return Ok(replay);
        }

        let now = work.now.as_secs();
        if tx.expire_instance(&instance.id, now).await? {
            instance.state = InstanceState::Frozen;
            let set = Entry::new("instance.expire", &By::Marketplace);
            work.audit(set.about("instance", &instance.id));
            if tx.freeze_licenses(&instance.id, now).await? > 0 {
                tx.mark_list(&ListKey::revocation()).await?;
            }
            reevaluate(tx, work, &mut instance, None).await?;
        }
        Ok(Answer::success())
    }
}
