//! The marketplace's calls, each with every field's presence, type and length judged
//! (online-License guide, "query instance", "upgrade" and "change at renewal" of the SaaS V2.0
//! guide, the authorization codes' guide, "order notification").

mod change;
mod codes;
pub(crate) mod fields;

use crate::body::Body;
use crate::code::{Rejection, ResultCode};
use fields::Fields;

pub use change::{ChangeInstanceCheck, ProductInfo, UpgradeInstance};
pub use codes::{RefreshLicenseCode, ReleaseLicenseCode, UpdateLicenseCodeStatus};

/// The most that a device fingerprint may hold, in bytes: the client guide's 5K, although the
/// table of `getLicenseAsync` prints 1,024.
pub const FINGERPRINT_LIMIT: usize = 5120;

/// The most instances that one `queryInstance` may name.
pub const QUERY_LIMIT: usize = 100;

/// Which access key signs a call: the seller's console has one for each interface type.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum InterfaceType {
    /// 基础接口.
    Basic,
    /// License授权码交付接口.
    LicenseCode,
    /// 通用接口.
    General,
    /// 联营SaaS同步接口: told by its path, never by an activity.
    Kit,
}

/// The interface type of an activity of the JSON interfaces; `None` where there is none such.
#[must_use]
pub fn interface(activity: &str) -> Option<InterfaceType> {
    match activity {
        "newInstance"
        | "refreshInstance"
        | "updateInstanceStatus"
        | "releaseInstance"
        | "getLicenseAsync"
        | "queryInstance"
        | "upgradeInstance"
        | "changeInstanceCheck" => Some(InterfaceType::Basic),
        "refreshLicenseCode" | "updateLicenseCodeStatus" | "releaseLicenseCode" => {
            Some(InterfaceType::LicenseCode)
        }
        "orderNotify" => Some(InterfaceType::General),
        _ => None,
    }
}

/// One call, its fields judged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Call {
    /// `newInstance`.
    NewInstance(NewInstance),
    /// `refreshInstance`.
    RefreshInstance(RefreshInstance),
    /// `updateInstanceStatus`.
    UpdateInstanceStatus(UpdateInstanceStatus),
    /// `releaseInstance`.
    ReleaseInstance(ReleaseInstance),
    /// `getLicenseAsync`.
    GetLicenseAsync(GetLicenseAsync),
    /// `queryInstance`.
    QueryInstance(QueryInstance),
    /// `upgradeInstance`.
    UpgradeInstance(UpgradeInstance),
    /// `changeInstanceCheck`.
    ChangeInstanceCheck(ChangeInstanceCheck),
    /// `refreshLicenseCode`.
    RefreshLicenseCode(RefreshLicenseCode),
    /// `updateLicenseCodeStatus`.
    UpdateLicenseCodeStatus(UpdateLicenseCodeStatus),
    /// `releaseLicenseCode`.
    ReleaseLicenseCode(ReleaseLicenseCode),
    /// `orderNotify`.
    OrderNotify(OrderNotify),
}

/// 创建实例: an order was paid. A re-send has the same order and order line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewInstance {
    /// The marketplace's order.
    pub order_id: String,
    /// Its line.
    pub order_line_id: String,
    /// Different in every request, re-sends included.
    pub business_id: String,
    /// A call of the console's debugging.
    pub test: bool,
}

/// 更新实例: another expiry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RefreshInstance {
    /// Why.
    pub scene: Scene,
    /// The conversion, renewal or refunded order, by scene.
    pub order_id: String,
    /// Its line; empty in V1, which has none.
    pub order_line_id: String,
    /// The seller's instance.
    pub instance_id: String,
    /// The new product where the period's type changes.
    pub product_id: Option<String>,
    /// The new expiry, UTC seconds.
    pub expires: i64,
    /// A call of the console's debugging.
    pub test: bool,
}

/// Why an instance is refreshed. One that is not known is kept: the guides have added to the
/// list, and the call sets an absolute date whatever the reason.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scene {
    /// `TRIAL_TO_FORMAL`: from trial to paid.
    TrialToFormal,
    /// `RENEWAL`.
    Renewal,
    /// `UNSUBSCRIBE_RENEWAL_PERIOD`: a renewal was refunded.
    UnsubscribeRenewalPeriod,
    /// `RENEWAL_CHANGE`: renewed as another product.
    RenewalChange,
    /// Any other.
    Other(String),
}

