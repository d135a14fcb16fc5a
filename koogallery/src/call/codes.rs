//! Calls about authorization codes (License类授权码): renewed, frozen, given back.

use super::fields::Fields;
use super::{Scene, Status};
use crate::code::Rejection;

/// 更新授权码有效期: another expiry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RefreshLicenseCode {
    /// Why.
    pub scene: Scene,
    /// The renewal's order, or the one that was refunded.
    pub order_id: String,
    /// Its line.
    pub order_line_id: String,
    /// The authorization code.
    pub license: String,
    /// The new product where the period's type changes.
    pub product_id: Option<String>,
    /// The new expiry, UTC seconds.
    pub expires: i64,
    /// A call of the console's debugging.
    pub test: bool,
}

/// 变更授权码状态.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpdateLicenseCodeStatus {
    /// The authorization code.
    pub license: String,
    /// What it becomes.
    pub status: Status,
    /// A call of the console's debugging.
    pub test: bool,
}

/// 释放授权码.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReleaseLicenseCode {
    /// The authorization code.
    pub license: String,
    /// The unsubscription order, where there is one.
    pub order_id: Option<String>,
    /// Its line.
    pub order_line_id: Option<String>,
    /// A call of the console's debugging.
    pub test: bool,
}

impl RefreshLicenseCode {
    pub(super) fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        Ok(Self {
            scene: Scene::from_text(fields.required("scene", 64)?),
            order_id: fields.required("orderId", 64)?,
            order_line_id: fields.required("orderLineId", 64)?,
            license: fields.required("license", 64)?,
            product_id: fields.optional("productId", 64)?,
            expires: fields.required_time("expireTime")?,
            test: fields.test()?,
        })
    }
}

impl UpdateLicenseCodeStatus {
    pub(super) fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        Ok(Self {
            license: fields.required("license", 64)?,
            status: fields.status()?,
            test: fields.test()?,
        })
    }
}

impl ReleaseLicenseCode {
    pub(super) fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        Ok(Self {
            license: fields.required("license", 64)?,
            order_id: fields.optional("orderId", 64)?,
            order_line_id: fields.optional("orderLineId", 64)?,
            test: fields.test()?,
        })
    }
}
