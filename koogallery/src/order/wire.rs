//! An order to and from the marketplace's JSON.

use serde_json::{Value, json};

use super::{Buyer, ChargingMode, ExtendParam, Order, OrderLine, OrderProduct, OrderType};
use crate::time;

/// JSON that is no order.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the order has no usable {0}")]
pub struct InvalidOrder(pub &'static str);

/// The answer that carries an order, for a simulated marketplace.
#[must_use]
pub fn answer(order: &Order) -> Vec<u8> {
    json!({ "resultCode": "MKT.0000", "resultMsg": "Success", "orderInfo": order.to_json() })
        .to_string()
        .into_bytes()
}

/// The answer that refuses, for a simulated marketplace.
#[must_use]
pub fn refusal(code: &str, message: &str) -> Vec<u8> {
    json!({ "resultCode": code, "resultMsg": message }).to_string().into_bytes()
}

impl Order {
    /// Reads `orderInfo`.
    ///
    /// # Errors
    ///
    /// Without an order's or a line's ID, or with a time that is none: a License must not be
    /// made from a date that was misread.
    pub fn from_json(info: &Value) -> Result<Self, InvalidOrder> {
        Ok(Self {
            order_id: text(info, "orderId").ok_or(InvalidOrder("orderId"))?,
            order_type: OrderType::from_text(text(info, "orderType").unwrap_or_default()),
            create_time: when(info, "createTime")?,
            lines: list(info, "orderLine").map(OrderLine::from_json).collect::<Result<_, _>>()?,
            buyer: info.get("buyerInfo").filter(|b| b.is_object()).map(Buyer::from_json),
        })
    }

    /// Writes `orderInfo`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "orderId": self.order_id,
            "orderType": self.order_type.as_str(),
            "createTime": self.create_time.map(time::compact),
            "orderLine": self.lines.iter().map(OrderLine::to_json).collect::<Vec<_>>(),
            "buyerInfo": self.buyer.as_ref().map(Buyer::to_json),
            "extendParams": [],
        })
    }
}

impl OrderLine {
    fn from_json(line: &Value) -> Result<Self, InvalidOrder> {
        Ok(Self {
            id: text(line, "orderLineId").ok_or(InvalidOrder("orderLineId"))?,
            charging_mode: ChargingMode::from_text(text(line, "chargingMode").unwrap_or_default()),
            expire_time: when(line, "expireTime")?,
            period_type: text(line, "periodType"),
            period_number: number(line, "periodNumber"),
            products: list(line, "productInfo").filter_map(OrderProduct::from_json).collect(),
            extend_params: list(line, "extendParams").filter_map(ExtendParam::from_json).collect(),
            currency: text(line, "currency"),
            currency_after_discount: text(line, "currencyAfterDiscount"),
        })
    }

    fn to_json(&self) -> Value {
        json!({
            "orderLineId": self.id,
            "chargingMode": self.charging_mode.as_str(),
            "periodType": self.period_type,
            "periodNumber": self.period_number,
            "expireTime": self.expire_time.map(time::compact),
            "productInfo": self.products.iter().map(OrderProduct::to_json).collect::<Vec<_>>(),
            "extendParams": self.extend_params.iter().map(ExtendParam::to_json).collect::<Vec<_>>(),
            "currency": self.currency,
            "currencyAfterDiscount": self.currency_after_discount,
        })
    }
}

impl OrderProduct {
    fn from_json(product: &Value) -> Option<Self> {
        Some(Self {
            product_id: text(product, "productId")?,
            sku_code: text(product, "skuCode"),
            linear_value: number(product, "linearValue"),
            product_name: text(product, "productName"),
        })
    }

    fn to_json(&self) -> Value {
        json!({
            "productId": self.product_id,
            "skuCode": self.sku_code,
            "linearValue": self.linear_value,
            "productName": self.product_name,
        })
    }
}

impl ExtendParam {
    /// The order's table says key and value, the line's samples name and value.
    fn from_json(param: &Value) -> Option<Self> {
        Some(Self {
            name: text(param, "name").or_else(|| text(param, "key"))?,
            value: text(param, "value").unwrap_or_default(),
        })
    }

    fn to_json(&self) -> Value {
        json!({ "name": self.name, "value": self.value })
    }
}

impl Buyer {
    fn from_json(buyer: &Value) -> Self {
        Self {
            customer_id: text(buyer, "customerId"),
            customer_name: text(buyer, "customerName"),
            customer_real_name: text(buyer, "customerRealName"),
            customer_type: number(buyer, "customerType"),
            user_id: text(buyer, "userId"),
            user_name: text(buyer, "userName"),
            mobile_phone: text(buyer, "mobilePhone"),
            email: text(buyer, "email"),
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "mobilePhone": self.mobile_phone,
            "email": self.email,
            "customerId": self.customer_id,
            "customerName": self.customer_name,
            "customerRealName": self.customer_real_name,
            "customerType": self.customer_type,
            "userId": self.user_id,
            "userName": self.user_name,
        })
    }
}

impl OrderType {
    /// The marketplace's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::New => "NEW",
            Self::Trial => "TRIAL",
            Self::TrialToFormal => "TRIAL_TO_FORMAL",
            Self::Unsubscribe => "UNSUBSCRIBE",
            Self::Renew => "RENEW",
            Self::Change => "CHANGE",
            Self::Other(text) => text,
        }
    }

    fn from_text(text: String) -> Self {
        match text.as_str() {
            "NEW" => Self::New,
            "TRIAL" => Self::Trial,
            "TRIAL_TO_FORMAL" => Self::TrialToFormal,
            "UNSUBSCRIBE" => Self::Unsubscribe,
            "RENEW" => Self::Renew,
            "CHANGE" => Self::Change,
            _ => Self::Other(text),
        }
    }
}

impl ChargingMode {
    /// The marketplace's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::OnDemand => "ON_DEMAND",
            Self::OneTime => "ONE_TIME",
            Self::Period => "PERIOD",
            Self::OnDemandPkg => "ON_DEMAND_PKG",
            Self::Other(text) => text,
        }
    }

    /// The mode of the marketplace's word.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        match text.as_str() {
            "ON_DEMAND" => Self::OnDemand,
            "ONE_TIME" => Self::OneTime,
            "PERIOD" => Self::Period,
            "ON_DEMAND_PKG" => Self::OnDemandPkg,
            _ => Self::Other(text),
        }
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number, as itself, as a float or as text.
fn number(value: &Value, name: &str) -> Option<i64> {
    let text = text(value, name)?;
    let text = text.trim();
    let whole = text.split_once('.').map_or(text, |(whole, fraction)| {
        if fraction.bytes().all(|b| b == b'0') { whole } else { text }
    });
    whole.parse().ok()
}

fn when(value: &Value, name: &'static str) -> Result<Option<i64>, InvalidOrder> {
    match text(value, name) {
        None => Ok(None),
        Some(text) => time::parse(&text).map(Some).ok_or(InvalidOrder(name)),
    }
}

/// A list, or its single element where the list was left out.
fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    match value.get(name) {
        Some(Value::Array(elements)) => elements.as_slice(),
        Some(element @ Value::Object(_)) => std::slice::from_ref(element),
        _ => &[],
    }
    .iter()
}
