//! The calls of V1, each with every parameter's presence, type and length judged. What means the
//! same as in the newer interfaces becomes the same type.

use std::fmt;

use jiff::Span;

use crate::body::Body;
use crate::call::fields::{Fields, refused};
use crate::call::{
    QueryInstance, RefreshInstance, ReleaseInstance, Scene, Status, UpdateInstanceStatus,
    UpgradeInstance, unknown_activity,
};
use crate::code::Rejection;
use crate::time;
use crate::v1::Encryption;

pub use crate::order::ChargingMode;

/// The longest spelling of a time in V1.
const TIME_LIMIT: usize = 20;

/// One call, its parameters judged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum V1Call {
    /// `newInstance`.
    NewInstance(Purchase),
    /// `refreshInstance`.
    RefreshInstance(RefreshInstance),
    /// `expireInstance`.
    ExpireInstance(ExpireInstance),
    /// `releaseInstance`.
    ReleaseInstance(ReleaseInstance),
    /// `upgrade`.
    Upgrade(Upgrade),
    /// `instanceStatus`.
    InstanceStatus(UpdateInstanceStatus),
    /// `queryInstance`, and how secrets in the answer are to be encrypted.
    QueryInstance(QueryInstance, Option<Encryption>),
    /// `getLicense`.
    GetLicense(Purchase),
    /// `refreshLicense`.
    RefreshLicense(RefreshInstance),
    /// `expireLicense`.
    ExpireLicense(ExpireInstance),
    /// `releaseLicense`.
    ReleaseLicense(ReleaseInstance),
}

/// 新购, 获取License: an order was paid. A re-send has the same order, and when it is paid by use
/// the same product.
#[derive(Clone, Eq, PartialEq)]
pub struct Purchase {
    /// The marketplace's order.
    pub order_id: String,
    /// Different in every request, re-sends included.
    pub business_id: String,
    /// The marketplace's product.
    pub product_id: String,
    /// Its variant.
    pub sku_code: Option<String>,
    /// Who ordered.
    pub customer_id: String,
    /// That customer's name.
    pub customer_name: Option<String>,
    /// How it is paid.
    pub charging_mode: Option<ChargingMode>,
    /// For trying out.
    pub trial: bool,
    /// The end as far as it is known, UTC seconds; the order has the last word.
    pub expires: Option<i64>,
    /// For how long.
    pub period: Option<Period>,
    /// How many.
    pub amount: Option<u32>,
    /// How secrets in the answer are to be encrypted.
    pub encryption: Option<Encryption>,
    /// A call of the console's debugging.
    pub test: bool,
}

/// `periodType` and `periodNumber`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Period {
    /// What is counted.
    pub unit: PeriodUnit,
    /// How many of them.
    pub number: u32,
}

/// `periodType`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PeriodUnit {
    /// `year`.
    Year,
    /// `month`.
    Month,
    /// `day`, as orders of trials have it.
    Day,
}

/// 过期: the end of what was bought has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExpireInstance {
    /// The seller's instance.
    pub instance_id: String,
    /// The order.
    pub order_id: Option<String>,
    /// A call of the console's debugging.
    pub test: bool,
}

/// 升级: another variant or another quantity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upgrade {
    /// The seller's instance, which stays the same.
    pub instance_id: String,
    /// The order of the upgrade.
    pub order_id: String,
    /// The new product.
    pub product_id: String,
    /// Its variant.
    pub sku_code: String,
    /// How many, where it changes.
    pub amount: Option<u32>,
    /// A call of the console's debugging.
    pub test: bool,
}

/// Personal data is left out.
impl fmt::Debug for Purchase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purchase")
            .field("order_id", &self.order_id)
            .field("product_id", &self.product_id)
            .field("customer_id", &self.customer_id)
            .finish_non_exhaustive()
    }
}

impl Purchase {
    /// Whether one order has an instance for each product, as what is paid by use has. The page
    /// was seen with the numbers of the other two modes alone, so it is every mode but these: an
    /// order of one product is one instance either way.
    #[must_use]
    pub fn one_for_each_product(&self) -> bool {
        !matches!(self.charging_mode, None | Some(ChargingMode::Period | ChargingMode::OneTime))
    }

    /// Whether it was bought for a time.
    #[must_use]
    pub fn is_period(&self) -> bool {
        self.period.is_some() || self.charging_mode == Some(ChargingMode::Period)
    }

