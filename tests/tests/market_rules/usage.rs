//! Usage: what was accepted arrives, whatever happens in between; alerts reach who is to know.

use std::collections::BTreeMap;
use std::time::Duration;

use koogallery_sim::faults::ApiFault;
use license_tests::market::{self, TestMarketplace};
use license_tests::server::{Server, Site};
use license_tests::{flowsim, time};
use serde_json::{Value, json};

use crate::shared::SOON;

fn record(instance: &str, number: &str) -> Value {
    let now = time::now();
    json!({
        "instance_id": instance, "begin_time": now - 7200, "end_time": now - 3600,
        "usage_value": "0.5", "metering_sn": number
    })
}

fn states(server: &Server) -> BTreeMap<String, String> {
    let list = server.admin_get("/api/v1/usage?limit=1000").json();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    list.as_array()
        .unwrap()
        .iter()
        .map(|row| (text(row, "metering_sn"), text(row, "state")))
        .collect()
}

fn wait_for_all(server: &Server, count: usize, state: &str) {
    time::wait_for(&format!("{count} records {state}"), Duration::from_mins(1), || {
        let states = states(server);
        let done = states.values().filter(|found| *found == state).count();
        (done == count).then_some(())
    });
}

/// How many numbers arrived, none of them with two contents.
fn counted(marketplace: &TestMarketplace) -> usize {
    let mut numbers: BTreeMap<String, Value> = BTreeMap::new();
    for (record, _) in marketplace.usage() {
        let number = record["metering_sn"].as_str().unwrap().to_owned();
        assert_eq!(numbers.entry(number).or_insert_with(|| record.clone()), &record);
    }
    numbers.len()
}

/// Killed in the moment in which the answer is read, again and again: nothing is lost, and what
/// was written down as delivered is never sent again.
#[test]
fn a_power_cut_between_acceptance_and_sending_loses_no_usage() {
    let marketplace = TestMarketplace::start();
    let site = Site::towards(&marketplace);
    let server = site.start();
    server.apply_product(&flowsim());
    let order = market::period(1);
    marketplace.sell(&order);
    let instance = server.buy_and_read(&order.id);
    server.kill();
    for round in 0..4 {
        let server = site.start();
        let records: Vec<Value> =
            (0..50).map(|i| record(&instance, &format!("sn-{round}-{i}"))).collect();
        let reply = server.admin_post("/api/v1/usage", &json!(records));
        server.kill();
        assert_eq!(reply.status, 202, "{}", reply.text());
    }
    let server = site.start();
    wait_for_all(&server, 200, "delivered");
    let numbers = counted(&marketplace);
    assert_eq!(numbers, 200);
    std::thread::sleep(Duration::from_secs(2));
    let sent = marketplace.usage().len();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(marketplace.usage().len(), sent, "nothing is sent any more");

    // In the middle of a call: it arrived, nobody heard so, and it goes again by the same number.
    marketplace.pushing(Some(ApiFault::Close));
    let reply = server.admin_post("/api/v1/usage", &record(&instance, "sn-last"));
    assert_eq!(reply.status, 202);
    time::wait_for("the first try", SOON, || (marketplace.usage().len() > sent).then_some(()));
    server.kill();
    marketplace.pushing(None);
    let server = site.start();
    wait_for_all(&server, 201, "delivered");
    // What was sent twice, because its answer was lost with the server, has the same number.
    let numbers = counted(&marketplace);
    assert_eq!(numbers, 201, "{:?}", states(&server).len());
}

/// "the old form has no such number: say what may be sent twice"
#[test]
fn the_old_form_says_what_may_have_been_sent_twice() {
    let marketplace = TestMarketplace::start();
    let site = Site::towards(&marketplace).with("LICD_KOOGALLERY__USAGE_FORM", "old");
    let server = site.start();
    server.apply_product(&flowsim());
    let order = market::period(1);
    marketplace.sell(&order);
    let instance = server.buy_and_read(&order.id);
    marketplace.pushing(Some(ApiFault::Close));
    let reply = server.admin_post("/api/v1/usage", &record(&instance, "sn-1"));
    assert_eq!(reply.status, 202);
    time::wait_for("the first try", SOON, || (!marketplace.usage().is_empty()).then_some(()));
    marketplace.pushing(None);
    wait_for_all(&server, 1, "unclear");
    for (record, _) in marketplace.usage() {
        assert!(record.get("metering_sn").is_none(), "{record}");
        assert_eq!(record["product_id"], license_tests::MARKET_PRODUCT);
    }
    let alerts = server.admin_get("/api/v1/alerts?alert=usage_unclear").json();
    assert_eq!(alerts[0]["subject"], instance.as_str(), "{alerts}");
}

/// The alert of a log line, stored by the running server and told to a command.
#[cfg(unix)]
#[test]
fn what_is_logged_as_an_alert_is_told() {
    let site = Site::new();
    let told = site.folder().join("told");
    let command = format!(r#"["/usr/bin/tee", "-a", "{}"]"#, told.display());
    // Without credentials the first thing that a server says is an alert; and nothing is shown.
    let site = site
        .with("LICD_KOOGALLERY__AK", "")
        .with("LICD_KOOGALLERY__SK", "")
        .with("LICD_LOG", "off")
        .with("LICD_ALERTS__COMMAND", &command);
    let server = site.start();
    let text = time::wait_for("the alert", SOON, || {
        let text = std::fs::read_to_string(&told).ok()?;
        text.ends_with('}').then_some(text)
    });
    let alert: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(alert["alert"], "marketplace_not_configured");
    assert_eq!(alert["level"], "warn");
    let listed = server.admin_get("/api/v1/alerts").json();
    assert_eq!(listed[0]["alert_id"], alert["id"]);
    assert!(!server.output().contains("marketplace_not_configured"));
}
