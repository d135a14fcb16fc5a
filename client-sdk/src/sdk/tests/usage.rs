//! Reporting what was used: counted only where the server proves that it counted.

use license_core::{
    Code,
    issue::{self, ListSequences},
};
use serde_json::{Value, json};

use super::world::*;
use crate::Used;

fn used(number: &str) -> Used {
    Used {
        number: number.to_owned(),
        entitlement: "core-hours".to_owned(),
        value: "12.5".to_owned(),
        begin: NOW.as_secs() - 3600,
        end: NOW.as_secs(),
    }
}

/// Answers a report; `about` is the body that the receipt names.
fn counted(body: &str, about: &str) -> Answer {
    let report: Value = serde_json::from_str(body).unwrap();
    let nonce = report["nonce"].as_str().unwrap();
    let lists = ListSequences::default();
    let receipt = issue::receipt("licd", NOW, nonce, about, lists, &issuing()).unwrap();
    let records: Vec<Value> = report["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| json!({ "number": record["number"], "usage_id": "u-1" }))
        .collect();
    ok(json!({ "records": records, "receipt": receipt }).to_string())
}

#[test]
fn what_was_used_travels_with_the_license() {
    let world = World::new();
    let license = license(DEVICE, |_| {});
    world.keep(&license);
    let document = sealed(&license);
    world.server.script(move |path, body| {
        if path != "/v1/client/usage" {
            return Some(refused(404, Code::NotFound));
        }
        let report: Value = serde_json::from_str(body).unwrap();
        assert_eq!(report["license"], document);
        assert_eq!(
            report["records"][1],
            json!({
                "number": "2", "entitlement": "core-hours", "usage_value": "12.5",
                "begin_time": NOW.as_secs() - 3600, "end_time": NOW.as_secs(),
            })
        );
        Some(counted(body, body))
    });
    let running = world.online();
    let outcome = running.sdk.report_usage(&[used("1"), used("2")]);
    assert_eq!(outcome.code(), Code::Ok, "{outcome}");
    assert_eq!(outcome.json()["records"][1]["number"], "2");
    running.end();
}

/// A server that is none of the seller's must not swallow what is to be paid.
#[test]
fn an_answer_without_a_proof_counts_nothing() {
    let world = World::new();
    world.keep(&license(DEVICE, |_| {}));
    world.server.script(|_, body| Some(counted(body, "another body")));
    let running = world.online();
    assert_eq!(running.sdk.report_usage(&[used("1")]).code(), Code::ReceiptInvalid);
    world.server.script(|_, _| Some(ok(r#"{"records":[],"receipt":"eyJ"}"#)));
    assert_eq!(running.sdk.report_usage(&[used("1")]).code(), Code::ReceiptInvalid);
    world.server.script(|_, _| Some(refused(422, Code::NotMetered)));
    let outcome = running.sdk.report_usage(&[used("1")]);
    assert_eq!(outcome.code(), Code::NotMetered);
    running.end();
}

#[test]
fn without_a_license_or_a_server_nothing_is_reported() {
    let world = World::new();
    let running = world.online();
    assert_eq!(running.sdk.report_usage(&[used("1")]).code(), Code::LicenseMissing);
    running.end();
    world.keep(&license(DEVICE, |_| {}));
    let running = world.start(world.offline());
    assert_eq!(running.sdk.report_usage(&[used("1")]).code(), Code::LicenseMissing);
    running.end();
    assert_eq!(world.server.count("/v1/client/usage"), 0);
}
