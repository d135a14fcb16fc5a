//! What an order says about an instance: its scene, its line, its goods and the product that they
//! are, and whether they are paid by use.

use koogallery::order::{ChargingMode, Order, OrderLine, OrderProduct};

use crate::store::{Instance, StoreError, Tx};

/// The scene of an order that `upgradeInstance` named.
pub(crate) const UPGRADE: &str = "UPGRADE";
/// The scene of an order that takes a renewal back.
pub(crate) const REFUND: &str = "UNSUBSCRIBE_RENEWAL_PERIOD";

/// The line that the instance was made for; an order of one line leaves no doubt. V1
/// names no line, but the goods.
pub(crate) fn line_of<'a>(
    order: &'a Order,
    line_id: &str,
    goods: Option<&str>,
) -> Option<&'a OrderLine> {
    let sells = |line: &&OrderLine| {
        line.products.iter().any(|product| goods == Some(product.product_id.as_str()))
    };
    order.line(line_id).or(match order.lines.as_slice() {
        [only] => Some(only),
        lines if line_id.is_empty() => lines.iter().find(sells),
        _ => None,
    })
}

/// Which of the line's goods is licensed, and as which product of ours; the first one if none is
/// configured yet.
pub(crate) async fn goods_of<'a>(
    tx: &mut dyn Tx,
    line: &'a OrderLine,
    named: Option<&str>,
) -> Result<(Option<&'a OrderProduct>, Option<String>), StoreError> {
    let is_named = |goods: &&OrderProduct| named == Some(goods.product_id.as_str());
    let (first, others): (Vec<_>, Vec<_>) = line.products.iter().partition(is_named);
    for goods in first.into_iter().chain(others) {
        let sku = goods.sku_code.as_deref().unwrap_or_default();
        let found = product_of(tx, &goods.product_id, sku).await?;
        if found.is_some() {
            return Ok((Some(goods), found));
        }
    }
    Ok((line.products.first(), None))
}

/// The product of ours that the goods are, by their own variant or by none. The marketplace may
/// leave the variant out: then the only product that any variant is.
pub(crate) async fn product_of(
    tx: &mut dyn Tx,
    market_product: &str,
    sku: &str,
) -> Result<Option<String>, StoreError> {
    match tx.product_of_goods(market_product, sku).await? {
        None if sku.is_empty() => tx.product_of_any_sku(market_product).await,
        None => tx.product_of_goods(market_product, "").await,
        found => Ok(found),
    }
}

/// Whether what is used of an instance is paid by its quantity; `None` where that is not known.
pub(crate) fn is_by_use(instance: &Instance) -> Option<bool> {
    let word = instance.charging.clone();
    let said = word.and_then(|word| ChargingMode::from_text(word).is_by_use());
    // An order that an older version read has no more than this.
    said.or((instance.period == Some(true)).then_some(false))
}
