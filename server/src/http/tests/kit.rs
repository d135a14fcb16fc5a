//! The joint-operation kit through the real listener: good calls, re-sends, bad calls, limits.

use std::path::PathBuf;

use koogallery::Body;
use koogallery::kit::signature;
use koogallery::signature::{AccessKey, Presented};
use serde_json::{Value, json};

use super::client::send;
use super::{Answer, Server};
use crate::config::Secret;
use crate::environment::fixed::START_MS;
use crate::store::Role;

const KIT_KEY: &str = "kit-access-key-0123456789";
const BASIC_KEY: &str = "test-access-key-0123456789";

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

pub(super) fn secret(hash: &str) -> String {
    std::fs::read_to_string(data(&format!("kit-secret-{hash}.txt"))).unwrap().trim().to_owned()
}

/// A server with the kit's key and the private key that opens [`secret`].
pub(super) async fn start() -> (Server, tempfile::TempDir) {
    start_with(|_| {}).await
}

pub(super) async fn start_with(
    adapt: impl FnOnce(&mut crate::config::Config),
) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let passphrase = folder.path().join("passphrase");
    std::fs::write(&passphrase, "correct-horse\n").unwrap();
    let server = Server::start_with(|config| {
        config.koogallery.kit_access_key = vec![Secret::new(KIT_KEY)];
        config.koogallery.kit_keys = vec![data("kit-key.pem")];
        config.koogallery.kit_key_passphrase_file = Some(passphrase);
        adapt(config);
    })
    .await;
    (server, folder)
}

fn key(text: &str) -> AccessKey {
    AccessKey::new(text).unwrap()
}

async fn send_signed(server: &Server, path: &str, shown: &Presented, body: &[u8]) -> Answer {
    let headers = [
        ("Content-Type", "application/json;charset=utf8"),
        ("x-sign", &*shown.signature),
        ("x-timestamp", &*shown.timestamp),
        ("X-Nonce", &*shown.nonce),
    ];
    send(server.public, "POST", &format!("/koogallery/produceAPI/{path}"), &headers, body).await
}

