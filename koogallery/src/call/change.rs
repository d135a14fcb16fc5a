//! Calls that change what an instance was bought as: an upgrade, and the question whether a
//! renewal as another product will be possible.

use super::fields::{self, Fields};
use crate::code::Rejection;

/// 实例升级: another order with more, or with another product. A re-send has the same instance,
/// order and order line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpgradeInstance {
    /// The seller's instance, which stays the same.
    pub instance_id: String,
    /// The upgrade's order.
    pub order_id: String,
    /// Its line.
    pub order_line_id: String,
    /// A call of the console's debugging.
    pub test: bool,
}

/// 续费变更校验: may the instance become this product when it is renewed?
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangeInstanceCheck {
    /// The seller's instance.
    pub instance_id: String,
    /// What it is to become.
    pub product_info: ProductInfo,
    /// A call of the console's debugging.
    pub test: bool,
}

/// The target of a change, with the members that an order's `productInfo` has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProductInfo {
    /// The marketplace's product.
    pub product_id: String,
    /// Its variant.
    pub sku_code: Option<String>,
    /// The quantity, where it is given.
    pub linear_value: Option<i64>,
}

impl UpgradeInstance {
    pub(super) fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        Ok(Self {
            instance_id: fields.required("instanceId", 64)?,
            order_id: fields.required("orderId", 64)?,
            order_line_id: fields.required("orderLineId", 64)?,
            test: fields.test()?,
        })
    }
}

impl ChangeInstanceCheck {
    pub(super) fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        Ok(Self {
            instance_id: fields.required("instanceId", 64)?,
            product_info: ProductInfo::read(Fields(&fields.object("productInfo")?))?,
            test: fields.test()?,
        })
    }
}

impl ProductInfo {
    fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        let quantity = fields.optional("linearValue", 20)?.map(|text| {
            text.parse().map_err(|_| fields::refused("linearValue", "is not a number", "不是整数"))
        });
        Ok(Self {
            product_id: fields.required("productId", 64)?,
            sku_code: fields.optional("skuCode", 64)?,
            linear_value: quantity.transpose()?,
        })
    }
}
