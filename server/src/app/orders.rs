//! Orders of the marketplace: claimed to be read, and the terms that an answer gives the instance.

use koogallery::Failure;
use koogallery::order::{Order, OrderLine, OrderType};

use super::audit::entry::{Actor, AuditEntry};
use super::command::Command;
use super::issuance::reevaluate;
use super::order_terms::{REFUND, UPGRADE, goods_of, line_of, product_of};
use super::transaction::UnitOfWork;
use crate::store::{
    Footprint, Instance, InstanceState, Lease, OrderRow, OrderState, StoreError, Terms, Tx,
};

/// Takes orders that are due, for one worker each.
pub(crate) struct ClaimOrders {
    pub(crate) limit: i64,
}

impl Command for ClaimOrders {
    type Output = Vec<OrderRow>;
    type Error = StoreError;

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, StoreError> {
        tx.claim_orders(work.now.as_secs(), self.limit, &Lease::of(&work.context.server)).await
    }
}

/// A question about an order ended.
#[derive(Clone)]
pub(crate) struct FinishOrder {
    pub(crate) id: i64,
    pub(crate) instance: String,
    pub(crate) outcome: Result<Order, Failure>,
    /// After a failure: when to ask again.
    pub(crate) next_at: i64,
}

impl Command for FinishOrder {
    type Output = ();
    type Error = StoreError;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.instance(&self.instance);
    }

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
        let Some(row) = tx.order(self.id).await? else { return Ok(()) };
        if row.state != OrderState::Reading {
            return Ok(());
        }
        let taken_over = row.lease_owner.as_deref() != Some(work.context.server.as_str());
        if self.outcome.is_err() && taken_over {
            return Ok(());
        }
        let order = match &self.outcome {
            Ok(order) => order,
            Err(failure) => {
                return tx
                    .postpone_order(self.id, self.next_at, &failure.code, &failure.message)
                    .await;
            }
        };
        if order.order_id != row.order_id {
            let message = "the answer is about another order";
            return tx.postpone_order(self.id, self.next_at, "ORDER_MISMATCH", message).await;
        }
        let instance = tx.instance(&row.instance_id).await?;
        let goods = instance.as_ref().and_then(|instance| instance.market_product.as_deref());
        let Some(line) = line_of(order, &row.line_id, goods) else {
            let message = "the order has no such line";
            return tx.postpone_order(self.id, self.next_at, "ORDER_LINE_MISSING", message).await;
        };
        self.read(tx, work, &row, order, line).await
    }
}

impl FinishOrder {
    async fn read(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
        row: &OrderRow,
        order: &Order,
        line: &OrderLine,
    ) -> Result<(), StoreError> {
        let Some(mut instance) = tx.instance(&row.instance_id).await? else { return Ok(()) };
        // V1 names the goods instead of a line.
        let named = instance.market_product.as_deref().filter(|_| row.line_id.is_empty());
        let (goods, product) = goods_of(tx, line, named).await?;
        let terms = Terms {
            market_product: goods.map(|goods| goods.product_id.clone()),
            sku: goods.and_then(|goods| goods.sku_code.clone()),
            product,
            quantity: goods.map_or(1, |goods| i64::from(goods.quantity())),
            period: line.is_period(),
            charging: Some(line.charging_mode.as_str().to_owned()).filter(|word| !word.is_empty()),
            trial: order.is_trial(),
            customer: order.buyer.as_ref().and_then(|buyer| {
                [&buyer.customer_real_name, &buyer.customer_name]
                    .into_iter()
                    .flatten()
                    .find(|name| !name.trim().is_empty())
                    .cloned()
            }),
            expires: line.expire_time,
        };
        // An order that takes something back says nothing about what is left.
        let counts = order.order_type != OrderType::Unsubscribe && row.scene != REFUND;
        tx.put_order_read(self.id, &terms, counts || row.scene == "NEW", work.now.as_secs())
            .await?;
        let read = AuditEntry::new("order.read", &Actor::Server).about("instance", &instance.id);
        work.audit(read.about("order", &row.order_id).about("scene", &row.scene));
        take_terms(tx, work, &mut instance).await?;
        if instance.state != InstanceState::Released {
            reevaluate(tx, work, &mut instance, None).await?;
        }
        Ok(())
    }
}

/// Gives the instance the terms of the newest order that counts.
pub(crate) async fn take_terms(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    instance: &mut Instance,
) -> Result<(), StoreError> {
    let Some(order) = tx.order_in_force(&instance.id).await? else { return Ok(()) };
    let mut product = None;
    if let Some(market_product) = &order.market_product {
        let sku = order.sku.as_deref().unwrap_or_default();
        product = product_of(tx, market_product, sku).await?;
    }
    // An upgrade without an end of its own leaves the end as it was.
    let kept = instance.expires.filter(|_| order.scene == UPGRADE && order.period == Some(true));
    let same = instance.market_product == order.market_product && instance.sku == order.sku;
    let terms = Terms {
        market_product: order.market_product,
        sku: order.sku,
        product: product.or_else(|| instance.product.clone().filter(|_| same)),
        quantity: order.quantity.unwrap_or_default(),
        period: order.period.unwrap_or_default(),
        charging: order.charging,
        trial: order.trial.unwrap_or_default(),
        customer: order.customer.or_else(|| instance.customer.clone()),
        expires: order.expires.or(kept),
    };
    tx.put_instance_terms(&instance.id, &terms, work.now.as_secs()).await?;
    instance.market_product = terms.market_product;
    instance.sku = terms.sku;
    instance.product = terms.product;
    instance.quantity = Some(terms.quantity);
    instance.period = Some(terms.period);
    instance.charging = terms.charging;
    instance.trial = Some(terms.trial);
    instance.customer = terms.customer;
    if !instance.expires_set {
        instance.expires = terms.expires;
    }
    Ok(())
}