    /// The end: the one that was named, else that of the period if it began at `now`.
    #[must_use]
    pub fn end(&self, now: i64) -> Option<i64> {
        self.expires.or_else(|| self.period.map(|period| period.end(now)))
    }
}

impl Period {
    /// Its end if it began at `from`; times end with the calendar.
    #[must_use]
    pub fn end(self, from: i64) -> i64 {
        let number = i64::from(self.number);
        let span = match self.unit {
            PeriodUnit::Year => Span::new().try_years(number),
            PeriodUnit::Month => Span::new().try_months(number),
            PeriodUnit::Day => Span::new().try_days(number),
        };
        let end = span.and_then(|span| time::civil(from).checked_add(span));
        time::since_epoch(end.unwrap_or(jiff::civil::DateTime::MAX))
    }
}

impl V1Call {
    /// Reads a verified query. Parameters that no table names are tolerated.
    ///
    /// # Errors
    ///
    /// `000002` naming the parameter, or for an activity that is not one of these.
    pub fn read(query: &Body) -> Result<Self, Rejection> {
        let fields = Fields(query);
        match fields.required("activity", 20)?.as_str() {
            "newInstance" => purchase(fields).map(Self::NewInstance),
            "refreshInstance" => refresh(fields).map(Self::RefreshInstance),
            "expireInstance" => expire(fields).map(Self::ExpireInstance),
            "releaseInstance" => release(fields).map(Self::ReleaseInstance),
            "upgrade" => upgrade(fields).map(Self::Upgrade),
            "instanceStatus" => status(fields).map(Self::InstanceStatus),
            "queryInstance" => {
                let call =
                    QueryInstance { instance_ids: fields.instance_ids()?, test: fields.test()? };
                Ok(Self::QueryInstance(call, encryption(fields)?))
            }
            "getLicense" => purchase(fields).map(Self::GetLicense),
            "refreshLicense" => refresh(fields).map(Self::RefreshLicense),
            "expireLicense" => expire(fields).map(Self::ExpireLicense),
            "releaseLicense" => release(fields).map(Self::ReleaseLicense),
            other => Err(unknown_activity(other)),
        }
    }

    /// The parameter `activity`.
    #[must_use]
    pub fn activity(&self) -> &'static str {
        match self {
            Self::NewInstance(_) => "newInstance",
            Self::RefreshInstance(_) => "refreshInstance",
            Self::ExpireInstance(_) => "expireInstance",
            Self::ReleaseInstance(_) => "releaseInstance",
            Self::Upgrade(_) => "upgrade",
            Self::InstanceStatus(_) => "instanceStatus",
            Self::QueryInstance(..) => "queryInstance",
            Self::GetLicense(_) => "getLicense",
            Self::RefreshLicense(_) => "refreshLicense",
            Self::ExpireLicense(_) => "expireLicense",
            Self::ReleaseLicense(_) => "releaseLicense",
        }
    }

    /// How secrets in the answer are to be encrypted, if they are.
    #[must_use]
    pub fn encryption(&self) -> Option<Encryption> {
        match self {
            Self::NewInstance(call) | Self::GetLicense(call) => call.encryption,
            Self::QueryInstance(_, encryption) => *encryption,
            _ => None,
        }
    }
}

/// It is the same order of an upgrade; V1 has no lines.
impl From<Upgrade> for UpgradeInstance {
    fn from(call: Upgrade) -> Self {
        Self {
            instance_id: call.instance_id,
            order_id: call.order_id,
            order_line_id: String::new(),
            test: call.test,
        }
    }
}

fn purchase(fields: Fields<'_>) -> Result<Purchase, Rejection> {
    ignored(fields)?;
    for (name, max) in [("userId", 64), ("userName", 64)] {
        fields.optional(name, max)?;
    }
    Ok(Purchase {
        order_id: fields.required("orderId", 64)?,
        business_id: fields.required("businessId", 64)?,
        product_id: fields.required("productId", 64)?,
        sku_code: fields.optional("skuCode", 64)?,
        customer_id: fields.required("customerId", 100)?,
        customer_name: fields.optional("customerName", 64)?,
        charging_mode: fields.optional("chargingMode", 25)?.map(charging_mode),
        trial: fields.flag("trialFlag")?,
        expires: optional_time(fields)?,
        period: period(fields)?,
        amount: amount(fields)?,
        encryption: encryption(fields)?,
        test: fields.test()?,
    })
}

