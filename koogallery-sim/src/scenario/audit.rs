//! Compares the expected state of every order with what the seller answers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::expected::{ExpectedOrder, ExpectedState};
use crate::codes::CodeStore;
use crate::conformance::names_instance;
use crate::endpoint::{EndpointError, EndpointReply, Endpoints};
use crate::lock::locked;
use crate::message::Message;
use crate::received_uploads::ReceivedUploads;
use crate::simulator::Simulator;

/// The most instances that one `queryInstance` names.
const MAX_QUERY_BATCH: usize = 100;
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// The seller's own lists, where an operator's token opens them.
pub trait SellerRecords {
    /// Why a list could not be read.
    type Error;

    /// Every instance, as the seller's admin API lists it.
    ///
    /// # Errors
    ///
    /// Where the list cannot be read.
    fn instances(&self) -> Result<Vec<Value>, Self::Error>;

    /// Every license.
    ///
    /// # Errors
    ///
    /// Where the list cannot be read.
    fn licenses(&self) -> Result<Vec<Value>, Self::Error>;
}

/// Why the orders could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum AuditError<E> {
    /// A call could not be signed.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The seller's lists could not be read.
    #[error("the seller's lists could not be read")]
    Records(E),
}

/// Compares until all agree or the time is over: what was answered last may still be at work.
///
/// # Errors
///
/// Where the last comparison could not be made.
pub fn audit<R: SellerRecords>(
    expected_orders: &mut [ExpectedOrder],
    endpoints: &Endpoints,
    simulator: &Simulator,
    records: Option<&R>,
    timeout: Duration,
) -> Result<(), AuditError<R::Error>> {
    let until = Instant::now() + timeout;
    loop {
        // A seller that is being started again is asked again.
        let last = Instant::now() >= until;
        match ask(expected_orders, endpoints, simulator, records) {
            Ok(found) if found.is_empty() || last => {
                for (index, texts) in found {
                    if let Some(expected) = expected_orders.get_mut(index) {
                        for text in texts {
                            expected.disagree(text);
                        }
                    }
                }
                return Ok(());
            }
            Err(error) if last => return Err(error),
            _ => std::thread::sleep(RETRY_INTERVAL),
        }
    }
}

fn ask<R: SellerRecords>(
    expected_orders: &[ExpectedOrder],
    endpoints: &Endpoints,
    simulator: &Simulator,
    records: Option<&R>,
) -> Result<Disagreements, AuditError<R::Error>> {
    let mut found = queried(expected_orders, endpoints)?;
    if let Some(records) = records {
        let instances = records.instances().map_err(AuditError::Records)?;
        let licenses = records.licenses().map_err(AuditError::Records)?;
        merge(&mut found, &recorded(expected_orders, &instances, &licenses));
    }
    merge(&mut found, &uploaded(expected_orders, &locked(&simulator.received_uploads)));
    merge(&mut found, &activated(expected_orders, &locked(&simulator.codes)));
    Ok(found)
}

/// Every code that a program used was activated, and no other.
fn activated(expected_orders: &[ExpectedOrder], codes: &CodeStore) -> Disagreements {
    let mut found = Disagreements::new();
    for (index, expected) in expected_orders.iter().enumerate() {
        let Some(name) = &expected.license_code else { continue };
        let code = codes.find(name);
        let used = code.is_some_and(|code| code.activate_time.is_some());
        let was_used = !matches!(expected.state, ExpectedState::Paid | ExpectedState::Refunded);
        if used != was_used {
            let text = format!("code {name}: used {was_used}, activated {used}");
            found.entry(index).or_default().push(text);
        }
    }
    found
}

/// Disagreements by the order's place.
type Disagreements = BTreeMap<usize, Vec<String>>;

fn merge(into: &mut Disagreements, more: &Disagreements) {
    for (index, texts) in more {
        into.entry(*index).or_default().extend(texts.iter().cloned());
    }
}

fn queried(
    expected_orders: &[ExpectedOrder],
    endpoints: &Endpoints,
) -> Result<Disagreements, EndpointError> {
    let mut found = Disagreements::new();
    // A seller may forget a released instance.
    let asked: Vec<(usize, &str)> = expected_orders
        .iter()
        .enumerate()
        .filter(|(_, expected)| {
            matches!(expected.state, ExpectedState::Active | ExpectedState::Frozen)
        })
        .filter_map(|(index, expected)| Some((index, expected.instance_id.as_deref()?)))
        .collect();
    for batch in asked.chunks(MAX_QUERY_BATCH) {
        let ids: Vec<_> = batch.iter().map(|(_, id)| *id).collect();
        let message = Message::real("queryInstance").with("instanceId", ids.join(","));
        let reply = endpoints.basic.send(&endpoints.basic.sign(message.json())?);
        for (index, id) in batch {
            let known = reply.as_ref().is_ok_and(|reply| names_instance(reply, id));
            if !known {
                let said = reply.as_ref().map_or_else(ToString::to_string, EndpointReply::summary);
                let text = format!("queryInstance does not name {id}: {said}");
                found.entry(*index).or_default().push(text);
            }
        }
    }
    Ok(found)
}

