//! `newInstance` and `getLicense`: one instance and one License for an order, however often they
//! are asked for. The call carries the terms; the order overrides them once it was read.

use std::sync::Arc;

use koogallery::v1::Purchase;
use koogallery::{Answer, Rejection, ResultCode};
use license_core::entitlement::LicenseKind;
use license_core::issuing_rules::{self, OrderTerms, RequestedValidity};
use license_core::product::Product;
use license_core::{Lang, Timestamp};

use super::super::create::{add, free_id, fresh, unreadable};
use super::super::preconditions::live;
use super::super::query::{self, InstanceDisplay};
use crate::alerts::AlertKind;
use crate::app::command::{Command, Failed};
use crate::app::issuance::issue;
use crate::app::issuance::{Grant, SeatAllocation, count, product_of, result_code, state};
use crate::app::order_terms;
use crate::app::transaction::UnitOfWork;
use crate::store::{Footprint, Instance, StoreError, Tx};

/// What debugging is given instead of a License.
const TEST_LICENSE: &str = "测试，非正式License / debugging, not a License";

/// 新购, 获取License.
pub(crate) struct Buy {
    call: Purchase,
    wanted: PurchaseReply,
}

/// What the answer has to hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PurchaseReply {
    /// The instance.
    Instance,
    /// The instance and a License.
    License,
}

/// What a License that answers an order is found by.
pub(super) fn event_of(order_id: &str) -> String {
    format!("order:{order_id}")
}

impl Command for Buy {
    type Output = Answer;
    type Error = Failed<Rejection>;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.name(if self.call.test { "test order" } else { "order" }, &self.call.order_id);
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Answer, Failed<Rejection>> {
        if self.call.test {
            return Ok(self.test(tx, work).await?);
        }
        let known = self.known(tx).await?;
        match self.wanted {
            PurchaseReply::Instance => {
                let instance = if let Some(instance) = known {
                    instance
                } else {
                    let instance = self.draft(tx, work).await?;
                    self.add(tx, work, &instance).await?;
                    instance
                };
                let shown = InstanceDisplay::V1 { secret: self.call.encryption.is_some() };
                Ok(Answer {
                    app_info: Some(query::app_info(&instance, shown)),
                    ..Answer::instance(instance.id)
                })
            }
            PurchaseReply::License => self.license(tx, work, known).await,
        }
    }
}

impl Buy {
    pub(crate) fn new(call: Purchase, wanted: PurchaseReply) -> Self {
        Self { call, wanted }
    }

    /// What this edition has instead of an order line: nothing, or the product where one order
    /// has an instance for each.
    fn line(&self) -> &str {
        if self.call.one_for_each_product() { &self.call.product_id } else { "" }
    }

    /// The order's instance, whichever edition has made it.
    async fn known(&self, tx: &mut dyn Tx) -> Result<Option<Instance>, StoreError> {
        let mut all = tx.instances_of_order(&self.call.order_id).await?.into_iter();
        let product = self.call.product_id.as_str();
        Ok(if self.call.one_for_each_product() {
            all.find(|found| {
                found.line_id == product || found.market_product.as_deref() == Some(product)
            })
        } else {
            all.next()
        })
    }

    /// The instance with the terms of the call.
    async fn draft(&self, tx: &mut dyn Tx, work: &UnitOfWork<'_>) -> Result<Instance, StoreError> {
        let call = &self.call;
        let sku = call.sku_code.as_deref().unwrap_or_default();
        let id = free_id(tx, work, &call.business_id).await?;
        Ok(Instance {
            market_product: Some(call.product_id.clone()),
            sku: call.sku_code.clone(),
            product: order_terms::product_of(tx, &call.product_id, sku).await?,
            quantity: call.amount.map(i64::from),
            period: Some(call.is_period()),
            charging: call.charging_mode.as_ref().map(|mode| mode.as_str().to_owned()),
            trial: Some(call.trial),
            customer: call.customer_name.clone(),
            expires: call.end(work.now.as_secs()),
            first_edition: true,
            ..fresh(work, id, &call.order_id, self.line())
        })
    }

