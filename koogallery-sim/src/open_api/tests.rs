use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};

use axum::http::HeaderValue;
use koogallery::aksk::{Credentials, Payload, Request, authorize};
use koogallery::upload::Content;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::*;
use crate::events::MarketEvent;
use crate::faults::Faults;
use crate::oauth::ClientApplication;
use crate::orders::OrderStore;
use crate::received_uploads::UploadVerdict;
use crate::simulator::Setup;
use crate::sources::SimSources;

const NOW: i64 = 1_790_000_000;
const HOST: &str = "127.0.0.1:8480";
const KEY: &str = "a-key-for-tests-only";

fn client() -> ClientApplication {
    ClientApplication { id: "c".into(), secret: "s".into(), redirect_uris: Vec::new() }
}

struct SellerDouble {
    simulator: Simulator,
    seen: Receiver<MarketEvent>,
    credentials: Credentials,
}

impl SellerDouble {
    fn new() -> Self {
        Self::keeping(None)
    }

    fn keeping(uploads_dir: Option<PathBuf>) -> Self {
        let (events, seen) = channel();
        let simulator = Simulator::new(Setup {
            credentials: Credentials::new("AK1", "SK1"),
            access_key: Some(Zeroizing::new(KEY.to_owned())),
            sources: SimSources { now_ms: || NOW * 1000, fill: |_| Ok(()) },
            orders: OrderStore::default(),
            clients: vec![client()],
            faults: Faults::default(),
            uploads_dir,
            keep_requests: false,
            events,
        });
        Self { simulator, seen, credentials: Credentials::new("AK1", "SK1") }
    }

    fn ask(&self, method: &Method, target: &str, kind: &str, body: &[u8]) -> (u16, String) {
        self.ask_with(method, target, kind, body, &[])
    }

    fn post(&self, target: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let (status, answer) = self.ask(&Method::POST, target, "application/json", body.as_bytes());
        (status, serde_json::from_str(&answer).unwrap())
    }

