//! Asks the seller how every order stands, and writes down where the marketplace disagrees.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::belief::{Belief, Standing};
use crate::admin::Admin;
use crate::market::code_book::CodeBook;
use crate::market::console::names_instance;
use crate::market::ledger::Ledger;
use crate::market::message::Message;
use crate::market::open_api::{Marketplace, locked};
use crate::market::seller::{Reply, Sellers};

/// The most instances that one `queryInstance` names.
const BATCH: usize = 100;
const PAUSE: Duration = Duration::from_millis(500);

/// Compares until all agree or patience is over: what was answered last may still be at work.
pub(crate) fn audit(
    beliefs: &mut [Belief],
    sellers: &Sellers,
    marketplace: &Marketplace,
    admin: Option<&Admin>,
    patience: Duration,
) -> anyhow::Result<()> {
    let until = Instant::now() + patience;
    loop {
        // A seller that is being started again is asked again.
        let last = Instant::now() >= until;
        match ask(beliefs, sellers, marketplace, admin) {
            Ok(found) if found.is_empty() || last => {
                for (index, texts) in found {
                    if let Some(belief) = beliefs.get_mut(index) {
                        for text in texts {
                            belief.disagree(text);
                        }
                    }
                }
                return Ok(());
            }
            Err(error) if last => return Err(error),
            _ => std::thread::sleep(PAUSE),
        }
    }
}

fn ask(
    beliefs: &[Belief],
    sellers: &Sellers,
    marketplace: &Marketplace,
    admin: Option<&Admin>,
) -> anyhow::Result<Found> {
    let mut found = queried(beliefs, sellers)?;
    if let Some(admin) = admin {
        merge(&mut found, &administered(beliefs, admin)?);
    }
    merge(&mut found, &uploaded(beliefs, &locked(&marketplace.ledger)));
    merge(&mut found, &activated(beliefs, &locked(&marketplace.codes)));
    Ok(found)
}

/// Every code that a program used was activated, and none stands otherwise than its order.
fn activated(beliefs: &[Belief], codes: &CodeBook) -> Found {
    let mut found = Found::new();
    for (index, belief) in beliefs.iter().enumerate() {
        let Some(name) = &belief.license_code else { continue };
        let code = codes.find(name);
        let used = code.is_some_and(|code| code.activate_time.is_some());
        let was_used = !matches!(belief.state, Standing::Paid | Standing::Refunded);
        if used != was_used {
            let text = format!("code {name}: used {was_used}, activated {used}");
            found.entry(index).or_default().push(text);
        }
    }
    found
}

/// Disagreements by the order's place.
type Found = BTreeMap<usize, Vec<String>>;

fn merge(into: &mut Found, more: &Found) {
    for (index, texts) in more {
        into.entry(*index).or_default().extend(texts.iter().cloned());
    }
}

fn queried(beliefs: &[Belief], sellers: &Sellers) -> anyhow::Result<Found> {
    let mut found = Found::new();
    // A released instance is nobody's any more: a seller may forget it.
    let asked: Vec<(usize, &str)> = beliefs
        .iter()
        .enumerate()
        .filter(|(_, belief)| matches!(belief.state, Standing::Active | Standing::Frozen))
        .filter_map(|(index, belief)| Some((index, belief.instance_id.as_deref()?)))
        .collect();
    for batch in asked.chunks(BATCH) {
        let ids: Vec<_> = batch.iter().map(|(_, id)| *id).collect();
        let message = Message::real("queryInstance").with("instanceId", ids.join(","));
        let reply = sellers.basic.send(&sellers.basic.sign(message.json())?);
        for (index, id) in batch {
            let known = reply.as_ref().is_ok_and(|reply| names_instance(reply, id));
            if !known {
                let said = reply.as_ref().map_or_else(ToString::to_string, Reply::summary);
                let text = format!("queryInstance does not name {id}: {said}");
                found.entry(*index).or_default().push(text);
            }
        }
    }
    Ok(found)
}

