use std::sync::mpsc::{Receiver, channel};

use axum::http::HeaderValue;
use koogallery::aksk::{Payload, Request, authorize};

use super::*;

const NOW: i64 = 1_790_000_000;
const HOST: &str = "127.0.0.1:8480";

struct Seller {
    marketplace: Marketplace,
    seen: Receiver<Happening>,
    credentials: Credentials,
}

impl Seller {
    fn new() -> Self {
        Self::keeping(None)
    }

    fn keeping(uploads_dir: Option<PathBuf>) -> Self {
        let (happenings, seen) = channel();
        let marketplace = Marketplace {
            credentials: Credentials::new("AK1", "SK1"),
            environment: Environment { now_ms: || NOW * 1000, fill: |_| Ok(()) },
            orders: Mutex::new(OrderBook::default()),
            ledger: Mutex::new(Ledger::default()),
            uploads_dir,
            happenings,
        };
        Self { marketplace, seen, credentials: Credentials::new("AK1", "SK1") }
    }

    fn ask(&self, method: &Method, target: &str, kind: &str, body: &[u8]) -> (u16, String) {
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
        let uri: Uri = target.parse().unwrap();
        let asked = Asked { method, uri: &uri, headers: &sent, body };
        let (status, answer) = self.marketplace.answer(&asked);
        (status, String::from_utf8(answer).unwrap())
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
    let seller = Seller::new();
    let (status, answer) = seller.query("MOCKPERIODYEARNEW", Some("MOCKPERIODYEARNEW-000001"));
    let order = order::read_answer(status, answer.as_bytes()).unwrap();
    assert_eq!(order.lines[0].products[0].quantity(), 50);
    assert!(order.lines[0].expire_time.unwrap() > NOW + 364 * 86_400);
    let seen = seller.seen.try_recv().unwrap();
    assert!(matches!(seen, Happening::OrderAsked { known: true, .. }), "{seen:?}");
}

#[test]
fn an_unknown_order_stops_that_one_and_not_the_queue() {
    let seller = Seller::new();
    let (status, answer) = seller.query("CS404", None);
    let failure = order::read_answer(status, answer.as_bytes()).unwrap_err();
    assert_eq!((status, failure.code.as_str()), (400, "MKT.0101"));
    assert_eq!(failure.remedy, koogallery::Remedy::GiveUp);
}

#[test]
fn a_wrong_secret_is_refused_with_the_marketplaces_codes() {
    let seller = Seller { credentials: Credentials::new("AK1", "SK2"), ..Seller::new() };
    let (status, answer) = seller.query("MOCKONETIMENEW", None);
    assert_eq!(status, 401);
    assert!(answer.contains("MKT.0154"), "{answer}");
    let (status, answer) = seller.upload("EV-1", &Content::Characters("eyJ".to_owned()));
    assert_eq!(status, 403);
    assert!(answer.contains("CBC.0150"), "{answer}");
    assert_eq!(locked(&seller.marketplace.ledger).uploads().len(), 0);
}

#[test]
fn a_changed_body_is_refused() {
    let seller = Seller::new();
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
    let asked = Asked { method: &Method::POST, uri: &uri, headers: &sent, body: &body };
    assert_eq!(seller.marketplace.answer(&asked).0, 403);
}

#[test]
fn uploads_are_kept_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let seller = Seller::keeping(Some(folder.path().to_owned()));
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
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!((status, list.as_array().unwrap().len()), (200, 3));
    assert_eq!(list[0]["type"], "CHARACTERS");
    assert_eq!(list[1]["event_id"], "../EV-2");
    assert_eq!(list[1]["file_name"], "license.lic");
    assert_eq!(list[2]["verdict"], "repeat");
}

#[test]
fn other_content_for_the_same_event_is_told() {
    let seller = Seller::new();
    seller.upload("EV-1", &Content::Characters("one".to_owned()));
    seller.upload("EV-1", &Content::Characters("two".to_owned()));
    let verdicts: Vec<_> = seller
        .seen
        .try_iter()
        .map(|happening| match happening {
            Happening::Uploaded(upload) => upload.verdict,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(verdicts, [Verdict::First, Verdict::Violation]);
    assert_eq!(locked(&seller.marketplace.ledger).violations(), 1);
}

#[test]
fn what_is_no_upload_is_refused() {
    let seller = Seller::new();
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
