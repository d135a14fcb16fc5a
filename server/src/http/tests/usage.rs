//! Usage that operators push: every member missing, empty, too long, of another type.

use serde_json::{Value, json};

use super::Server;
use crate::environment::fixed::START_MS;
use crate::store::Role;

const NOW: i64 = START_MS / 1000;

fn record(instance: &str) -> Value {
    json!({
        "instance_id": instance, "begin_time": NOW - 7200, "end_time": NOW - 3600,
        "usage_value": "1.5", "metering_sn": "sn-1"
    })
}

#[tokio::test]
async fn every_wrong_member_is_named_and_nothing_is_kept() {
    let server = Server::start().await;
    let token = server.token(Role::Operator).await;
    let instance = server.instance().await;
    for (member, value, status) in [
        ("instance_id", json!(null), 400),
        ("instance_id", json!(7), 400),
        ("instance_id", json!(""), 400),
        ("instance_id", json!("i".repeat(65)), 400),
        ("instance_id", json!("no-such-instance"), 404),
        ("begin_time", json!(null), 400),
        ("begin_time", json!("2026-11-20"), 400),
        ("begin_time", json!(1.5), 400),
        ("begin_time", json!(NOW - 21 * 86_400 - 1), 400),
        ("end_time", json!(NOW - 7201), 400),
        ("end_time", json!(NOW + 301), 400),
        ("usage_value", json!(null), 400),
        ("usage_value", json!(true), 400),
        ("usage_value", json!(""), 400),
        ("usage_value", json!("0"), 400),
        ("usage_value", json!("-1"), 400),
        ("usage_value", json!("1.23456"), 400),
        ("usage_value", json!("1000000000000000"), 400),
        ("usage_value", json!("1e2"), 400),
        ("metering_sn", json!(""), 400),
        ("metering_sn", json!("s".repeat(65)), 400),
        ("metering_sn", json!("a b"), 400),
        ("metering_sn", json!(["a"]), 400),
        ("record_time", json!(NOW + 301), 400),
        ("relate_pkg_instance", json!(""), 400),
        ("product_id", json!("p".repeat(65)), 400),
        ("surprise", json!("x"), 400),
    ] {
        let mut wrong = record(&instance);
        wrong["metering_sn"] = json!("sn-2");
        wrong[member] = value.clone();
        for (body, place) in [(wrong.clone(), ""), (json!([record(&instance), wrong]), "[1].")] {
            let answer = server.admin("POST", "/api/v1/usage", &token, &body).await;
            assert_eq!(answer.status, status, "{member} {value}: {answer:?}");
            let problem = answer.json();
            let code = if status == 404 { "NOT_FOUND" } else { "REQUEST_INVALID" };
            assert_eq!(problem["code"], code, "{member} {value}");
            let detail = problem["detail"].as_str().unwrap();
            // What has no type of ours is named by the reader of JSON, without its place.
            let named = detail.starts_with(&format!("{place}{member}"));
            assert!(named || detail.contains("cannot be read"), "{member} {value}: {detail}");
            assert!(!problem["detail_zh"].as_str().unwrap().is_ascii());
        }
    }
    for missing in ["instance_id", "begin_time", "end_time", "usage_value"] {
        let mut short = record(&instance);
        short.as_object_mut().unwrap().remove(missing);
        let answer = server.admin("POST", "/api/v1/usage", &token, &short).await;
        assert_eq!(answer.status, 400, "{missing}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(missing), "{missing}");
    }
    for body in [json!([]), json!("x"), json!(7), json!({}), json!([[]])] {
        let answer = server.admin("POST", "/api/v1/usage", &token, &body).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "REQUEST_INVALID"), "{body}");
    }
    let list = server.admin("GET", "/api/v1/usage", &token, &Value::Null).await;
    assert_eq!(list.json(), json!([]));
    server.stop().await;
}

#[tokio::test]
async fn accepted_usage_is_listed_and_its_number_taken() {
    let server = Server::start().await;
    let token = server.token(Role::Operator).await;
    let viewer = server.token(Role::Viewer).await;
    let instance = server.instance().await;
    let answer = server.admin("POST", "/api/v1/usage", &token, &record(&instance)).await;
    assert_eq!(answer.status, 202);
    let accepted = answer.json();
    assert_eq!(accepted[0]["state"], "queued");
    let again = server.admin("POST", "/api/v1/usage", &token, &json!([record(&instance)])).await;
    assert_eq!((again.status, again.json()), (202, accepted.clone()));
    let mut other = record(&instance);
    other["usage_value"] = json!(2);
    let conflict = server.admin("POST", "/api/v1/usage", &token, &other).await;
    assert_eq!((conflict.status, conflict.problem().as_str()), (409, "CONFLICT"));

    let path = format!("/api/v1/usage?instance_id={instance}&state=queued&limit=5");
    let list = server.admin("GET", &path, &viewer, &Value::Null).await.json();
    assert_eq!(list, accepted);
    for wrong in ["state=lost", "limit=0", "limit=1001", "colour=red"] {
        let path = format!("/api/v1/usage?{wrong}");
        let answer = server.admin("GET", &path, &viewer, &Value::Null).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "REQUEST_INVALID"), "{wrong}");
    }
    let retry = server.admin("POST", "/api/v1/usage/none/retry", &token, &Value::Null).await;
    assert_eq!((retry.status, retry.problem().as_str()), (404, "NOT_FOUND"));
    server.stop().await;
}

#[tokio::test]
async fn alerts_are_listed_and_a_test_needs_somebody_to_tell() {
    let server = Server::start().await;
    let token = server.token(Role::Operator).await;
    let answer = server.admin("POST", "/api/v1/alerts/test", &token, &Value::Null).await;
    assert_eq!((answer.status, answer.problem().as_str()), (409, "CONFLICT"));
    let list = server.admin("GET", "/api/v1/alerts?alert=test", &token, &Value::Null).await;
    assert_eq!((list.status, list.json()), (200, json!([])));
    let one = server.admin("GET", "/api/v1/alerts/none", &token, &Value::Null).await;
    assert_eq!((one.status, one.problem().as_str()), (404, "NOT_FOUND"));
    server.stop().await;
}

/// An instance whose order nobody has read yet shows when it is paid back.
#[tokio::test]
async fn the_countdown_is_part_of_an_instance() {
    let server = Server::start().await;
    let token = server.token(Role::Viewer).await;
    let instance = server.instance().await;
    let list = server.admin("GET", "/api/v1/instances", &token, &Value::Null).await.json();
    assert_eq!(list[0]["instance_id"], *instance);
    assert_eq!(list[0]["refund_seconds_left"], 7200);
    assert_eq!(list[0]["refund_at"], NOW + 7200);
    assert!(list[0].get("waiting_seconds").is_none());
    server.stop().await;
}