    fn ask_with(
        &self,
        method: &Method,
        target: &str,
        kind: &str,
        body: &[u8],
        more: &[(&'static str, String)],
    ) -> (u16, String) {
        let headers = [("Content-Type", kind)];
        let request = Request {
            method: method.as_str(),
            target,
            host: HOST,
            headers: &headers,
            payload: Payload::Bytes(body),
        };
        let mut sent = HeaderMap::new();
        sent.insert("host", HeaderValue::from_static(HOST));
        sent.insert("content-type", kind.parse().unwrap());
        for (name, value) in authorize(&self.credentials, &request, NOW) {
            sent.insert(name, value.parse().unwrap());
        }
        for (name, value) in more {
            sent.insert(*name, value.parse().unwrap());
        }
        let uri: Uri = target.parse().unwrap();
        let request = ApiRequest { method, uri: &uri, headers: &sent, body };
        let answer = self.simulator.answer(&request);
        (answer.status, answer.location.unwrap_or(String::from_utf8(answer.body).unwrap()))
    }

    fn query(&self, order: &str, line: Option<&str>) -> (u16, String) {
        self.ask(&Method::GET, &order::query_path(order, line), "application/json", b"")
    }

    fn upload(&self, event: &str, content: &Content) -> (u16, String) {
        let (kind, body) = upload::multipart(content, &upload::boundary(content));
        self.ask(&Method::POST, &upload::path(event), &kind, &body)
    }
}

#[test]
fn a_mock_order_is_answered_with_its_line() {
    let seller = SellerDouble::new();
    let (status, answer) = seller.query("MOCKPERIODYEARNEW", Some("MOCKPERIODYEARNEW-000001"));
    let order = order::read_answer(status, answer.as_bytes()).unwrap();
    assert_eq!(order.lines[0].products[0].quantity(), 50);
    assert!(order.lines[0].expire_time.unwrap() > NOW + 364 * 86_400);
    let seen = seller.seen.try_recv().unwrap();
    assert!(matches!(seen, MarketEvent::OrderAsked { known: true, .. }), "{seen:?}");
}

#[test]
fn an_unknown_order_stops_that_one_and_not_the_queue() {
    let seller = SellerDouble::new();
    let (status, answer) = seller.query("CS404", None);
    let failure = order::read_answer(status, answer.as_bytes()).unwrap_err();
    assert_eq!((status, failure.code.as_str()), (400, "MKT.0101"));
    assert_eq!(failure.remedy, koogallery::Remedy::GiveUp);
}

#[test]
fn a_wrong_secret_is_refused_with_the_marketplaces_codes() {
    let seller =
        SellerDouble { credentials: Credentials::new("AK1", "SK2"), ..SellerDouble::new() };
    let (status, answer) = seller.query("MOCKONETIMENEW", None);
    assert_eq!(status, 401);
    assert!(answer.contains("MKT.0154"), "{answer}");
    let (status, answer) = seller.upload("EV-1", &Content::Characters("eyJ".to_owned()));
    assert_eq!(status, 403);
    assert!(answer.contains("CBC.0150"), "{answer}");
    assert_eq!(locked(&seller.simulator.received_uploads).uploads().len(), 0);
}

#[test]
fn a_changed_body_is_refused() {
    let seller = SellerDouble::new();
    let content = Content::Characters("eyJ".to_owned());
    let (kind, body) = upload::multipart(&content, &upload::boundary(&content));
    let target = upload::path("EV-1");
    let request = Request {
        method: "POST",
        target: &target,
        host: HOST,
        headers: &[],
        payload: Payload::Bytes(b"something else"),
    };
    let mut sent = HeaderMap::new();
    sent.insert("host", HeaderValue::from_static(HOST));
    sent.insert("content-type", kind.parse().unwrap());
    for (name, value) in authorize(&seller.credentials, &request, NOW) {
        sent.insert(name, value.parse().unwrap());
    }
    let uri: Uri = target.parse().unwrap();
    let request = ApiRequest { method: &Method::POST, uri: &uri, headers: &sent, body: &body };
    assert_eq!(seller.simulator.answer(&request).status, 403);
}

#[test]
fn uploads_are_kept_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let seller = SellerDouble::keeping(Some(folder.path().to_owned()));
    let file = Content::File { name: "license.lic".to_owned(), bytes: "许可".into() };
    for (event, content) in [
        ("EV-1", Content::Characters("eyJhbGci".to_owned())),
        ("../EV-2", file.clone()),
        ("../EV-2", file),
    ] {
        let (status, answer) = seller.upload(event, &content);
        assert_eq!(upload::read_answer(status, answer.as_bytes()), Ok(()));
    }
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("EV-1.txt"), "eyJhbGci");
    assert_eq!(read("___EV-2.lic"), "许可");

    let (status, list) = seller.ask(&Method::GET, "/uploads", "text/plain", b"");
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!((status, list.as_array().unwrap().len()), (200, 3));
    assert_eq!(list[0]["type"], "CHARACTERS");
    assert_eq!(list[1]["event_id"], "../EV-2");
    assert_eq!(list[1]["file_name"], "license.lic");
    assert_eq!(list[2]["verdict"], "repeat");
}