    async fn add(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
        instance: &Instance,
    ) -> Result<(), StoreError> {
        if add(tx, work, instance, "").await? { Ok(()) } else { Err(unreadable()) }
    }

    /// Bound to nothing, because no call names a machine. Every re-send gets the first one.
    async fn license(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
        known: Option<Instance>,
    ) -> Result<Answer, Failed<Rejection>> {
        let event = event_of(&self.call.order_id);
        let is_new = known.is_none();
        let mut instance = match known {
            None => self.draft(tx, work).await?,
            Some(found) => {
                if let Some(given) = tx.license_of_event(&found.id, &event).await? {
                    return Ok(with_license(found.id, given.document));
                }
                live(tx, &found.id).await?
            }
        };
        let grant = self.decide(tx, work, &instance).await?;
        if is_new {
            self.add(tx, work, &instance).await?;
        }
        let (license, _) = issue(tx, work, &mut instance, &grant, Some(&event)).await?;
        Ok(with_license(instance.id, license.document))
    }

    async fn decide(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
        instance: &Instance,
    ) -> Result<Grant, Failed<Rejection>> {
        let order = OrderTerms {
            quantity: count(instance.quantity.unwrap_or_default()),
            expires: instance.expires.map(Timestamp::from_secs),
            period: self.call.is_period(),
            trial: instance.trial.unwrap_or_default(),
        };
        let expires = self.call.end(work.now.as_secs()).or(instance.expires);
        grant(tx, work, instance, &order, expires).await
    }

    /// Lives apart, and answers the same for ever.
    async fn test(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<Answer, StoreError> {
        let (order, line) = (self.call.order_id.as_str(), self.line());
        let id = if let Some(id) = tx.test_instance_of_order(order, line).await? {
            id
        } else {
            let id = free_id(tx, work, &self.call.business_id).await?;
            if !tx.add_test_instance(&id, order, line, work.now.as_secs()).await? {
                return Err(unreadable());
            }
            id
        };
        Ok(match self.wanted {
            PurchaseReply::Instance => {
                Answer { app_info: Some(query::test_app_info()), ..Answer::instance(id) }
            }
            PurchaseReply::License => with_license(id, TEST_LICENSE.to_owned()),
        })
    }
}

/// What a License that is bound to nothing needs, or why there is none.
pub(super) async fn grant(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    instance: &Instance,
    order: &OrderTerms,
    expires: Option<i64>,
) -> Result<Grant, Failed<Rejection>> {
    let application =
        RequestedValidity { not_before: None, expires: expires.map(Timestamp::from_secs) };
    let validity = match issuing_rules::validity(&application, order, state(instance), work.now) {
        Ok(validity) => validity,
        Err(denial) => {
            let (en, zh) = (denial.message(Lang::En), denial.message(Lang::Zh));
            return Err(Rejection::new(result_code(denial), &en, &zh).into());
        }
    };
    let Some(product) = product_of(tx, work.context, instance).await? else {
        let market_product = instance.market_product.as_deref().unwrap_or_default();
        let alert = AlertKind::ProductUnknown.about("").with("market.product", market_product);
        work.raise(tx, alert).await?;
        return Err(Rejection::new(
            ResultCode::NoResource,
            "the seller has not configured this product yet",
            "商家侧尚未配置该商品",
        )
        .into());
    };
    let mut product = Product::clone(&product);
    product.license.kind = LicenseKind::Unbound;
    Ok(Grant { product: Arc::new(product), validity, seat: SeatAllocation::Unbound, seats: None })
}

/// `000000` with a License as text.
pub(super) fn with_license(instance_id: String, license: String) -> Answer {
    Answer { license: Some(license), ..Answer::instance(instance_id) }
}
