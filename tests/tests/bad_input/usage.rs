//! What no program should report: `POST /v1/client/usage`.

use koogallery_sim::SoldOrder;
use license_tests::market::{self, TestMarketplace};
use license_tests::server::Site;
use license_tests::{MACHINE, flowsim, http, time};
use serde_json::{Value, json};

#[test]
fn every_member_that_is_missing_empty_too_long_or_of_another_type() {
    let marketplace = TestMarketplace::start();
    let server = Site::towards(&marketplace).start();
    let mut product = flowsim();
    product["license"]["metered"] = json!("core-hours");
    server.apply_product(&product);
    let order = SoldOrder { charging: "ON_DEMAND", expires: None, ..market::period(1) };
    marketplace.sell(&order);
    let instance = server.buy_and_read(&order.id);
    let license = server.ask(&server.activation_code(&instance), MACHINE).json();
    let now = time::now();
    let record = json!({
        "number": "1", "entitlement": "core-hours", "usage_value": "1",
        "begin_time": now - 60, "end_time": now,
    });
    let good = json!({ "license": license["license"], "nonce": "n", "records": [record] });
    let url = format!("{}/v1/client/usage", server.listen);
    let refused = |body: &Value, code: &str, names: &str| {
        let reply = http::post(&url, None, body);
        assert!((400..500).contains(&reply.status), "{names}: {}", reply.text());
        let problem = reply.json();
        assert_eq!(problem["code"], code, "{names}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(names) || detail.contains("cannot be read"), "{names}: {detail}");
        assert!(!problem["detail_zh"].as_str().unwrap().is_ascii(), "{problem}");
    };

    for member in ["license", "nonce", "records"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(member);
        refused(&body, "REQUEST_INVALID", member);
        for wrong in [json!(null), json!(7), json!({}), json!(true)] {
            body[member] = wrong;
            refused(&body, "REQUEST_INVALID", member);
        }
    }
    for (member, wrong, code) in [
        ("license", json!(""), "LICENSE_MALFORMED"),
        ("license", json!("x".repeat(20_000)), "LICENSE_MALFORMED"),
        ("license", json!(server.activation_code(&instance)), "LICENSE_MALFORMED"),
        ("nonce", json!(""), "REQUEST_INVALID"),
        ("nonce", json!("n".repeat(129)), "REQUEST_INVALID"),
        ("records", json!([]), "REQUEST_INVALID"),
        ("records", json!(vec![record.clone(); 1001]), "REQUEST_INVALID"),
    ] {
        let mut body = good.clone();
        body[member] = wrong;
        refused(&body, code, "");
    }
    for member in ["number", "entitlement", "usage_value", "begin_time", "end_time"] {
        let mut body = good.clone();
        body["records"][0].as_object_mut().unwrap().remove(member);
        refused(&body, "REQUEST_INVALID", member);
        for wrong in [json!(null), json!([]), json!({}), json!(true), json!("")] {
            body["records"][0][member] = wrong;
            refused(&body, "REQUEST_INVALID", member);
        }
    }
    for (member, wrong, code) in [
        ("number", json!("1".repeat(65)), "REQUEST_INVALID"),
        ("number", json!("1 2"), "REQUEST_INVALID"),
        ("entitlement", json!("e".repeat(65)), "REQUEST_INVALID"),
        ("entitlement", json!("mesh"), "NOT_METERED"),
        ("usage_value", json!("0"), "REQUEST_INVALID"),
        ("usage_value", json!("-1"), "REQUEST_INVALID"),
        ("usage_value", json!("1.23456"), "REQUEST_INVALID"),
        ("usage_value", json!("1000000000000000"), "REQUEST_INVALID"),
        ("begin_time", json!(now - 21 * 86_400 - 60), "REQUEST_INVALID"),
        ("begin_time", json!(now + 1), "REQUEST_INVALID"),
        ("end_time", json!(now + 400), "REQUEST_INVALID"),
        ("end_time", json!(now - 61), "REQUEST_INVALID"),
    ] {
        let mut body = good.clone();
        body["records"][0][member] = wrong;
        refused(&body, code, "records[0]");
    }
    let long = vec![b'x'; 512 * 1024 + 1];
    let reply = http::try_post(&url, "application/json", None, &long).unwrap();
    assert_eq!((reply.status, &reply.json()["code"]), (413, &json!("PAYLOAD_TOO_LARGE")));
    assert_eq!(server.admin_get("/api/v1/usage").json(), json!([]), "nothing of it is kept");
    assert_eq!(http::post(&url, None, &good).status, 202);
}
