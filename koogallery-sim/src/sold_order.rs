//! An order that was sold, as "query order" answers it.

use koogallery::time::compact;
use serde_json::{Value, json};

/// One order with one line.
#[derive(Clone, Debug)]
pub struct SoldOrder {
    /// Its id; the line's is this one with `-000001`.
    pub id: String,
    /// `NEW`, `TRIAL`, `TRIAL_TO_FORMAL`, `RENEW`, `CHANGE`.
    pub kind: &'static str,
    /// `PERIOD`, `ONE_TIME`, `ON_DEMAND`.
    pub charging: &'static str,
    /// The marketplace's product.
    pub product_id: String,
    /// Its SKU.
    pub sku_code: String,
    /// How many machines were bought.
    pub quantity: u32,
    /// The end of a period; none: bought once and for all, or by use.
    pub expires: Option<i64>,
    /// When it was placed.
    pub created: i64,
    /// The buyer's real name.
    pub customer: String,
}

pub(crate) fn line_of(order: &str) -> String {
    format!("{order}-000001")
}

impl SoldOrder {
    /// The `orderInfo` of an answer.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut line = json!({
            "orderLineId": line_of(&self.id),
            "chargingMode": self.charging,
            "productInfo": [{
                "productId": self.product_id, "skuCode": self.sku_code,
                "linearValue": self.quantity, "productName": "FlowSim",
            }],
            "extendParams": [{ "name": "ip", "value": "127.0.0.1" }],
            "currency": "100", "currencyAfterDiscount": "100",
        });
        if let Some(expires) = self.expires {
            line["expireTime"] = compact(expires).into();
            line["periodType"] = "year".into();
            line["periodNumber"] = 1.into();
        }
        json!({
            "orderId": self.id, "orderType": self.kind, "createTime": compact(self.created),
            "orderLine": [line],
            "buyerInfo": {
                "mobilePhone": null, "email": null, "customerId": "mock-customer",
                "customerName": "mock_user_01",
                "customerRealName": self.customer, "customerType": 0,
                "userId": null, "userName": null,
            },
            "extendParams": [],
        })
    }
}
