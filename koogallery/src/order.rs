//! "Query an order": the request, the answer read leniently, and the same answer written for
//! a simulated marketplace.

mod mock;
mod wire;

use std::fmt;

use percent_encoding::utf8_percent_encode;

use crate::RESERVED;
use crate::failure::{self, Failure};

pub use mock::{MOCK_ORDERS, mock};
pub use wire::{InvalidOrder, answer, refusal};

/// The path of the request, without its query.
pub const PATH: &str = "/api/mkp-openapi-public/global/v1/order/query";

/// An order. What the marketplace leaves out is `None`; times are UTC seconds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Order {
    /// The marketplace's ID.
    pub order_id: String,
    /// What was ordered.
    pub order_type: OrderType,
    /// When it was ordered, not from when it is in force.
    pub create_time: Option<i64>,
    /// Its lines.
    pub lines: Vec<OrderLine>,
    /// Who ordered.
    pub buyer: Option<Buyer>,
}

/// `orderType`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OrderType {
    /// `NEW`.
    New,
    /// `TRIAL`.
    Trial,
    /// `TRIAL_TO_FORMAL`.
    TrialToFormal,
    /// `UNSUBSCRIBE`.
    Unsubscribe,
    /// `RENEW`.
    Renew,
    /// `CHANGE`.
    Change,
    /// One that the guide does not list.
    Other(String),
}

/// `chargingMode`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ChargingMode {
    /// `ON_DEMAND`: pay per use.
    OnDemand,
    /// `ONE_TIME`.
    OneTime,
    /// `PERIOD`: by the month or year.
    Period,
    /// `ON_DEMAND_PKG`: a package of use.
    OnDemandPkg,
    /// One that the guide does not list.
    Other(String),
}

/// One line of an order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OrderLine {
    /// The marketplace's ID.
    pub id: String,
    /// How it is paid.
    pub charging_mode: ChargingMode,
    /// The end of what was ordered.
    pub expire_time: Option<i64>,
    /// `year`, `month`, `day`.
    pub period_type: Option<String>,
    /// How many of them.
    pub period_number: Option<i64>,
    /// What was ordered.
    pub products: Vec<OrderProduct>,
    /// The buyer's own parameters, as the product asks for them.
    pub extend_params: Vec<ExtendParam>,
    /// The price.
    pub currency: Option<String>,
    /// The price that was paid.
    pub currency_after_discount: Option<String>,
}

/// One product in a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OrderProduct {
    /// The marketplace's product.
    pub product_id: String,
    /// Its variant.
    pub sku_code: Option<String>,
    /// The quantity, where the variant has one.
    pub linear_value: Option<i64>,
    /// The name in the shop.
    pub product_name: Option<String>,
}

/// One of the buyer's own parameters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExtendParam {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Who ordered. Personal data: its debugging form shows the customer's ID alone.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Buyer {
    /// The customer's ID.
    pub customer_id: Option<String>,
    /// The customer's account.
    pub customer_name: Option<String>,
    /// The customer's name in the register.
    pub customer_real_name: Option<String>,
    /// 0 and up; the numbers are not published.
    pub customer_type: Option<i64>,
    /// The user of that account.
    pub user_id: Option<String>,
    /// That user's name.
    pub user_name: Option<String>,
    /// A telephone number.
    pub mobile_phone: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
}

impl fmt::Debug for Buyer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buyer").field("customer_id", &self.customer_id).finish_non_exhaustive()
    }
}

impl Order {
    /// The line of that ID.
    #[must_use]
    pub fn line(&self, id: &str) -> Option<&OrderLine> {
        self.lines.iter().find(|line| line.id == id)
    }

    /// Whether it is a trial.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.order_type == OrderType::Trial
    }
}

impl OrderLine {
    /// Whether it is for a period, so that a License needs an end.
    #[must_use]
    pub fn is_period(&self) -> bool {
        self.charging_mode == ChargingMode::Period
    }
}

impl ChargingMode {
    /// Whether what is used is paid for by its quantity; `None` where the word is not known.
    #[must_use]
    pub const fn is_by_use(&self) -> Option<bool> {
        match self {
            Self::OnDemand | Self::OnDemandPkg => Some(true),
            Self::OneTime | Self::Period => Some(false),
            Self::Other(_) => None,
        }
    }
}

impl OrderProduct {
    /// The quantity; one where the order has none.
    #[must_use]
    pub fn quantity(&self) -> u32 {
        self.linear_value.map_or(1, |n| u32::try_from(n.max(1)).unwrap_or(u32::MAX))
    }
}

/// Path and query of the request.
#[must_use]
pub fn query_path(order_id: &str, order_line_id: Option<&str>) -> String {
    let encoded = |id| utf8_percent_encode(id, RESERVED);
    let line = order_line_id.map(|id| format!("&orderLineId={}", encoded(id))).unwrap_or_default();
    format!("{PATH}?orderId={}{line}", encoded(order_id))
}

/// Reads the marketplace's answer. Members that are not known, that are absent or `null`, and
/// numbers written as text are all taken.
///
/// # Errors
///
/// What the marketplace said instead, or that its answer holds no order.
pub fn read_answer(status: u16, body: &[u8]) -> Result<Order, Failure> {
    let answer = failure::read(status, body)?;
    let info = answer
        .get("orderInfo")
        .filter(|info| info.is_object())
        .ok_or_else(|| Failure::unreadable(status, "the answer holds no orderInfo"))?;
    Order::from_json(info).map_err(|reason| Failure::unreadable(status, &reason.to_string()))
}

#[cfg(test)]
mod tests;
