//! What programs report of what is paid by use, through the real listener, to the marketplace: each
//! record once, whatever happens in between.

use std::collections::BTreeMap;
use std::time::Duration;

use koogallery_sim::SoldOrder;
use koogallery_sim::faults::ApiFault;
use license_tests::market;
use license_tests::server::Server;
use license_tests::{MACHINE, call, flowsim, http, time};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::shared::Shop;

fn product() -> Value {
    let mut product = flowsim();
    product["license"]["metered"] = json!("core-hours");
    product
}

fn order() -> SoldOrder {
    SoldOrder { charging: "ON_DEMAND", expires: None, ..market::period(1) }
}

fn record(number: &str) -> Value {
    let now = time::now();
    json!({
        "number": number, "entitlement": "core-hours", "usage_value": "0.25",
        "begin_time": now - 7200, "end_time": now - 3600,
    })
}

fn report(server: &Server, license: &str, records: &[Value]) -> http::Reply {
    let body = json!({ "license": license, "nonce": "n-1", "records": records });
    http::post(&format!("{}/v1/client/usage", server.listen), None, &body)
}

fn license(server: &Server, instance: &str) -> String {
    let reply = server.ask(&server.activation_code(instance), MACHINE);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["license"].as_str().unwrap().to_owned()
}

/// How often each number arrived that was answered with success.
fn taken(shop: &Shop) -> BTreeMap<String, usize> {
    let mut taken = BTreeMap::new();
    for (record, _) in shop.marketplace.usage().into_iter().filter(|(_, taken)| *taken) {
        *taken.entry(record["metering_sn"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    taken
}

fn wait_for(shop: &Shop, count: usize) {
    time::wait_for(&format!("{count} records"), Duration::from_mins(1), || {
        (taken(shop).len() >= count).then_some(())
    });
}

#[test]
fn a_report_is_kept_answered_the_same_and_sent_once() {
    let shop = Shop::without_product();
    shop.server.apply_product(&product());
    let instance = shop.sold(&order());
    let license = license(&shop.server, &instance);
    let records = [record("run-1"), record("run-2")];
    let body = json!({ "license": license, "nonce": "n-1", "records": records });
    let url = format!("{}/v1/client/usage", shop.server.listen);
    let first = http::post(&url, None, &body);
    assert_eq!(first.status, 202, "{}", first.text());
    let answer = first.json();
    assert_eq!(answer["records"][1]["number"], "run-2");

    // The receipt is about exactly this body.
    let receipt = answer["receipt"].as_str().unwrap();
    let payload = receipt.split('.').nth(1).unwrap();
    let payload = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, payload);
    let claims: Value = serde_json::from_slice(&payload.unwrap()).unwrap();
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!(claims["sha"], hex::encode(Sha256::digest(body.to_string())));

    wait_for(&shop, 2);
    for (record, _) in shop.marketplace.usage() {
        assert_eq!(record["instance_id"], instance.as_str());
        assert_eq!(record["usage_value"], "0.25");
        assert!(record["metering_sn"].as_str().unwrap().len() <= 64);
    }
    let again = report(&shop.server, &license, &records).json();
    assert_eq!(again["records"], answer["records"]);
    let mut other = record("run-2");
    other["usage_value"] = json!("0.26");
    let conflict = report(&shop.server, &license, &[record("run-3"), other]);
    assert_eq!((conflict.status, &conflict.json()["code"]), (409, &json!("CONFLICT")));
    let listed = shop.server.admin_get(&format!("/api/v1/usage?instance_id={instance}")).json();
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");
    assert_eq!(listed[0]["number"], "run-1");
    assert!(listed[0]["license_id"].is_string());
    assert!(shop.server.metric("licd_client_usage_total") >= 3.0);
}

#[test]
fn who_may_not_report_is_told_why() {
    let shop = Shop::without_product();
    shop.server.apply_product(&product());
    let instance = shop.sold(&order());
    let good = license(&shop.server, &instance);
    let bought = shop.sold(&market::period(1));
    let by_period = license(&shop.server, &bought);
    let refused = |license: &str, record: Value, status: u16, code: &str| {
        let reply = report(&shop.server, license, &[record]);
        let problem = reply.json();
        assert_eq!((reply.status, &problem["code"]), (status, &json!(code)), "{problem}");
        assert!(!problem["detail_zh"].as_str().unwrap().is_ascii(), "{problem}");
    };
    let one = || record("run-1");
    refused(&by_period, one(), 422, "NOT_METERED");
    let mut other = one();
    other["entitlement"] = json!("mesh");
    refused(&good, other, 422, "NOT_METERED");
    let mut old = one();
    old["begin_time"] = json!(time::now() - 21 * 86_400 - 60);
    refused(&good, old, 400, "REQUEST_INVALID");

    // Genuine by another seller's key.
    let elsewhere = Shop::without_product();
    elsewhere.server.apply_product(&product());
    let their_instance = elsewhere.sold(&order());
    refused(&license(&elsewhere.server, &their_instance), one(), 403, "SIGNATURE_INVALID");

    assert_eq!(shop.server.code(&call::status(&instance, "FREEZE")), "000000");
    refused(&good, one(), 403, "LICENSE_SUSPENDED");
    assert_eq!(shop.server.code(&call::status(&instance, "UNFREEZE")), "000000");
    assert_eq!(report(&shop.server, &good, &[one()]).status, 202);
    assert_eq!(shop.server.code(&call::release(&instance)), "000000");
    refused(&good, record("run-2"), 403, "LICENSE_REVOKED");
    wait_for(&shop, 1);
}

/// Killed after it has answered, and again while the marketplace has not: what was answered with 202
/// arrives, and what the program sends again because it heard nothing counts once.
#[test]
fn power_cuts_lose_and_double_nothing() {
    let mut shop = Shop::without_product();
    shop.server.apply_product(&product());
    let instance = shop.sold(&order());
    let license = license(&shop.server, &instance);
    shop.marketplace.pushing(Some(ApiFault::Close));
    for round in 0..3 {
        let records: Vec<Value> = (0..40).map(|i| record(&format!("run-{round}-{i}"))).collect();
        let reply = report(&shop.server, &license, &records);
        assert_eq!(reply.status, 202, "{}", reply.text());
        shop = shop.power_cut();
        // Its program heard nothing and asks again.
        let again = report(&shop.server, &license, &records);
        assert_eq!(again.json()["records"], reply.json()["records"]);
    }
    shop.marketplace.pushing(None);
    wait_for(&shop, 120);
    let delivered = || {
        let list = shop.server.admin_get("/api/v1/usage?limit=1000&state=delivered").json();
        (list.as_array().unwrap().len() == 120).then_some(())
    };
    time::wait_for("all are delivered", Duration::from_mins(1), delivered);
    assert_eq!(taken(&shop).len(), 120, "one number for each record");
}