#[test]
fn other_content_for_the_same_event_is_told() {
    let seller = SellerDouble::new();
    seller.upload("EV-1", &Content::Characters("one".to_owned()));
    seller.upload("EV-1", &Content::Characters("two".to_owned()));
    let verdicts: Vec<_> = seller
        .seen
        .try_iter()
        .map(|event| match event {
            MarketEvent::Uploaded(upload) => upload.verdict,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(verdicts, [UploadVerdict::First, UploadVerdict::Violation]);
    assert_eq!(locked(&seller.simulator.received_uploads).violations(), 1);
}

#[test]
fn what_is_no_upload_is_refused() {
    let seller = SellerDouble::new();
    let damaged = |from: &str, to: &str| {
        let content = Content::File { name: "a.lic".to_owned(), bytes: b"content".to_vec() };
        let (kind, body) = upload::multipart(&content, &upload::boundary(&content));
        let body = String::from_utf8(body).unwrap().replace(from, to);
        seller.ask(&Method::POST, &upload::path("EV-1"), &kind, body.as_bytes())
    };
    for (from, to, why) in [
        ("content", "changed", "sha256"),
        ("\"FILE\"", "\"FOLDER\"", "type"),
        ("name=\"file\"", "name=\"life\"", "no part file"),
    ] {
        let (status, answer) = damaged(from, to);
        assert_eq!(status, 400, "{answer}");
        assert!(answer.contains("CBC.0101") && answer.contains(why), "{answer}");
    }
    let long = seller.upload(&"e".repeat(65), &Content::Characters("eyJ".to_owned()));
    assert_eq!(long.0, 400);
    assert_eq!(seller.ask(&Method::GET, "/nothing/here", "text/plain", b"").0, 404);
    assert_eq!(seller.ask(&Method::GET, &upload::path("EV-1"), "text/plain", b"").0, 404);
}

const V1: &str = "/api/mkp-openapi-public/global/v1/license";
const V2: &str = "/api/mkp-openapi-public/global/v2/license";

#[test]
fn a_code_is_sold_activated_and_watched() {
    let seller = SellerDouble::new();
    let purchase = json!({ "orderId": "CS1", "productId": "P", "amount": 2, "received": false });
    let (status, sold) = seller.post("/codes", &purchase);
    let code = sold["license_code"].as_str().unwrap();
    assert_eq!((status, sold["stage"].as_str()), (201, Some("BOUGHT")));

    let activate = |path: &str, body: Value| seller.post(path, &body);
    let one = json!({ "license": code });
    let (status, answer) = activate(&format!("{V1}/activate"), one.clone());
    assert_eq!((status, &answer["error_code"]), (200, &json!("92020004")));
    assert_eq!(seller.post(&format!("/codes/{code}/receive"), &json!({})).0, 200);
    let (_, answer) = activate(&format!("{V1}/activate"), one.clone());
    let info: Value =
        serde_json::from_str(answer["data"]["license_code_info"].as_str().unwrap()).unwrap();
    assert_eq!((&info["status"], &info["amount"]), (&json!("ALIVE"), &json!(2)));

    let many = json!({ "license_list": [code, "PL-unknown"] });
    let (status, answer) = seller.post(&format!("{V2}/heartbeat"), &many);
    assert_eq!((status, &answer["data"][0]["status"]), (200, &json!("ALIVE")));
    assert_eq!(answer["data"][1]["error_code"], "92020005");
    for (change, status) in [("expire", "EXPIRED"), ("release", "RELEASED")] {
        assert_eq!(seller.post(&format!("/codes/{code}/{change}"), &json!({})).0, 200);
        let (_, answer) = seller.post(&format!("{V1}/heartbeat"), &one);
        assert_eq!(answer["data"]["status"], status);
    }
    let (_, list) = seller.ask(&Method::GET, "/codes", "text/plain", b"");
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!((&list[0]["activations"], &list[0]["heartbeats"]), (&json!(2), &json!(3)));
}

#[test]
fn codes_are_refused_by_their_table() {
    let seller = SellerDouble::new();
    let many: Vec<_> = (0..101).map(|n| format!("PL{n}")).collect();
    for (path, body) in [
        (format!("{V1}/activate"), json!({})),
        (format!("{V1}/activate"), json!({ "license": "" })),
        (format!("{V1}/activate"), json!({ "license": "P".repeat(65) })),
        (format!("{V1}/activate"), json!({ "license": "PL", "real_effect_time": "2026-01-02" })),
        (format!("{V2}/activate"), json!({ "license": "PL" })),
        (format!("{V2}/activate"), json!({ "license_list": many })),
        (format!("{V2}/heartbeat"), json!({ "license_list": [] })),
    ] {
        let (status, answer) = seller.post(&path, &body);
        assert_eq!((status, &answer["error_code"]), (400, &json!("92020002")), "{path} {body}");
    }
    let stranger =
        SellerDouble { credentials: Credentials::new("AK1", "SK2"), ..SellerDouble::new() };
    let (status, answer) = stranger.post(&format!("{V1}/activate"), &json!({ "license": "PL" }));
    assert_eq!((status, &answer["error_code"]), (403, &json!("92020001")));
}

fn usage(number: &str) -> Value {
    json!({
        "instance_id": "i", "metering_sn": number, "usage_value": "1",
        "record_time": "20260921T140000Z", "begin_time": "20260921T130000Z",
        "end_time": "20260921T140000Z",
    })
}

fn push(endpoint: &SellerDouble, body: &str, key: &str, nonce: &str) -> (u16, Value) {
    let ts = (NOW * 1000).to_string();
    let signature = usage::sign(key.as_bytes(), &ts, nonce, body.as_bytes());
    let headers = [("signature", signature), ("ts", ts), ("nonce", nonce.to_owned())];
    let kind = "application/json";
    let (status, answer) =
        endpoint.ask_with(&Method::POST, usage::NEW, kind, body.as_bytes(), &headers);
    (status, serde_json::from_str(&answer).unwrap())
}

#[test]
fn usage_is_signed_twice_and_counted_once() {
    let seller = SellerDouble::new();
    let body = json!({ "usage_records": [usage("1"), usage("2")] }).to_string();
    assert_eq!(push(&seller, &body, KEY, "n1").1["error_code"], "MKT.0000");
    assert_eq!(push(&seller, &body, KEY, "n2").0, 200);
    for (key, nonce) in [("another-key-for-tests", "n3"), (KEY, "n2")] {
        let (status, answer) = push(&seller, &body, key, nonce);
        assert_eq!((status, &answer["error_code"]), (401, &json!("94060002")), "{nonce}");
    }
    let counts: Vec<_> =
        locked(&seller.simulator.usage).records().iter().map(|usage| usage.count).collect();
    assert_eq!(counts, [2, 2]);

    let old = json!({ "usage_records": [usage("1")] });
    let wrong = json!({ "usage_records": [usage("3"), {}] }).to_string();
    let (status, answer) = push(&seller, &wrong, KEY, "n4");
    assert_eq!((status, &answer["error_code"]), (200, &json!("94060999")));
    assert_eq!(answer["abnormal_usage_data"][0]["index"], 1);
    let (status, answer) = seller.post(usage::OLD, &old);
    assert_eq!((status, &answer["error_code"]), (500, &json!("MKT.9002")), "no product_id");
    let many = json!({ "usage_records": vec![usage("1"); 1_001] });
    assert_eq!(seller.post(usage::OLD, &many).1["error_code"], "MKT.9003");
    let (status, answer) = seller.post(usage::NEW, &old);
    assert_eq!((status, &answer["error_code"]), (401, &json!("94060002")), "signed once only");
}

#[test]
fn a_login_gives_a_user() {
    let seller = SellerDouble::new();
    let page = "/api/v1/oauth2/authorize?client_id=c&scope=get_user_info&state=s%26t\
                &redirect_uri=http%3A%2F%2Fseller%2Fback%3Fa%3D1";
    let (status, back) = seller.ask(&Method::GET, page, "text/plain", b"");
    let code = back.strip_prefix("http://seller/back?a=1&code=").unwrap();
    let code = code.strip_suffix("&state=s%26t").unwrap();
    assert_eq!(status, 302);

    let form = "application/x-www-form-urlencoded";
    let token = |body: &str| {
        let path = "/api/v1/oauth2/token";
        let (status, answer) = seller.ask(&Method::POST, path, form, body.as_bytes());
        (status, serde_json::from_str::<Value>(&answer).unwrap())
    };
    let who = format!("client_id=c&client_secret=s&code={code}");
    let (status, tokens) = token(&format!("grant_type=authorization_code&{who}"));
    assert_eq!((status, &tokens["expires_in"]), (200, &json!(7_200)));
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let info = |bearer: String| {
        let path = "/api/v1/oauth2/userinfo";
        let more = [("authorization", bearer)];
        seller.ask_with(&Method::GET, path, "text/plain", b"", &more)
    };
    assert!(info(bearer).1.contains("mock_user_01"));
    assert_eq!(info("Bearer x".to_owned()).0, 401);
    let (status, refused) = token(&format!("grant_type=authorization_code&{who}"));
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    assert_eq!(token("grant_type=password").1["error"], "unsupported_grant_type");
    let page = "/api/v1/oauth2/authorize?client_id=other&redirect_uri=http%3A%2F%2Fseller%2F";
    assert_eq!(seller.ask(&Method::GET, page, "text/plain", b"").0, 400);
    let page = "/api/v1/oauth2/logout?redirect_url=http%3A%2F%2Fseller%2F";
    let left = seller.ask(&Method::GET, page, "text/plain", b"");
    assert_eq!(left, (302, "http://seller/".to_owned()));
}