/// Every license that was applied for arrived, none twice with other content, none unasked.
fn uploaded(beliefs: &[Belief], ledger: &Ledger) -> Found {
    let mut found = Found::new();
    let mut owners = HashMap::new();
    for (index, belief) in beliefs.iter().enumerate() {
        for applied in &belief.licenses {
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
                let index = beliefs.iter().position(|b| event.contains(&b.order_id)).unwrap_or(0);
                let text = format!("a license arrived for event {event}, which was refused");
                found.entry(index).or_default().push(text);
            }
        }
    }
    found
}

fn administered(beliefs: &[Belief], admin: &Admin) -> anyhow::Result<Found> {
    let id = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let instances: Vec<Value> =
        admin.list("/api/v1/instances", &[], |row| id(row, "instance_id"))?;
    let licenses: Vec<Value> = admin.list("/api/v1/licenses", &[], |row| id(row, "license_id"))?;
    let mut by_line: HashMap<String, Vec<&Value>> = HashMap::new();
    for row in &instances {
        by_line.entry(id(row, "order_line_id")).or_default().push(row);
    }
    let mut by_instance: HashMap<String, Vec<&Value>> = HashMap::new();
    for row in &licenses {
        by_instance.entry(id(row, "instance_id")).or_default().push(row);
    }

    let mut found = Found::new();
    for (index, belief) in beliefs.iter().enumerate() {
        let Some(instance) = &belief.instance_id else { continue };
        let rows = by_line.get(&belief.order_line_id).map(Vec::as_slice).unwrap_or_default();
        let texts = match rows {
            [row] if id(row, "instance_id") == *instance => {
                let licenses = by_instance.get(instance).map(Vec::as_slice).unwrap_or_default();
                compare(belief, row, licenses)
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
    Ok(found)
}

fn compare(belief: &Belief, row: &Value, licenses: &[&Value]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut expect = |what: &str, believed: Value, said: &Value| {
        if believed != *said {
            texts.push(format!("{what}: {believed} believed, the seller says {said}"));
        }
    };
    expect("state", serde_json::json!(belief.state), &row["state"]);
    if belief.state != Standing::Released {
        let expires = belief.expires.map(license_core::time::Timestamp::as_secs);
        expect("end", serde_json::json!(expires), &row["expires"]);
        let machines = &row["machines"];
        expect("places", serde_json::json!(belief.quantity), &machines["limit"]);
        expect("machines", serde_json::json!(belief.machines.len()), &machines["used"]);
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
        let right = match belief.state {
            Standing::Released => state == "revoked",
            Standing::Frozen => state != "active",
            _ => !matches!(state, "suspended" | "revoked"),
        };
        if !right {
            texts.push(format!("a license is {state}, the instance {:?}", belief.state));
        }
    }
    let believed: BTreeSet<_> = belief.licenses.iter().map(|one| one.event_id.as_str()).collect();
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

    use super::super::belief::Applied;
    use super::*;

    fn belief() -> Belief {
        let licenses = vec![Applied { event_id: "E1".into(), dev_info: String::new() }];
        Belief {
            instance_id: Some("i".into()),
            state: Standing::Active,
            quantity: 2,
            machines: BTreeSet::from([1]),
            licenses,
            ..Belief::default()
        }
    }

    fn row() -> Value {
        json!({ "state": "active", "expires": null, "machines": { "used": 1, "limit": 2 } })
    }

    #[test]
    fn a_seller_that_agrees_is_left_alone() {
        let license = json!({ "event_id": "E1", "state": "active" });
        assert_eq!(compare(&belief(), &row(), &[&license]), Vec::<String>::new());
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
            let texts = compare(&belief(), &row, &[&license]);
            assert!(texts.len() == 1 && texts[0].starts_with(why), "{texts:?}");
        }
        let twice = compare(&belief(), &row(), &[&license, &license]);
        assert_eq!(twice, ["event E1 has two licenses"]);
        assert!(compare(&belief(), &row(), &[])[0].contains("the seller has 0"));
        let revoked = json!({ "event_id": "E1", "state": "revoked" });
        assert!(compare(&belief(), &row(), &[&revoked])[0].contains("a license is revoked"));
        let mut frozen = belief();
        frozen.state = Standing::Frozen;
        let mut row = row();
        row["state"] = json!("frozen");
        assert!(compare(&frozen, &row, &[&license])[0].contains("a license is active"));
    }
}
