//! What no marketplace should send.

use license_tests::call::{self, Call};
use license_tests::market::{self, TestMarketplace};
use license_tests::server::{Server, Site};
use license_tests::{KEY, MACHINE, flowsim, http, time};
use serde_json::{Value, json};

/// The answer to a properly signed body: its code, and a message that says something.
fn judged(server: &Server, body: &[u8]) -> String {
    let answer = Call::new(body).send(server);
    let message = answer["resultMsg"].as_str().unwrap_or_default();
    assert!(message.len() > 6 && message.chars().count() <= 255, "{answer}");
    assert!(!message.is_ascii(), "a refusal speaks Chinese too: {answer}");
    answer["resultCode"].as_str().unwrap().to_owned()
}

fn untouched(server: &Server) {
    assert!(server.instances().is_empty(), "{:?}", server.instances());
    assert_eq!(server.code(&call::new_instance("CS-STILL-ALIVE")), "000000");
}

#[test]
fn bodies_that_are_no_flat_object_of_text() {
    let server = Site::new().start();
    let order = r#""orderId":"CS1","orderLineId":"CS1-000001","businessId":"b""#;
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("blank", b"   ".to_vec()),
        ("not JSON", b"hello".to_vec()),
        ("truncated", format!(r#"{{"activity":"newInstance",{order}"#).into_bytes()),
        ("truncated in a string", br#"{"activity":"newInst"#.to_vec()),
        ("array", format!(r#"[{{"activity":"newInstance",{order}}}]"#).into_bytes()),
        ("string", br#""newInstance""#.to_vec()),
        ("null", b"null".to_vec()),
        ("number", b"1".to_vec()),
        ("two objects", br#"{"activity":"newInstance"}{}"#.to_vec()),
        ("trailing text", format!(r#"{{"activity":"newInstance",{order}}} x"#).into_bytes()),
        ("not UTF-8", {
            let mut body = format!(r#"{{"activity":"newInstance",{order},"x":""#).into_bytes();
            body.extend_from_slice(&[0xff, 0xfe]);
            body.extend_from_slice(br#""}"#);
            body
        }),
        ("GBK", {
            let mut body = format!(r#"{{"activity":"newInstance",{order},"x":""#).into_bytes();
            body.extend_from_slice(&[0xd5, 0xc5, 0xc8, 0xfd]);
            body.extend_from_slice(br#""}"#);
            body
        }),
        ("half a surrogate", {
            format!(r#"{{"activity":"newInstance",{order},"x":"\ud842"}}"#).into_bytes()
        }),
        ("duplicate key", {
            format!(r#"{{"activity":"newInstance",{order},"orderId":"CS2"}}"#).into_bytes()
        }),
        ("duplicate key, escaped", {
            format!(r#"{{"activity":"newInstance",{order},"order\u0049d":"CS2"}}"#).into_bytes()
        }),
        ("deep", format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000)).into_bytes()),
        ("deep member", {
            let nest = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
            format!(r#"{{"activity":"newInstance",{order},"x":{nest}}}"#).into_bytes()
        }),
        ("no activity", format!("{{{order}}}").into_bytes()),
        ("activity null", format!(r#"{{"activity":null,{order}}}"#).into_bytes()),
        ("unknown activity", format!(r#"{{"activity":"dropTables",{order}}}"#).into_bytes()),
        ("activity in another case", {
            format!(r#"{{"activity":"NEWINSTANCE",{order}}}"#).into_bytes()
        }),
    ];
    for (name, body) in cases {
        assert_eq!(judged(&server, &body), "000002", "{name}");
    }
    untouched(&server);
}

#[test]
fn members_of_the_wrong_type_or_length() {
    let server = Site::new().start();
    let good = call::new_instance("CS1");
    let long = |n: usize| json!("x".repeat(n));
    let mut cases: Vec<Value> = Vec::new();
    for (name, value) in [
        ("orderId", json!({ "id": "CS1" })),
        ("orderId", json!(["CS1"])),
        ("orderId", json!("")),
        ("orderId", long(65)),
        ("orderLineId", json!(null)),
        ("orderLineId", long(65)),
        ("businessId", long(65)),
        ("testFlag", json!("2")),
        ("testFlag", json!("yes")),
    ] {
        let mut body = good.clone();
        body[name] = value;
        cases.push(body);
    }
    for (name, value) in [
        ("instanceId", long(65)),
        ("eventId", long(65)),
        ("eventId", json!("")),
        ("effectiveTime", json!("soon")),
        ("effectiveTime", long(33)),
        ("expireTime", json!("2027-13-40 00:00:00 z")),
        ("deviceFingerprint", json!({ "mac": "x" })),
    ] {
        let mut body = call::apply("i-1", "EV-1", MACHINE);
        body[name] = value;
        cases.push(body);
    }
    for (name, value) in [
        ("expireTime", json!("tomorrow")),
        ("expireTime", json!("20271340000000")),
        ("scene", json!("")),
        ("scene", long(65)),
    ] {
        let mut body = call::refresh("i-1", "RENEWAL", "CS2", time::now());
        body[name] = value;
        cases.push(body);
    }
    let mut melt = call::status("i-1", "MELT");
    cases.push(melt.clone());
    melt["status"] = json!(1);
    cases.push(melt);
    for body in cases {
        assert_eq!(judged(&server, body.to_string().as_bytes()), "000002", "{body}");
    }
    untouched(&server);
}

#[test]
fn a_body_over_the_limit_is_413_before_it_is_read() {
    let server = Site::new().start();
    let filled = |length: usize| {
        let mut body = call::new_instance("CS1");
        body["x"] = json!("");
        body["x"] = json!("y".repeat(length - body.to_string().len()));
        body.to_string().into_bytes()
    };
    assert_eq!(filled(65_536).len(), 65_536);
    assert_eq!(Call::new(filled(65_536)).send(&server)["resultCode"], "000000", "at the limit");
    let over = Call::new(filled(65_537)).try_send(&server.listen).unwrap();
    assert_eq!(over.status, 413);

    // Announced: refused before a byte of it is sent.
    let head = "POST /koogallery HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999999\r\n\r\n";
    let answer = http::raw(&server.listen, head.as_bytes(), false);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");

    // Not announced: cut off at the limit.
    let mut chunked =
        b"POST /koogallery HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..40 {
        chunked.extend_from_slice(b"1000\r\n");
        chunked.extend_from_slice(&[b'z'; 4096]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let answer = http::raw(&server.listen, &chunked, false);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(server.instances().len(), 1);
}

#[test]
fn a_connection_that_breaks_off_leaves_nothing() {
    let server = Site::new().start();
    let body = call::new_instance("CS1").to_string();
    let query = call::query(KEY, body.as_bytes(), &time::now_ms().to_string());
    let head = format!(
        "POST /koogallery?{query} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    for cut in [0, 1, body.len() / 2, body.len() - 1] {
        let _ = http::raw(&server.listen, format!("{head}{}", &body[..cut]).as_bytes(), true);
    }
    let _ = http::raw(&server.listen, b"GET / HT", true);
    let _ = http::raw(&server.listen, &[0, 1, 2, 0xff], true);
    untouched(&server);
}

#[test]
fn methods_and_paths_that_are_not_there() {
    let server = Site::new().start();
    let status = |request: &str| {
        let answer = http::raw(&server.listen, request.as_bytes(), false);
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    let put =
        "PUT /koogallery HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    assert_eq!(status(put), "405");
    for path in ["/", "/koogallery/x", "/api/v1/instances", "/metrics", "/../etc/passwd"] {
        let get = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        assert_eq!(status(&get), "404", "{path}");
    }
    assert_eq!(http::get(&format!("{}/healthz", server.listen), None).status, 200);
    assert_eq!(http::get(&format!("{}/readyz", server.listen), None).status, 200);
}

/// 5,120 bytes are read, one more is too much.
#[test]
fn device_texts_at_and_over_the_limit() {
    let marketplace = TestMarketplace::start();
    let server = Site::towards(&marketplace).start();
    server.apply_product(&flowsim());
    let order = market::period(3);
    marketplace.sell(&order);
    let instance = server.buy_and_read(&order.id);
    let text = |length: usize| {
        let macs: Vec<_> =
            (0..400).map(|n| format!("04:7C:16:00:{:02X}:{:02X}", n / 256, n % 256)).collect();
        let macs = macs.join(",");
        let mut text = macs[..length - 100].rsplit_once(',').unwrap().0.to_owned();
        text.push_str("|DISK-1|");
        text.push_str(&"B".repeat(length - text.len() - 1));
        text.push('|');
        text
    };
    assert_eq!(text(5_120).len(), 5_120);
    let code = |event: &str, device: &str| server.code(&call::apply(&instance, event, device));
    assert_eq!(code("EV-LIMIT", &text(5_120)), "000004");
    let over = code("EV-OVER", &text(5_121));
    assert!(matches!(over.as_str(), "000002" | "000903"), "{over}");
    assert_eq!(code("EV-NONE", "||||||"), "000903");
    assert_eq!(code("EV-BLANK", "  "), "000903");
    assert_eq!(code("EV-FILLER", "FF:FF:FF:FF:FF:FF|NONE|DEFAULT STRING|"), "000903");
    assert_eq!(server.machines(&instance).0, 1);
}