impl Scene {
    /// The marketplace's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::TrialToFormal => "TRIAL_TO_FORMAL",
            Self::Renewal => "RENEWAL",
            Self::UnsubscribeRenewalPeriod => "UNSUBSCRIBE_RENEWAL_PERIOD",
            Self::RenewalChange => "RENEWAL_CHANGE",
            Self::Other(text) => text,
        }
    }

    fn from_text(text: String) -> Self {
        match text.as_str() {
            "TRIAL_TO_FORMAL" => Self::TrialToFormal,
            "RENEWAL" => Self::Renewal,
            "UNSUBSCRIBE_RENEWAL_PERIOD" => Self::UnsubscribeRenewalPeriod,
            "RENEWAL_CHANGE" => Self::RenewalChange,
            _ => Self::Other(text),
        }
    }
}

/// 更新实例状态.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpdateInstanceStatus {
    /// The seller's instance.
    pub instance_id: String,
    /// What it becomes.
    pub status: Status,
    /// A call of the console's debugging.
    pub test: bool,
}

/// What `updateInstanceStatus` and `updateLicenseCodeStatus` ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// `FREEZE`.
    Freeze,
    /// `UNFREEZE`.
    Unfreeze,
}

/// 释放实例.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReleaseInstance {
    /// The seller's instance.
    pub instance_id: String,
    /// The unsubscription order, where there is one.
    pub order_id: Option<String>,
    /// Its line.
    pub order_line_id: Option<String>,
    /// A call of the console's debugging.
    pub test: bool,
}

/// 异步申请License. A re-send has the same event and device fingerprint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GetLicenseAsync {
    /// The seller's instance.
    pub instance_id: String,
    /// The License's start, UTC seconds.
    pub effective: i64,
    /// The License's end, UTC seconds; needed for period products.
    pub expires: Option<i64>,
    /// Names the application, and the upload that answers it.
    pub event_id: String,
    /// The machine, as it was sent.
    pub device_fingerprint: Option<String>,
    /// A call of the console's debugging.
    pub test: bool,
}

/// 查询实例信息.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueryInstance {
    /// 1 to [`QUERY_LIMIT`] instances.
    pub instance_ids: Vec<String>,
    /// A call of the console's debugging.
    pub test: bool,
}

/// 订单通知: something about an order changed; what, the order itself tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OrderNotify {
    /// The marketplace's order.
    pub order_id: String,
    /// Its line.
    pub order_line_id: String,
    /// A call of the console's debugging.
    pub test: bool,
}

impl Call {
    /// Reads a verified body. Members that no table names are tolerated.
    ///
    /// # Errors
    ///
    /// `000002` naming the field, or for an activity that is not one of these.
    pub fn read(body: &Body) -> Result<Self, Rejection> {
        let fields = Fields(body);
        match fields.required("activity", 32)?.as_str() {
            "newInstance" => NewInstance::read(fields).map(Self::NewInstance),
            "refreshInstance" => RefreshInstance::read(fields).map(Self::RefreshInstance),
            "updateInstanceStatus" => {
                UpdateInstanceStatus::read(fields).map(Self::UpdateInstanceStatus)
            }
            "releaseInstance" => ReleaseInstance::read(fields).map(Self::ReleaseInstance),
            "getLicenseAsync" => GetLicenseAsync::read(fields).map(Self::GetLicenseAsync),
            "queryInstance" => QueryInstance::read(fields).map(Self::QueryInstance),
            "upgradeInstance" => UpgradeInstance::read(fields).map(Self::UpgradeInstance),
            "changeInstanceCheck" => {
                ChangeInstanceCheck::read(fields).map(Self::ChangeInstanceCheck)
            }
            "refreshLicenseCode" => RefreshLicenseCode::read(fields).map(Self::RefreshLicenseCode),
            "updateLicenseCodeStatus" => {
                UpdateLicenseCodeStatus::read(fields).map(Self::UpdateLicenseCodeStatus)
            }
            "releaseLicenseCode" => ReleaseLicenseCode::read(fields).map(Self::ReleaseLicenseCode),
            "orderNotify" => OrderNotify::read(fields).map(Self::OrderNotify),
            other => Err(unknown_activity(other)),
        }
    }