fn refresh(fields: Fields<'_>) -> Result<RefreshInstance, Rejection> {
    ignored(fields)?;
    period(fields)?;
    Ok(RefreshInstance {
        scene: if fields.flag("trialToFormal")? { Scene::TrialToFormal } else { Scene::Renewal },
        order_id: fields.required("orderId", 64)?,
        order_line_id: String::new(),
        instance_id: fields.required("instanceId", 64)?,
        product_id: fields.optional("productId", 64)?,
        expires: optional_time(fields)?
            .ok_or_else(|| refused("expireTime", "is missing", "缺失"))?,
        test: fields.test()?,
    })
}

fn expire(fields: Fields<'_>) -> Result<ExpireInstance, Rejection> {
    Ok(ExpireInstance {
        instance_id: fields.required("instanceId", 64)?,
        order_id: fields.optional("orderId", 64)?,
        test: fields.test()?,
    })
}

fn release(fields: Fields<'_>) -> Result<ReleaseInstance, Rejection> {
    Ok(ReleaseInstance {
        instance_id: fields.required("instanceId", 64)?,
        order_id: Some(fields.required("orderId", 64)?),
        order_line_id: None,
        test: fields.test()?,
    })
}

fn upgrade(fields: Fields<'_>) -> Result<Upgrade, Rejection> {
    ignored(fields)?;
    Ok(Upgrade {
        instance_id: fields.required("instanceId", 64)?,
        order_id: fields.required("orderId", 64)?,
        product_id: fields.required("productId", 64)?,
        sku_code: fields.required("skuCode", 64)?,
        amount: amount(fields)?,
        test: fields.test()?,
    })
}

fn status(fields: Fields<'_>) -> Result<UpdateInstanceStatus, Rejection> {
    Ok(UpdateInstanceStatus {
        instance_id: fields.required("instanceId", 64)?,
        status: match fields.required("instanceStatus", 32)?.as_str() {
            "FREEZE" => Status::Freeze,
            "NORMAL" => Status::Unfreeze,
            _ => {
                return Err(refused(
                    "instanceStatus",
                    "is neither FREEZE nor NORMAL",
                    "应为FREEZE或NORMAL",
                ));
            }
        },
        test: fields.test()?,
    })
}

/// What is judged and has no meaning here.
fn ignored(fields: Fields<'_>) -> Result<(), Rejection> {
    for name in ["diskSize", "bandWidth"] {
        fields.number(name, 7)?;
    }
    if let Some(text) = fields.optional("orderAmount", 20)? {
        let (whole, decimals) = text.split_once('.').unwrap_or((&text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) {
            return Err(refused("orderAmount", "is not an amount", "不是合法的金额"));
        }
    }
    Ok(())
}

/// The numbers of the table, those of the vendor's billing where the table was not seen, and the
/// newer interfaces' words.
fn charging_mode(text: String) -> ChargingMode {
    match text.as_str() {
        "0" | "ON_DEMAND" => ChargingMode::OnDemand,
        "1" | "PERIOD" => ChargingMode::Period,
        "3" | "ONE_TIME" => ChargingMode::OneTime,
        "ON_DEMAND_PKG" => ChargingMode::OnDemandPkg,
        _ => ChargingMode::Other(text),
    }
}

fn period(fields: Fields<'_>) -> Result<Option<Period>, Rejection> {
    let unit = match fields.optional("periodType", 10)?.as_deref() {
        None => None,
        Some("year") => Some(PeriodUnit::Year),
        Some("month") => Some(PeriodUnit::Month),
        Some("day") => Some(PeriodUnit::Day),
        Some(_) => {
            return Err(refused("periodType", "is neither year nor month", "应为year或month"));
        }
    };
    let number = fields.number("periodNumber", 2)?;
    Ok(unit.map(|unit| Period { unit, number: number.unwrap_or(1).max(1) }))
}

fn encryption(fields: Fields<'_>) -> Result<Option<Encryption>, Rejection> {
    let Some(text) = fields.optional("encryptType", 2)? else { return Ok(None) };
    let refused = || refused("encryptType", "is not a number", "不是数字");
    Encryption::from_text(&text).map(Some).ok_or_else(refused)
}

/// None where nothing is counted.
fn amount(fields: Fields<'_>) -> Result<Option<u32>, Rejection> {
    Ok(fields.number("amount", 7)?.filter(|amount| *amount > 0))
}

fn optional_time(fields: Fields<'_>) -> Result<Option<i64>, Rejection> {
    fields.optional("expireTime", TIME_LIMIT)?;
    fields.optional_time("expireTime")
}

#[cfg(test)]
mod tests;
