//! `expireInstance` and `expireLicense`: the end of what was bought has come. It stops like a
//! freeze, but a renewal lets it go: this edition says nothing else when it was paid.

use koogallery::v1::ExpireInstance as Call;
use koogallery::{Answer, Rejection};

use super::super::preconditions::{first_use, live, test_effect};
use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::command::{Command, Failed};
use crate::app::issuance::reevaluate;
use crate::app::transaction::UnitOfWork;
use crate::store::{Footprint, InstanceState, ListKey, Tx};

/// 过期.
pub(crate) struct ExpireInstance {
    pub(crate) call: Call,
    pub(crate) nonce: Vec<u8>,
}

impl Command for ExpireInstance {
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

        let now = work.now.as_secs();
        if tx.expire_instance(&instance.id, now).await? {
            instance.state = InstanceState::Frozen;
            let set = AuditEntry::new("instance.expire", &Actor::Marketplace);
            work.audit(set.about("instance", &instance.id));
            if tx.freeze_licenses(&instance.id, now).await? > 0 {
                tx.mark_list(&ListKey::revocation()).await?;
            }
            reevaluate(tx, work, &mut instance, None).await?;
        }
        Ok(Answer::success())
    }
}
