//! The orders that the marketplace answers for debugging ("query an order", MOCK orders).

use jiff::Span;
use jiff::ToSpan as _;

use super::{Buyer, ChargingMode, Order, OrderLine, OrderProduct, OrderType};
use crate::time;

/// Their IDs, spelled as the vendor spells them.
pub const MOCK_ORDERS: [&str; 9] = [
    "MOCKPERIODYEARNEW",
    "MOCKONETIMENEW",
    "MOCKONDEMAND",
    "MOCKONDEMANDPKG",
    "MOCKPERIODDAYTRIAL",
    "MOCKMONTYTRIALTOFORMAL",
    "MOCKMONTYUNSUBSCRIBE",
    "MOCKMONTYRENEW",
    "MOCKMONTYCHANGE",
];

/// The debugging order of that ID, as if ordered at `now` (UTC seconds); product and quantity are
/// those of the printed sample. Periods end with their last day.
#[must_use]
pub fn mock(order_id: &str, now: i64) -> Option<Order> {
    use ChargingMode::{OnDemand, OnDemandPkg, OneTime, Period};
    use OrderType::{Change, New, Renew, Trial, TrialToFormal, Unsubscribe};

    let (order_type, charging_mode, period) = match order_id {
        "MOCKPERIODYEARNEW" => (New, Period, Some(("year", 1))),
        "MOCKONETIMENEW" => (New, OneTime, None),
        "MOCKONDEMAND" => (New, OnDemand, None),
        "MOCKONDEMANDPKG" => (New, OnDemandPkg, Some(("year", 1))),
        "MOCKPERIODDAYTRIAL" => (Trial, Period, Some(("day", 7))),
        "MOCKMONTYTRIALTOFORMAL" => (TrialToFormal, Period, Some(("month", 1))),
        "MOCKMONTYUNSUBSCRIBE" => (Unsubscribe, Period, Some(("month", 1))),
        "MOCKMONTYRENEW" => (Renew, Period, Some(("month", 1))),
        "MOCKMONTYCHANGE" => (Change, Period, Some(("month", 1))),
        _ => return None,
    };

    Some(Order {
        order_id: order_id.to_owned(),
        order_type,
        create_time: Some(now),
        lines: vec![OrderLine {
            id: format!("{order_id}-000001"),
            charging_mode,
            expire_time: period.map(|(unit, number)| end(now, unit, number)),
            period_type: period.map(|(unit, _)| unit.to_owned()),
            period_number: period.map(|(_, number)| number),
            products: vec![OrderProduct {
                product_id: "OFFI846204237451911168".to_owned(),
                sku_code: Some("0a4d1578-5295-46a7-92d4-7c803dccc51d".to_owned()),
                linear_value: Some(50),
                product_name: Some("mock product".to_owned()),
            }],
            extend_params: Vec::new(),
            currency: Some("100".to_owned()),
            currency_after_discount: Some("100".to_owned()),
        }],
        buyer: Some(Buyer {
            customer_id: Some("mock_customer_01".to_owned()),
            customer_name: Some("mock_user_01".to_owned()),
            customer_type: Some(0),
            ..Buyer::default()
        }),
    })
}

fn end(now: i64, unit: &str, number: i64) -> i64 {
    let span: Span = match unit {
        "year" => number.years(),
        "month" => number.months(),
        _ => number.days(),
    };
    let last_day = time::civil(now).date().saturating_add(span);
    time::since_epoch(last_day.at(23, 59, 59, 0))
}