/// Every license that was applied for arrived, none twice with other content, none unasked.
fn uploaded(expected_orders: &[ExpectedOrder], ledger: &ReceivedUploads) -> Disagreements {
    let mut found = Disagreements::new();
    let mut owners = HashMap::new();
    for (index, expected) in expected_orders.iter().enumerate() {
        for applied in &expected.licenses {
            owners.insert(applied.event_id.as_str(), index);
            if !ledger.has(&applied.event_id) {
                let text = format!("no license arrived for event {}", applied.event_id);
                found.entry(index).or_default().push(text);
            }
        }
    }
    for (event, violated) in ledger.judged() {
        match owners.get(event) {
            Some(index) if violated => {
                let text = format!("event {event} got two different licenses");
                found.entry(*index).or_default().push(text);
            }
            Some(_) => {}
            None => {
                // A call that was refused must not be served: it names its order.
                let index =
                    expected_orders.iter().position(|b| event.contains(&b.order_id)).unwrap_or(0);
                let text = format!("a license arrived for event {event}, which was refused");
                found.entry(index).or_default().push(text);
            }
        }
    }
    found
}

fn recorded(
    expected_orders: &[ExpectedOrder],
    instances: &[Value],
    licenses: &[Value],
) -> Disagreements {
    let id = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let mut by_line: HashMap<String, Vec<&Value>> = HashMap::new();
    for row in instances {
        by_line.entry(id(row, "order_line_id")).or_default().push(row);
    }
    let mut by_instance: HashMap<String, Vec<&Value>> = HashMap::new();
    for row in licenses {
        by_instance.entry(id(row, "instance_id")).or_default().push(row);
    }

    let mut found = Disagreements::new();
    for (index, expected) in expected_orders.iter().enumerate() {
        let Some(instance) = &expected.instance_id else { continue };
        let rows = by_line.get(&expected.order_line_id).map(Vec::as_slice).unwrap_or_default();
        let texts = match rows {
            [row] if id(row, "instance_id") == *instance => {
                let licenses = by_instance.get(instance).map(Vec::as_slice).unwrap_or_default();
                compare(expected, row, licenses)
            }
            rows => {
                let named: Vec<_> = rows.iter().map(|row| id(row, "instance_id")).collect();
                vec![format!("the order has the instances [{}], not {instance}", named.join(", "))]
            }
        };
        if !texts.is_empty() {
            found.insert(index, texts);
        }
    }
    found
}

fn compare(expected: &ExpectedOrder, row: &Value, licenses: &[&Value]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut expect = |what: &str, believed: Value, said: &Value| {
        if believed != *said {
            texts.push(format!("{what}: {believed} believed, the seller says {said}"));
        }
    };
    expect("state", serde_json::json!(expected.state), &row["state"]);
    if expected.state != ExpectedState::Released {
        let expires = expected.expires;
        expect("end", serde_json::json!(expires), &row["expires"]);
        let machines = &row["machines"];
        expect("places", serde_json::json!(expected.quantity), &machines["limit"]);
        expect("machines", serde_json::json!(expected.machines.len()), &machines["used"]);
        let unserved = row.get("unserved").cloned().unwrap_or(0.into());
        expect("applications not served", serde_json::json!(0), &unserved);
    }
    let mut events = BTreeSet::new();
    for license in licenses {
        let event = license["event_id"].as_str().unwrap_or_default();
        if !event.is_empty() && !events.insert(event) {
            texts.push(format!("event {event} has two licenses"));
        }
        let state = license["state"].as_str().unwrap_or_default();
        let right = match expected.state {
            ExpectedState::Released => state == "revoked",
            ExpectedState::Frozen => state != "active",
            _ => !matches!(state, "suspended" | "revoked"),
        };
        if !right {
            texts.push(format!("a license is {state}, the instance {:?}", expected.state));
        }
    }
    let believed: BTreeSet<_> = expected.licenses.iter().map(|one| one.event_id.as_str()).collect();
    if events != believed {
        texts.push(format!(
            "{} licenses believed, the seller has {}",
            believed.len(),
            events.len()
        ));
    }
    texts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::expected::LicenseApplication;
    use super::*;

    fn expected() -> ExpectedOrder {
        let licenses = vec![LicenseApplication { event_id: "E1".into(), dev_info: String::new() }];
        ExpectedOrder {
            instance_id: Some("i".into()),
            state: ExpectedState::Active,
            quantity: 2,
            machines: BTreeSet::from([1]),
            licenses,
            ..ExpectedOrder::default()
        }
    }

    fn row() -> Value {
        json!({ "state": "active", "expires": null, "machines": { "used": 1, "limit": 2 } })
    }

    #[test]
    fn a_seller_that_agrees_is_left_alone() {
        let license = json!({ "event_id": "E1", "state": "active" });
        assert_eq!(compare(&expected(), &row(), &[&license]), Vec::<String>::new());
    }

    #[test]
    fn every_difference_is_found() {
        let license = json!({ "event_id": "E1", "state": "active" });
        for (pointer, value, why) in [
            ("/state", json!("frozen"), "state: \"active\" believed"),
            ("/expires", json!(7), "end: null believed"),
            ("/machines/used", json!(2), "machines: 1 believed, the seller says 2"),
            ("/machines/limit", json!(1), "places: 2 believed"),
        ] {
            let mut row = row();
            *row.pointer_mut(pointer).unwrap() = value;
            let texts = compare(&expected(), &row, &[&license]);
            assert!(texts.len() == 1 && texts[0].starts_with(why), "{texts:?}");
        }
        let twice = compare(&expected(), &row(), &[&license, &license]);
        assert_eq!(twice, ["event E1 has two licenses"]);
        assert!(compare(&expected(), &row(), &[])[0].contains("the seller has 0"));
        let revoked = json!({ "event_id": "E1", "state": "revoked" });
        assert!(compare(&expected(), &row(), &[&revoked])[0].contains("a license is revoked"));
        let mut frozen = expected();
        frozen.state = ExpectedState::Frozen;
        let mut row = row();
        row["state"] = json!("frozen");
        assert!(compare(&frozen, &row, &[&license])[0].contains("a license is active"));
    }
}
