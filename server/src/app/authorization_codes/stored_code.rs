//! A stored authorization code: its instance and that instance's terms, and the refusals that
//! several use cases share.

use license_core::Code;
use license_core::issuing_rules::Denial;

use crate::app::client_license::refusals::{code_unknown, deny};
use crate::error::ApiError;
use crate::store::{CodeRow, CodeState, Instance, StoreError, Terms, Tx};

/// The code's instance, unless the code waits for the marketplace's first answer.
pub(crate) async fn instance_of(
    tx: &mut dyn Tx,
    row: &CodeRow,
) -> Result<Option<Instance>, StoreError> {
    let Some(id) = &row.instance_id else { return Ok(None) };
    let instance = tx.instance(id).await?;
    instance.map(Some).ok_or_else(|| StoreError::Broken("a code without its instance".to_owned()))
}

/// The terms that the instance has.
pub(crate) fn terms(instance: &Instance) -> Terms {
    Terms {
        market_product: instance.market_product.clone(),
        sku: instance.sku.clone(),
        product: instance.product.clone(),
        quantity: instance.quantity.unwrap_or(1),
        period: instance.period.unwrap_or_default(),
        charging: instance.charging.clone(),
        trial: instance.trial.unwrap_or_default(),
        customer: instance.customer.clone(),
        expires: instance.expires,
    }
}

/// Sets the end, where it is another.
pub(crate) async fn set_end(
    tx: &mut dyn Tx,
    instance: &mut Instance,
    end: i64,
    now: i64,
) -> Result<(), StoreError> {
    if instance.expires != Some(end) {
        tx.put_instance_expiry(&instance.id, end, now).await?;
        instance.expires = Some(end);
        instance.expires_set = true;
    }
    Ok(())
}

/// The program's refusal where the marketplace refused its code.
pub(crate) fn refused(failure: &koogallery::Failure) -> ApiError {
    match failure.code.as_str() {
        "92020004" => ApiError::new(
            Code::OrderPending,
            "the buyer has to receive this code in the marketplace's console first",
            "请先在云商店控制台领取该授权码",
        )
        .with_status(503)
        .retry_after(60),
        _ => code_unknown(),
    }
}

/// The program's refusal of a code that was given back.
pub(crate) fn given_back() -> ApiError {
    deny(Denial::Released)
}

/// Whether the code may still change by the marketplace's calls.
pub(crate) fn is_live(row: &CodeRow) -> bool {
    matches!(row.state, CodeState::Active | CodeState::Expired)
}
