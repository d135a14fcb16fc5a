//! `upgradeInstance`: another order for the same instance, with more or other goods.

use koogallery::call::UpgradeInstance as Call;
use koogallery::{Answer, Rejection};

use super::preconditions::{first_use, live, test_effect};
use super::v1::call_terms::{CallTerms, tell};
use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::command::{Command, Failed};
use crate::app::event::Event;
use crate::app::issuance::reevaluate;
use crate::app::order_terms::UPGRADE;
use crate::app::transaction::UnitOfWork;
use crate::store::{Footprint, Tx};

/// 实例升级. What it becomes is read from the order; until then the earlier order counts, but for
/// what V1's call carries by itself.
pub(crate) struct UpgradeInstance {
    pub(crate) call: Call,
    pub(crate) nonce: Vec<u8>,
    pub(crate) told: Option<CallTerms>,
}

impl Command for UpgradeInstance {
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
        let (order, line) = (&call.order_id, &call.order_line_id);
        let upgraded = AuditEntry::new("instance.upgrade", &Actor::Marketplace);
        work.audit(upgraded.about("instance", &instance.id).about("order", order));
        if tx.queue_order(&instance.id, order, line, UPGRADE, now).await? {
            work.publish(Event::OrderQueued { instance: instance.id.clone() });
        }
        if let Some(told) = &self.told {
            tell(tx, work, &mut instance, told).await?;
            reevaluate(tx, work, &mut instance, None).await?;
        }
        Ok(Answer::success())
    }
}
