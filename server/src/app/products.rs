//! Products: applied from a file, and in force for waiting applications at once.

use license_core::product::Product;
use license_core::{Code, Timestamp, api};

use super::audit::entry::{Actor, AuditEntry};
use super::command::{Command, Failed};
use super::event::Event;
use super::transaction::UnitOfWork;
use super::{App, views};
use crate::error::ApiError;
use crate::store::{Footprint, ProductRow, StoreError, Tx};

/// Products of one answer.
const MAX_LISTED: i64 = 1000;

/// Makes a product or gives it other terms.
pub(crate) struct ApplyProduct {
    pub(crate) product: Product,
    pub(crate) by: Actor,
}

impl Command for ApplyProduct {
    type Output = api::ProductView;
    type Error = Failed;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.products = true;
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, Failed> {
        let product = &self.product;
        let goods: Vec<(String, String)> = product
            .koogallery
            .iter()
            .map(|sku| (sku.product_id.clone(), sku.sku_code.clone().unwrap_or_default()))
            .collect();
        for (market_product, sku) in &goods {
            let owner = tx.product_of_goods(market_product, sku).await?;
            if let Some(owner) = owner.filter(|owner| *owner != product.id) {
                return Err(ApiError::new(
                    Code::Conflict,
                    format!("{market_product} {sku} is sold as product {owner} already"),
                    format!("{market_product} {sku} 已属于产品 {owner}"),
                )
                .into());
            }
        }

        let now = work.now.as_secs();
        let terms = serde_json::to_string(product)
            .map_err(|error| StoreError::Broken(error.to_string()))?;
        let row = ProductRow {
            id: product.id.clone(),
            name: product.name.clone(),
            terms,
            applied_at: now,
        };
        tx.put_product(&row, &goods).await?;
        let mut concerned = tx.judge_product(&product.id).await?;
        for (market_product, sku) in &goods {
            concerned += tx.claim_instances(market_product, sku, &product.id).await?;
        }
        work.audit(AuditEntry::new("product.apply", &self.by).about("product", &product.id));
        if concerned > 0 {
            work.publish(Event::JudgeDue);
        }
        Ok(api::ProductView { product: product.clone(), updated_at: work.now })
    }
}

fn view(row: &ProductRow) -> Result<api::ProductView, StoreError> {
    let product =
        serde_json::from_str(&row.terms).map_err(|error| StoreError::Broken(error.to_string()))?;
    Ok(api::ProductView { product, updated_at: Timestamp::from_secs(row.applied_at) })
}

/// Makes a product or gives it other terms; kept applications are judged by them at once.
pub(crate) async fn apply(app: &App, product: Product) -> Result<api::ProductView, ApiError> {
    if let Err(wrong) = product.validate() {
        let zh = format!("产品描述不可用：{wrong}");
        return Err(ApiError::new(Code::RequestInvalid, wrong, zh));
    }
    Ok(app.writer.write(ApplyProduct { product, by: Actor::caller() }).await?)
}

/// Every product.
pub(crate) async fn list(app: &App) -> Result<Vec<api::ProductView>, ApiError> {
    let mut tx = app.store.read().await?;
    let rows = tx.products(None, MAX_LISTED).await?;
    Ok(rows.iter().map(view).collect::<Result<_, _>>()?)
}

/// One product.
pub(crate) async fn find(app: &App, id: &str) -> Result<api::ProductView, ApiError> {
    let mut tx = app.store.read().await?;
    match tx.product(id).await? {
        Some(row) => Ok(view(&row)?),
        None => Err(views::product_unknown(id)),
    }
}
