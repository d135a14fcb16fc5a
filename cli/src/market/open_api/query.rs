//! "Query an order".

use std::collections::HashMap;

use koogallery::order;

use super::{Answer, Asked, Happening, Marketplace, locked};

impl Marketplace {
    pub(super) fn query_order(&self, asked: &Asked<'_>) -> Answer {
        if let Err(refused) = self.authenticate(asked) {
            return self.refuse(asked, 401, "MKT.0154", &refused.to_string(), &order::refusal);
        }
        let query: HashMap<String, String> =
            axum::extract::Query::try_from_uri(asked.uri).map(|query| query.0).unwrap_or_default();
        let Some(id) = query.get("orderId").filter(|id| !id.is_empty()) else {
            return self.refuse(asked, 400, "MKT.0101", "orderId is missing", &order::refusal);
        };
        let line = query.get("orderLineId").filter(|line| !line.is_empty()).cloned();
        let found = {
            let mut orders = locked(&self.orders);
            if let Err(error) = orders.refresh() {
                self.tell(Happening::Trouble(format!("{error:#}")));
            }
            orders.find(id, line.as_deref(), self.now().as_secs())
        };
        self.tell(Happening::OrderAsked { order: id.clone(), line, known: found.is_some() });
        match found {
            Some(info) => {
                let answer = serde_json::json!({
                    "resultCode": "MKT.0000", "resultMsg": "Success", "orderInfo": info,
                });
                Answer::json(200, &answer)
            }
            None => Answer::new(400, order::refusal("MKT.0101", "the order does not exist")),
        }
    }
}