/// A call of V2.
pub(super) async fn v2(server: &Server, interface: &str, body: &Value) -> Value {
    let body = body.to_string().into_bytes();
    let shown = signature::sign(&key(KIT_KEY), &body, "nonce", START_MS);
    let answer = send_signed(server, &format!("v2/{interface}"), &shown, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// A V1 call.
async fn v1(server: &Server, interface: &str, body: &Value) -> Value {
    let body = body.to_string().into_bytes();
    let token = signature::sign_token(&key(KIT_KEY), &Body::parse(&body).unwrap());
    let headers = [("Content-Type", "application/json"), ("authToken", &*token)];
    let path = format!("/koogallery/produceAPI/{interface}");
    let answer = send(server.public, "POST", &path, &headers, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

pub(super) fn tenant() -> Value {
    json!({"instanceId": "i-1", "orderId": "CS1", "tenantId": "t1", "tenantCode": "code1",
        "name": "某某科技", "domainName": "https://sso.example.com", "flag": 1, "testFlag": 0,
        "timeStamp": "20240101080000123"})
}

pub(super) fn application() -> Value {
    json!({"instanceId": "i-1", "tenantId": "t1", "appId": "a1", "clientId": "c1",
        "clientSecret": secret("sha256"), "flag": 1, "testFlag": 0,
        "timeStamp": "20240101080000123"})
}

pub(super) fn users(count: usize) -> Value {
    let list: Vec<Value> = (0..count)
        .map(|n| {
            json!({"userName": format!("u{n}"), "name": "张三", "orgCode": "D01", "role": "user",
                "enable": "true", "mobile": "13800000000"})
        })
        .collect();
    json!({"instanceId": "i-1", "tenantId": "t1", "appId": "a1",
        "userList": Value::from(list).to_string(), "currentSyncTime": "20240101080000123",
        "flag": 1, "testFlag": 0, "timeStamp": "20240101080000123"})
}

fn with(value: &Value, name: &str, member: impl Into<Value>) -> Value {
    let mut value = value.clone();
    value[name] = member.into();
    value
}

async fn list(server: &Server, what: &str) -> Vec<Value> {
    let token = server.token(Role::Operator).await;
    let answer = server.admin("GET", &format!("/api/v1/{what}"), &token, &Value::Null).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json().as_array().unwrap().clone()
}

fn assert_done(answer: &Value) {
    assert_eq!(answer["resultCode"], "000000", "{answer}");
}

#[tokio::test]
async fn both_editions_add_change_and_delete_by_their_keys() {
    let (server, _folder) = start().await;
    for _ in 0..2 {
        assert_done(&v2(&server, "tenantSync", &tenant()).await);
        assert_done(&v1(&server, "tenantSync", &tenant()).await);
        assert_done(&v2(&server, "applicationSync", &application()).await);
        assert_done(&v1(&server, "applicationSync", &application()).await);
        assert_done(&v2(&server, "authSync", &users(2)).await);
        assert_done(&v1(&server, "authSync", &users(2)).await);
    }
    let tenants = list(&server, "tenants").await;
    assert_eq!(tenants.len(), 1);
    assert_eq!(tenants[0]["name"], "某某科技");
    let applications = list(&server, "applications?app_id=a1").await;
    assert_eq!(applications.len(), 1);
    assert_eq!(applications[0]["client_id"], "c1");
    assert_eq!(list(&server, "users").await.len(), 2);

    // A change; numbers may be texts.
    let changed = with(&with(&tenant(), "flag", "2"), "name", "另一");
    assert_done(&v2(&server, "tenantSync", &changed).await);
    assert_eq!(list(&server, "tenants").await[0]["name"], "另一");
    let admins = json!([{"userName": "u1", "name": "张三", "orgCode": "D02", "role": "admin",
        "enable": "false"}]);
    let changed = with(&with(&users(0), "flag", 2), "userList", admins.to_string());
    assert_done(&v2(&server, "authSync", &changed).await);
    let of = list(&server, "users?tenant_id=t1&limit=2").await;
    assert_eq!((&of[1]["role"], &of[1]["enabled"]), (&json!("admin"), &json!(false)));
    assert_eq!((&of[0]["role"], &of[0]["enabled"]), (&json!("user"), &json!(true)));

    // A deletion, of what is there and of what is not.
    for _ in 0..2 {
        let gone = with(&users(1), "flag", 0);
        assert_done(&v1(&server, "authSync", &gone).await);
        assert_eq!(list(&server, "users").await.len(), 1);
    }
    for _ in 0..2 {
        assert_done(&v1(&server, "tenantSync", &with(&tenant(), "flag", 0)).await);
        // Whoever is deleted needs no secret that can be opened.
        let gone = with(&with(&application(), "flag", 0), "clientSecret", "AAAA");
        assert_done(&v2(&server, "applicationSync", &gone).await);
    }
    assert!(list(&server, "tenants").await.is_empty());
    assert!(list(&server, "applications").await.is_empty());
    let unknown = with(&with(&tenant(), "flag", 0), "instanceId", "never-was");
    assert_done(&v2(&server, "tenantSync", &unknown).await);
    let links = list(&server, "audit?limit=1000").await;
    let entries = || links.iter().flat_map(|link| link["entries"].as_array().unwrap());
    for (action, outcome, count) in [
        ("kit.tenant", "added", 4),
        ("kit.tenant", "changed", 1),
        ("kit.tenant", "deleted", 3),
        ("kit.application", "added", 4),
        ("kit.users", "added", 4),
        ("kit.users", "deleted", 2),
    ] {
        let found = entries().filter(|e| e["action"] == action && e["outcome"] == outcome);
        assert_eq!(found.count(), count, "{action} {outcome}");
    }
    let of = entries().find(|entry| entry["action"] == "kit.users").unwrap();
    assert_eq!((&of["instance"], &of["tenant"]), (&json!("i-1"), &json!("t1")));
    assert_eq!((&of["application"], &of["count"]), (&json!("a1"), &json!("2")));
    let text = json!(links).to_string();
    for name in ["某某科技", "张三", "13800000000", "sso.example.com", "u1"] {
        assert!(!text.contains(name), "{name}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_secret_is_opened_kept_sealed_and_shown_nowhere() {
    let (server, _folder) = start().await;
    for hash in ["sha256", "sha1"] {
        let call = with(&application(), "clientSecret", secret(hash));
        assert_done(&v2(&server, "applicationSync", &call).await);
        let shown = list(&server, "applications").await[0].to_string();
        assert!(!shown.contains("secret"), "{shown}");
        let row = server
            .app
            .store
            .read()
            .await
            .unwrap()
            .kit_applications(&crate::store::KitQuery { limit: 1, ..Default::default() })
            .await
            .unwrap()
            .remove(0);
        let plain = format!("client-secret-{hash}");
        assert!(!row.client_secret.windows(plain.len()).any(|part| part == plain.as_bytes()));
        let opened = server.app.kit_keys.unseal(&server.app.context.secret, &row.client_secret);
        assert_eq!(*opened.unwrap(), plain);
    }
    for (text, reason) in [("AAAA", "was not encrypted by RSA-OAEP"), ("!", "neither base64")] {
        let call = with(&with(&application(), "clientSecret", text), "appId", "a2");
        let answer = v2(&server, "applicationSync", &call).await;
        assert_eq!(answer["resultCode"], "000002");
        let message = answer["resultMsg"].as_str().unwrap();
        assert!(message.contains(reason) && !message.is_ascii(), "{message}");
    }
    assert_eq!(list(&server, "applications").await.len(), 1);
    server.stop().await;

    let (server, _folder) = start_with(|config| config.koogallery.kit_keys.clear()).await;
    let answer = v2(&server, "applicationSync", &application()).await;
    assert_eq!(answer["resultCode"], "000002");
    assert!(answer["resultMsg"].as_str().unwrap().contains("configured no private key"));
    server.stop().await;
}

#[tokio::test]
async fn every_bad_call_changes_nothing() {
    let (server, _folder) = start().await;
    let samples =
        [("tenantSync", tenant()), ("applicationSync", application()), ("authSync", users(1))];
    for (interface, sample) in &samples {
        for name in sample.as_object().unwrap().keys() {
            let mut bad = vec![with(sample, name, json!({"a": 1}))];
            let may_be_empty = *name == "testFlag"
                || (*interface == "tenantSync" && ["instanceId", "orderId"].contains(&&**name));
            if name != "testFlag" {
                let mut without = sample.clone();
                without.as_object_mut().unwrap().remove(name);
                bad.push(without);
            }
            if !may_be_empty {
                bad.push(with(sample, name, ""));
            }
            let limit = match &**name {
                "flag" | "testFlag" => 2,
                "timeStamp" => 17,
                "name" => 255,
                "domainName" => 256,
                "clientSecret" | "userList" => 2048,
                _ => 64,
            };
            bad.push(with(sample, name, "9".repeat(limit + 1)));
            for body in bad {
                let answer = v2(&server, interface, &body).await;
                assert_eq!(answer["resultCode"], "000002", "{interface} {name}: {answer}");
                assert!(answer["resultMsg"].as_str().unwrap().contains(&**name), "{answer}");
            }
        }
        let update = with(sample, "flag", 2);
        let first = v1(&server, interface, &update).await;
        let taken = *interface == "authSync";
        assert_eq!(first["resultCode"] == "000000", taken, "{interface}: {first}");
        let deleted = with(&update, "flag", 0);
        assert_done(&v1(&server, interface, &deleted).await);
    }
    let plain = with(&tenant(), "domainName", "http://sso.example.com");
    assert_eq!(v2(&server, "tenantSync", &plain).await["resultCode"], "000002");
    for what in ["tenants", "applications", "users"] {
        assert!(list(&server, what).await.is_empty(), "{what}");
    }
    server.stop().await;
}

#[tokio::test]
async fn only_the_kits_key_signs_and_only_now() {
    let (server, _folder) = start().await;
    let body = tenant().to_string().into_bytes();
    let parsed = Body::parse(&body).unwrap();
    let good = signature::sign(&key(KIT_KEY), &body, "nonce", START_MS);
    for (shown, code) in [
        (signature::sign(&key(BASIC_KEY), &body, "nonce", START_MS), "000001"),
        (Presented::sign(&key(KIT_KEY), &body, "nonce", START_MS), "000001"),
        (signature::sign(&key(KIT_KEY), b"{}", "nonce", START_MS), "000001"),
        (signature::sign(&key(KIT_KEY), &body, "nonce", START_MS - 60_001), "000002"),
        (signature::sign(&key(KIT_KEY), &body, "nonce", START_MS + 60_001), "000002"),
        (Presented { signature: String::new(), ..good.clone() }, "000001"),
        (Presented { timestamp: String::new(), ..good.clone() }, "000002"),
        (Presented { nonce: String::new(), ..good.clone() }, "000002"),
        (Presented { nonce: "other".into(), ..good.clone() }, "000001"),
        (Presented::default(), "000002"),
    ] {
        let answer = send_signed(&server, "v2/tenantSync", &shown, &body).await;
        assert_eq!(answer.json()["resultCode"], code, "{shown:?}");
    }
    // A call of one edition is none of the other.
    let answer = send_signed(&server, "tenantSync", &good, &body).await;
    assert_eq!(answer.json()["resultCode"], "000001");
    for (path, token) in [
        ("tenantSync", signature::sign_token(&key(BASIC_KEY), &parsed)),
        ("v2/tenantSync", signature::sign_token(&key(KIT_KEY), &parsed)),
    ] {
        let path = format!("/koogallery/produceAPI/{path}");
        let headers = [("authToken", &*token)];
        let answer = send(server.public, "POST", &path, &headers, &body).await;
        assert_ne!(answer.json()["resultCode"], "000000", "{path}");
    }
    // And one of the kit's key is none of the basic interfaces.
    let query = Presented::sign(&key(KIT_KEY), &body, "nonce", START_MS).to_query();
    let call = json!({"activity": "queryInstance", "instanceId": "i"}).to_string();
    let path = format!("/koogallery?{query}");
    let answer = send(server.public, "POST", &path, &[], call.as_bytes()).await;
    assert_eq!(answer.json()["resultCode"], "000001");
    assert!(list(&server, "tenants").await.is_empty());

    // The bytes are signed, or what they mean; the body's own time judges nothing.
    let spelt = format!("  {}  ", tenant().to_string().replace("\"flag\":1", "\"flag\" : 1"));
    let answer = send_signed(&server, "v2/tenantSync", &good, spelt.as_bytes()).await;
    assert_done(&answer.json());
    let old = with(&tenant(), "timeStamp", "19700101000000000");
    assert_done(&v2(&server, "tenantSync", &old).await);
    assert_done(&v1(&server, "tenantSync", &old).await);
    assert_eq!(list(&server, "tenants").await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn without_a_key_nothing_is_believed() {
    let server = Server::start().await;
    let body = tenant().to_string().into_bytes();
    let shown = signature::sign(&key(KIT_KEY), &body, "nonce", START_MS);
    for path in ["v2/tenantSync", "tenantSync"] {
        let answer = send_signed(&server, path, &shown, &body).await;
        assert_eq!(answer.json()["resultCode"], "000001", "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn five_hundred_users_fit_and_one_more_does_not() {
    let (server, _folder) = start().await;
    assert_done(&v2(&server, "authSync", &users(500)).await);
    assert_eq!(list(&server, "users?limit=1000").await.len(), 500);
    let page = list(&server, "users?limit=300").await;
    let after = page[299]["id"].as_str().unwrap();
    assert_eq!(list(&server, &format!("users?limit=300&after={after}")).await.len(), 200);

    let answer = v2(&server, "authSync", &users(501)).await;
    assert_eq!(answer["resultCode"], "000002");
    assert!(answer["resultMsg"].as_str().unwrap().contains("more than 500 users"));
    assert_eq!(list(&server, "users?limit=1000").await.len(), 500);
    server.stop().await;
}

#[tokio::test]
async fn a_body_may_have_a_mebibyte_and_no_more() {
    let (server, _folder) = start().await;
    let mut body = tenant();
    let length = body.to_string().len();
    body["later"] = Value::from("x".repeat(1024 * 1024 - length - r#","later":"""#.len()));
    assert_eq!(body.to_string().len(), 1024 * 1024);
    assert_done(&v2(&server, "tenantSync", &body).await);

    let long = vec![b' '; 1024 * 1024 + 1];
    for path in ["v2/allOrgSync", "tenantSync"] {
        let answer = send_signed(&server, path, &Presented::default(), &long).await;
        assert_eq!(answer.status, 413, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn departments_are_kept_as_they_were_received() {
    let (server, _folder) = start().await;
    let all = json!({"instanceId": "i-1", "tenantId": "t1", "orgs": [{"code": 1.50}]});
    let single = json!({"anything": ["研发"], "flag": "whatever"});
    for _ in 0..2 {
        assert_done(&v2(&server, "allOrgSync", &all).await);
        assert_done(&v2(&server, "singleOrgSync", &single).await);
        assert_done(&v1(&server, "singleOrgSync", &single).await);
    }
    let kept = list(&server, "departments").await;
    assert_eq!(kept.len(), 2);
    assert_eq!((&kept[0]["whole"], &kept[0]["tenant_id"]), (&json!(true), &json!("t1")));
    assert_eq!((&kept[1]["whole"], &kept[1]["tenant_id"]), (&json!(false), &json!("")));
    assert!(kept[0].get("body").is_none());
    assert_eq!(list(&server, "departments?tenant_id=t1").await.len(), 1);

    let token = server.token(Role::Operator).await;
    let path = format!("/api/v1/departments/{}", kept[1]["id"].as_str().unwrap());
    let one = server.admin("GET", &path, &token, &Value::Null).await.json();
    assert_eq!(one["body"], single.to_string());
    let answer = server.admin("GET", "/api/v1/departments/none", &token, &Value::Null).await;
    assert_eq!((answer.status, answer.problem().as_str()), (404, "NOT_FOUND"));
    server.stop().await;
}

#[tokio::test]
async fn debugging_makes_nothing() {
    let (server, _folder) = start().await;
    for flag in [json!(1), json!("1")] {
        for (interface, sample) in [
            ("tenantSync", tenant()),
            ("applicationSync", with(&application(), "clientSecret", "AAAA")),
            ("authSync", users(1)),
            ("singleOrgSync", json!({})),
        ] {
            for change in [0, 1] {
                let call = with(&with(&sample, "testFlag", flag.clone()), "flag", change);
                assert_done(&v2(&server, interface, &call).await);
            }
        }
        let bad = with(&with(&tenant(), "testFlag", flag), "tenantId", "");
        assert_eq!(v2(&server, "tenantSync", &bad).await["resultCode"], "000002");
    }
    for what in ["tenants", "applications", "users", "departments"] {
        assert!(list(&server, what).await.is_empty(), "{what}");
    }
    server.stop().await;
}

#[tokio::test]
async fn other_paths_and_methods_are_none_of_the_kits() {
    let (server, _folder) = start().await;
    for path in [
        "/koogallery/produceAPI/",
        "/koogallery/produceAPI/v2/deleteAll",
        "/koogallery/produceAPI/v3/tenantSync",
        "/koogallery/produceapi/tenantSync",
    ] {
        assert_eq!(send(server.public, "POST", path, &[], b"{}").await.status, 404, "{path}");
    }
    let answer = server.get("/koogallery/produceAPI/v2/tenantSync").await;
    assert_eq!(answer.status, 405);
    for body in [&b""[..], b"[]", b"\xff", b"{\"a\":1,\"a\":1}"] {
        let answer = send_signed(&server, "v2/tenantSync", &Presented::default(), body).await;
        assert_eq!((answer.status, &answer.json()["resultCode"]), (200, &json!("000002")));
    }
    server.stop().await;
}
