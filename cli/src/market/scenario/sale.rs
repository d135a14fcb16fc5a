//! The orders that the marketplace sells, as "query order" answers them.

use serde_json::{Value, json};

use crate::market::console::stamp;

/// One order.
#[derive(Clone, Debug)]
pub(super) struct Sale<'a> {
    pub(super) id: &'a str,
    /// `NEW`, `TRIAL`, `TRIAL_TO_FORMAL`, `RENEW`, `CHANGE`.
    pub(super) kind: &'a str,
    pub(super) product_id: &'a str,
    pub(super) sku_code: &'a str,
    pub(super) quantity: u32,
    /// None: bought once and for all.
    pub(super) expires: Option<i64>,
    pub(super) now: i64,
}

pub(super) fn line_of(order: &str) -> String {
    format!("{order}-000001")
}

impl Sale<'_> {
    pub(super) fn json(&self) -> Value {
        let digits = |secs| stamp("%Y%m%d%H%M%S", secs);
        let mut line = json!({
            "orderLineId": line_of(self.id),
            "chargingMode": if self.expires.is_some() { "PERIOD" } else { "ONE_TIME" },
            "productInfo": [{
                "productId": self.product_id, "skuCode": self.sku_code,
                "linearValue": self.quantity, "productName": "FlowSim",
            }],
            "extendParams": [],
            "currency": "100", "currencyAfterDiscount": "100",
        });
        if let Some(expires) = self.expires {
            line["expireTime"] = digits(expires).into();
            line["periodType"] = "year".into();
            line["periodNumber"] = 1.into();
        }
        json!({
            "orderId": self.id, "orderType": self.kind, "createTime": digits(self.now),
            "orderLine": [line],
            "buyerInfo": {
                "mobilePhone": null, "email": null, "customerId": "mock-customer",
                "customerName": "mock_user_01",
                "customerRealName": "示例工业软件(深圳)有限公司", "customerType": 0,
                "userId": null, "userName": null,
            },
            "extendParams": [],
        })
    }
}
