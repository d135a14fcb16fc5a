//! "Query an order".

use std::collections::HashMap;

use koogallery::order;

use crate::api_message::{ApiAnswer, ApiRequest};
use crate::events::MarketEvent;
use crate::lock::locked;
use crate::simulator::Simulator;

impl Simulator {
    pub(super) fn query_order(&self, request: &ApiRequest<'_>) -> ApiAnswer {
        if let Err(refused) = self.authenticate(request) {
            return self.refuse(request, 401, "MKT.0154", &refused.to_string(), &order::refusal);
        }
        let query: HashMap<String, String> = axum::extract::Query::try_from_uri(request.uri)
            .map(|query| query.0)
            .unwrap_or_default();
        let Some(id) = query.get("orderId").filter(|id| !id.is_empty()) else {
            return self.refuse(request, 400, "MKT.0101", "orderId is missing", &order::refusal);
        };
        let line = query.get("orderLineId").filter(|line| !line.is_empty()).cloned();
        let found = {
            let mut orders = locked(&self.orders);
            if let Err(error) = orders.refresh() {
                self.report(MarketEvent::Trouble(format!("{error:#}")));
            }
            orders.find(id, line.as_deref(), self.now())
        };
        self.report(MarketEvent::OrderAsked { order: id.clone(), line, known: found.is_some() });
        match found {
            Some(info) => {
                let answer = serde_json::json!({
                    "resultCode": "MKT.0000", "resultMsg": "Success", "orderInfo": info,
                });
                ApiAnswer::json(200, &answer)
            }
            None => ApiAnswer::new(400, order::refusal("MKT.0101", "the order does not exist")),
        }
    }
}
