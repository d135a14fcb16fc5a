//! `refreshInstance`: sets another end of the instance, and queues the order behind it.

use koogallery::call::{RefreshInstance as Call, Scene};
use koogallery::{Answer, Rejection};

use super::preconditions::{first_use, live, test_effect};
use super::v1::call_terms::{CallTerms, tell};
use super::v1::refresh_license::renew;
use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::command::{Command, Failed};
use crate::app::event::Event;
use crate::app::issuance::reevaluate;
use crate::app::orders;
use crate::app::transaction::UnitOfWork;
use crate::store::{
    Footprint, Instance, InstanceState, ListKey, OrderRow, OrderState, StoreError, Tx,
};

/// 更新实例.
pub(crate) struct RefreshInstance {
    pub(crate) call: Call,
    pub(crate) nonce: Vec<u8>,
    pub(crate) interface: RefreshInterface,
}

/// Through which interface it was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RefreshInterface {
    /// The JSON interfaces: what changes is read from the order.
    V2,
    /// SaaS 1.0: the call itself carries it.
    SaasV1,
    /// License 1.0: it is answered with the new License.
    LicenseV1,
}

impl Command for RefreshInstance {
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

        if self.interface == RefreshInterface::V2
            && is_repeat(call, &tx.orders_of(&instance.id).await?)
        {
            return Ok(Answer::success());
        }

        let now = work.now.as_secs();
        tx.put_instance_expiry(&instance.id, call.expires, now).await?;
        instance.expires = Some(call.expires);
        instance.expires_set = true;
        if call.expires > now {
            lift_expiry(tx, &mut instance, now).await?;
        }
        let refreshed = AuditEntry::new("instance.refresh", &Actor::Marketplace);
        let refreshed = refreshed.about("instance", &instance.id).about("order", &call.order_id);
        work.audit(refreshed.about("scene", call.scene.as_str()));
        let refunded = call.scene == Scene::UnsubscribeRenewalPeriod
            && tx.refund_order(&instance.id, &call.order_id).await?;
        if refunded {
            orders::take_terms(tx, work, &mut instance).await?;
        } else {
            let scene = call.scene.as_str();
            let line = &call.order_line_id;
            if tx.queue_order(&instance.id, &call.order_id, line, scene, now).await? {
                work.publish(Event::OrderQueued { instance: instance.id.clone() });
            }
        }
        if self.interface != RefreshInterface::V2 {
            tell(tx, work, &mut instance, &CallTerms::of_refresh(call)).await?;
        }
        reevaluate(tx, work, &mut instance, None).await?;
        match self.interface {
            RefreshInterface::V2 | RefreshInterface::SaasV1 => Ok(Answer::success()),
            RefreshInterface::LicenseV1 => Ok(renew(tx, work, &mut instance, call).await?),
        }
    }
}

/// Whether it was done before: once for an order, its line and the scene, whatever has come since.
/// V1's calls name no line, and a renewal looks like its refund: there each one counts.
fn is_repeat(call: &Call, orders: &[OrderRow]) -> bool {
    let scene = call.scene.as_str();
    orders.iter().filter(|order| order.order_id == call.order_id).any(|order| {
        let same = order.line_id == call.order_line_id && order.scene == scene;
        let refunded = order.state == OrderState::Refunded && order.scene != "NEW";
        same || (refunded && call.scene == Scene::UnsubscribeRenewalPeriod)
    })
}

/// What only its end had stopped runs again.
async fn lift_expiry(tx: &mut dyn Tx, instance: &mut Instance, now: i64) -> Result<(), StoreError> {
    if tx.lift_expiry(&instance.id, now).await? {
        instance.state = InstanceState::Active;
        if tx.unfreeze_licenses(&instance.id, now).await? > 0 {
            tx.mark_list(&ListKey::revocation()).await?;
        }
    }
    Ok(())
}