    /// The member `activity`.
    #[must_use]
    pub fn activity(&self) -> &'static str {
        match self {
            Self::NewInstance(_) => "newInstance",
            Self::RefreshInstance(_) => "refreshInstance",
            Self::UpdateInstanceStatus(_) => "updateInstanceStatus",
            Self::ReleaseInstance(_) => "releaseInstance",
            Self::GetLicenseAsync(_) => "getLicenseAsync",
            Self::QueryInstance(_) => "queryInstance",
            Self::UpgradeInstance(_) => "upgradeInstance",
            Self::ChangeInstanceCheck(_) => "changeInstanceCheck",
            Self::RefreshLicenseCode(_) => "refreshLicenseCode",
            Self::UpdateLicenseCodeStatus(_) => "updateLicenseCodeStatus",
            Self::ReleaseLicenseCode(_) => "releaseLicenseCode",
            Self::OrderNotify(_) => "orderNotify",
        }
    }

    /// Whether the console's debugging or probing sent it (`testFlag` "1").
    #[must_use]
    pub fn test(&self) -> bool {
        match self {
            Self::NewInstance(call) => call.test,
            Self::RefreshInstance(call) => call.test,
            Self::UpdateInstanceStatus(call) => call.test,
            Self::ReleaseInstance(call) => call.test,
            Self::GetLicenseAsync(call) => call.test,
            Self::QueryInstance(call) => call.test,
            Self::UpgradeInstance(call) => call.test,
            Self::ChangeInstanceCheck(call) => call.test,
            Self::RefreshLicenseCode(call) => call.test,
            Self::UpdateLicenseCodeStatus(call) => call.test,
            Self::ReleaseLicenseCode(call) => call.test,
            Self::OrderNotify(call) => call.test,
        }
    }
}

/// The refusal of an activity that is not offered.
#[must_use]
pub fn unknown_activity(activity: &str) -> Rejection {
    let activity: String = activity.chars().take(40).collect();
    Rejection::new(
        ResultCode::BadParameter,
        &format!("the activity {activity:?} is not known"),
        &format!("不支持的activity：{activity:?}"),
    )
}

impl NewInstance {
    fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        Ok(Self {
            order_id: fields.required("orderId", 64)?,
            order_line_id: fields.required("orderLineId", 64)?,
            business_id: fields.required("businessId", 64)?,
            test: fields.test()?,
        })
    }
}

impl RefreshInstance {
    fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        Ok(Self {
            scene: Scene::from_text(fields.required("scene", 64)?),
            order_id: fields.required("orderId", 64)?,
            order_line_id: fields.required("orderLineId", 64)?,
            instance_id: fields.required("instanceId", 64)?,
            product_id: fields.optional("productId", 64)?,
            expires: fields.required_time("expireTime")?,
            test: fields.test()?,
        })
    }
}

impl UpdateInstanceStatus {
    fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        Ok(Self {
            instance_id: fields.required("instanceId", 64)?,
            status: fields.status()?,
            test: fields.test()?,
        })
    }
}

impl ReleaseInstance {
    fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        Ok(Self {
            instance_id: fields.required("instanceId", 64)?,
            order_id: fields.optional("orderId", 64)?,
            order_line_id: fields.optional("orderLineId", 64)?,
            test: fields.test()?,
        })
    }
}

impl GetLicenseAsync {
    fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        Ok(Self {
            instance_id: fields.required("instanceId", 64)?,
            effective: fields.required_time("effectiveTime")?,
            expires: fields.optional_time("expireTime")?,
            event_id: fields.event()?,
            device_fingerprint: fields.device_fingerprint()?,
            test: fields.test()?,
        })
    }
}

impl QueryInstance {
    fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        Ok(Self { instance_ids: fields.instance_ids()?, test: fields.test()? })
    }
}

impl OrderNotify {
    fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        Ok(Self {
            order_id: fields.required("orderId", 64)?,
            order_line_id: fields.required("orderLineId", 64)?,
            test: fields.test()?,
        })
    }
}

#[cfg(test)]
mod tests;
