//! `changeInstanceCheck`: whether an instance may be renewed as another product. Changes nothing.

use koogallery::call::ChangeInstanceCheck;
use koogallery::{Answer, Rejection, ResultCode};

use super::preconditions::{live, test_answer};
use crate::app::command::Failed;
use crate::app::order_terms::product_of;
use crate::store::Store;

/// 续费变更校验: possible if the target is a product of ours.
pub(crate) async fn check(
    store: &Store,
    call: &ChangeInstanceCheck,
) -> Result<Answer, Failed<Rejection>> {
    let mut tx = store.read().await?;
    if call.test {
        return Ok(test_answer(&mut *tx, &call.instance_id, ResultCode::Success).await?);
    }
    live(&mut *tx, &call.instance_id).await?;
    let target = &call.product_info;
    let sku = target.sku_code.as_deref().unwrap_or_default();
    Ok(match product_of(&mut *tx, &target.product_id, sku).await? {
        Some(_) => Answer::success(),
        None => Rejection::new(
            ResultCode::BadParameter,
            "the productInfo names a product that the seller has not configured: the change is \
             not possible",
            "productInfo对应的商品未在商家侧配置，不能变更",
        )
        .into(),
    })
}
