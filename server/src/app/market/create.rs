//! `newInstance`: one instance for an order line, however often it is asked for.

use koogallery::Answer;
use koogallery::call::NewInstance;
use license_core::activation_code::ActivationCode;

use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::command::Command;
use crate::app::event::Event;
use crate::app::transaction::UnitOfWork;
use crate::store::{Footprint, Instance, InstanceState, StoreError, Tx};

/// 创建实例.
pub(crate) struct CreateInstance(pub(crate) NewInstance);

impl Command for CreateInstance {
    type Output = Answer;
    type Error = StoreError;

    fn footprint(&self, footprint: &mut Footprint) {
        let call = &self.0;
        // V1 knows no lines: both editions wait for each other.
        footprint.name(if call.test { "test order" } else { "order" }, &call.order_id);
    }

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<Answer, StoreError> {
        let id = if self.0.test { self.test(tx, work).await? } else { self.real(tx, work).await? };
        Ok(Answer::instance(id))
    }
}

impl CreateInstance {
    async fn real(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<String, StoreError> {
        let call = &self.0;
        if let Some(found) = tx.instance_of_order(&call.order_id, &call.order_line_id).await? {
            return Ok(found.id);
        }
        if let Some(found) = tx.instance_of_order(&call.order_id, "").await? {
            // V1 was asked for this order already: this is its line.
            tx.put_instance_line(&found.id, &call.order_line_id).await?;
            return Ok(found.id);
        }
        let id = free_id(tx, work, &call.business_id).await?;
        let instance = fresh(work, id, &call.order_id, &call.order_line_id);
        if !add(tx, work, &instance, &call.order_line_id).await? {
            // Another server was faster: its instance is the answer.
            let found = tx.instance_of_order(&call.order_id, &call.order_line_id).await?;
            return found.map(|found| found.id).ok_or_else(unreadable);
        }
        Ok(instance.id)
    }

    async fn test(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<String, StoreError> {
        let (order, line) = (&self.0.order_id, &self.0.order_line_id);
        if let Some(id) = tx.test_instance_of_order(order, line).await? {
            return Ok(id);
        }
        let id = free_id(tx, work, &self.0.business_id).await?;
        if tx.add_test_instance(&id, order, line, work.now.as_secs()).await? {
            return Ok(id);
        }
        tx.test_instance_of_order(order, line).await?.ok_or_else(unreadable)
    }
}

/// An instance of which nothing is known but its order.
pub(super) fn fresh(work: &UnitOfWork<'_>, id: String, order_id: &str, line_id: &str) -> Instance {
    let now = work.now.as_secs();
    Instance {
        id,
        order_id: order_id.to_owned(),
        line_id: line_id.to_owned(),
        activation_code: ActivationCode::from_random(work.context.random()).to_string(),
        state: InstanceState::Active,
        created_at: now,
        changed_at: now,
        market_product: None,
        sku: None,
        product: None,
        quantity: None,
        period: None,
        charging: None,
        trial: None,
        customer: None,
        expires: None,
        expires_set: false,
        machines_used: 0,
        judge_due: false,
        first_edition: false,
    }
}

/// Adds an instance and has its order read; false if it is there already.
pub(super) async fn add(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    instance: &Instance,
    line_id: &str,
) -> Result<bool, StoreError> {
    if !tx.add_instance(instance).await? {
        return Ok(false);
    }
    let now = work.now.as_secs();
    tx.queue_order(&instance.id, &instance.order_id, line_id, "NEW", now).await?;
    let made =
        AuditEntry::new("instance.create", &Actor::Marketplace).about("instance", &instance.id);
    work.audit(made.about("order", &instance.order_id));
    work.publish(Event::OrderQueued { instance: instance.id.clone() });
    Ok(true)
}

/// The marketplace's own id where it is free, as its guide advises. One with a comma could not be
/// asked for with `queryInstance`.
pub(super) async fn free_id(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    business_id: &str,
) -> Result<String, StoreError> {
    let wanted = business_id.trim();
    let usable = !wanted.is_empty() && !wanted.contains([',', '/', '?', '#']);
    let taken = !usable || tx.is_instance(wanted).await? || tx.is_test_instance(wanted).await?;
    Ok(if taken { work.context.id() } else { wanted.to_owned() })
}

/// Its id was given away a moment ago; the next attempt takes another.
pub(super) fn unreadable() -> StoreError {
    StoreError::Contended("an instance can be neither added nor read".to_owned())
}
