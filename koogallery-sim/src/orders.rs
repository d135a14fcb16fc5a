//! The orders that can be asked for: the MOCK orders, and those of a file that may change.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use koogallery::order::{self, Order};
use serde_json::Value;

/// Why the orders of a file cannot be sold.
#[derive(Debug, thiserror::Error)]
pub enum OrdersError {
    /// The file cannot be read.
    #[error("reading the orders in {}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// What is in the file are no orders.
    #[error("reading the orders in {}: {source}", file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: OrderListError,
    },
}

/// What is wrong with a list of orders; numbers count from 1.
#[derive(Debug, thiserror::Error)]
pub enum OrderListError {
    /// The text is no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A JSON value of another kind.
    #[error("neither an order nor an array of orders")]
    NeitherOrderNorList,
    /// One of them is no order.
    #[error("order {0}: {1}")]
    Order(usize, order::InvalidOrder),
    /// An order that sells nothing.
    #[error("order {0} ({1}) has no orderLine")]
    NoLine(usize, String),
    /// Two orders of one id.
    #[error("order {0} is there twice")]
    Twice(String),
}

/// Orders by their id.
#[derive(Debug, Default)]
pub struct OrderStore {
    file: Option<PathBuf>,
    read_at: Option<(SystemTime, u64)>,
    orders: BTreeMap<String, Value>,
    /// What a scenario sells; a file that changes leaves it alone.
    sold: BTreeMap<String, Value>,
}

impl OrderStore {
    /// The orders of a file, where there is one.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, or holds no orders.
    pub fn open(file: Option<&Path>) -> Result<Self, OrdersError> {
        let mut store = Self { file: file.map(Path::to_owned), ..Self::default() };
        store.refresh()?;
        Ok(store)
    }

    /// Reads the file where it has changed since; what was read stays where the new one is wrong.
    pub(crate) fn refresh(&mut self) -> Result<(), OrdersError> {
        let Some(file) = &self.file else { return Ok(()) };
        let unreadable = |source| OrdersError::File { file: file.clone(), source };
        let about = fs::metadata(file).map_err(unreadable)?;
        let stamp = (about.modified().map_err(unreadable)?, about.len());
        if self.read_at == Some(stamp) {
            return Ok(());
        }
        // Before it is read: a broken file is complained about once, not at every question.
        self.read_at = Some(stamp);
        let text = fs::read_to_string(file).map_err(unreadable)?;
        let orders = parse(&text);
        self.orders =
            orders.map_err(|source| OrdersError::Content { file: file.clone(), source })?;
        Ok(())
    }

    /// How many the file holds.
    #[must_use]
    pub fn file_len(&self) -> usize {
        self.orders.len()
    }

    /// Sells: the order can be asked for from now on.
    pub(crate) fn sell(&mut self, id: String, order: Value) {
        self.sold.insert(id, order);
    }

    /// The `orderInfo` to answer; with a line, of that line alone.
    pub(crate) fn find(&self, id: &str, line: Option<&str>, now: i64) -> Option<Value> {
        let known = self.orders.get(id).or_else(|| self.sold.get(id)).cloned();
        let mut order = known.or_else(|| order::mock(id, now).map(|order| order.to_json()))?;
        if let Some(line) = line {
            let lines = order.get_mut("orderLine")?.as_array_mut()?;
            lines.retain(|one| one.get("orderLineId").and_then(Value::as_str) == Some(line));
            if lines.is_empty() {
                return None;
            }
        }
        Some(order)
    }
}

/// One order, a list of them, or whole answers of the marketplace.
fn parse(text: &str) -> Result<BTreeMap<String, Value>, OrderListError> {
    let all = match serde_json::from_str(text.trim_start_matches('\u{feff}'))? {
        Value::Array(all) => all,
        one @ Value::Object(_) => vec![one],
        _ => return Err(OrderListError::NeitherOrderNorList),
    };
    let mut orders = BTreeMap::new();
    for (index, mut one) in all.into_iter().enumerate() {
        if let Some(info) = one.get_mut("orderInfo") {
            one = info.take();
        }
        let order =
            Order::from_json(&one).map_err(|error| OrderListError::Order(index + 1, error))?;
        if order.lines.is_empty() {
            return Err(OrderListError::NoLine(index + 1, order.order_id));
        }
        if orders.insert(order.order_id.clone(), one).is_some() {
            return Err(OrderListError::Twice(order.order_id));
        }
    }
    Ok(orders)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_790_000_000;

    fn order(id: &str) -> Value {
        json!({
            "orderId": id, "orderType": "NEW", "createTime": "20270101000000",
            "orderLine": [
                { "orderLineId": format!("{id}-000001"), "chargingMode": "ONE_TIME" },
                { "orderLineId": format!("{id}-000002"), "chargingMode": "ONE_TIME" },
            ],
        })
    }

    #[test]
    fn every_mock_order_is_there() {
        let store = OrderStore::open(None).unwrap();
        for id in order::MOCK_ORDERS {
            let info = store.find(id, Some(&format!("{id}-000001")), NOW).unwrap();
            assert_eq!(info["orderId"], *id);
        }
        assert_eq!(store.find("CS1", None, NOW), None);
        assert_eq!(store.find("MOCKONETIMENEW", Some("other"), NOW), None);
    }

    #[test]
    fn a_line_is_picked_out() {
        let store = OrderStore {
            orders: parse(&order("CS1").to_string()).unwrap(),
            ..OrderStore::default()
        };
        assert_eq!(store.find("CS1", None, NOW).unwrap()["orderLine"].as_array().unwrap().len(), 2);
        let picked = store.find("CS1", Some("CS1-000002"), NOW).unwrap();
        assert_eq!(picked["orderLine"].as_array().unwrap().len(), 1);
        assert_eq!(picked["orderLine"][0]["orderLineId"], "CS1-000002");
    }

    #[test]
    fn lists_and_whole_answers_are_read() {
        let answer = json!({ "resultCode": "MKT.0000", "orderInfo": order("CS2") });
        let orders = parse(&json!([order("CS1"), answer]).to_string()).unwrap();
        assert_eq!(orders.keys().collect::<Vec<_>>(), ["CS1", "CS2"]);
    }

    #[test]
    fn what_is_no_order_is_named() {
        for (text, why) in [
            ("[1]", "order 1: the order has no usable orderId"),
            (r#"[{"orderId":"CS1"}]"#, "order 1 (CS1) has no orderLine"),
            (&json!([order("CS1"), order("CS1")]).to_string(), "order CS1 is there twice"),
            ("7", "neither an order nor an array of orders"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), why);
        }
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_broken_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("orders.json");
        fs::write(&file, order("CS1").to_string()).unwrap();
        let mut store = OrderStore::open(Some(&file)).unwrap();
        assert!(store.find("CS1", None, NOW).is_some());

        fs::write(&file, json!([order("CS1"), order("CS22")]).to_string()).unwrap();
        store.refresh().unwrap();
        assert!(store.find("CS22", None, NOW).is_some());

        fs::write(&file, "{").unwrap();
        assert!(store.refresh().is_err());
        assert!(store.refresh().is_ok(), "complains once");
        assert!(store.find("CS22", None, NOW).is_some());
    }
}
