//! Terms that a V1 call carries itself. They count until the order was read, which overrides them.

use koogallery::call::{RefreshInstance, Scene};
use koogallery::v1::Upgrade;

use crate::app::order_terms;
use crate::app::transaction::UnitOfWork;
use crate::store::{Instance, StoreError, Terms, Tx};

/// Only what the call says.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallTerms {
    /// Product and variant.
    goods: Option<(String, Option<String>)>,
    amount: Option<u32>,
    trial: Option<bool>,
}

impl CallTerms {
    pub(crate) fn of_refresh(call: &RefreshInstance) -> Self {
        Self {
            goods: call.product_id.clone().map(|product| (product, None)),
            amount: None,
            trial: (call.scene == Scene::TrialToFormal).then_some(false),
        }
    }

    pub(crate) fn of_upgrade(call: &Upgrade) -> Self {
        Self {
            goods: Some((call.product_id.clone(), Some(call.sku_code.clone()))),
            amount: call.amount,
            trial: None,
        }
    }
}

/// Gives the instance the terms of the call, once a quantity is known: without one no application
/// can be decided.
pub(crate) async fn tell(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    instance: &mut Instance,
    told: &CallTerms,
) -> Result<(), StoreError> {
    let Some(quantity) = told.amount.map(i64::from).or(instance.quantity) else { return Ok(()) };
    if let Some((market_product, sku)) = &told.goods {
        // The same goods without a variant are the variant that is known.
        let same = instance.market_product.as_ref() == Some(market_product) && sku.is_none();
        if !same {
            let variant = sku.as_deref().unwrap_or_default();
            instance.product = order_terms::product_of(tx, market_product, variant).await?;
            instance.market_product = Some(market_product.clone());
            instance.sku.clone_from(sku);
        }
    }
    instance.quantity = Some(quantity);
    instance.trial = told.trial.or(instance.trial);
    let terms = Terms {
        market_product: instance.market_product.clone(),
        sku: instance.sku.clone(),
        product: instance.product.clone(),
        quantity,
        period: instance.period.unwrap_or_default(),
        charging: instance.charging.clone(),
        trial: instance.trial.unwrap_or_default(),
        customer: instance.customer.clone(),
        expires: instance.expires,
    };
    tx.put_instance_terms(&instance.id, &terms, work.now.as_secs()).await
}
