//! What no program should ask: `POST /v1/client/licenses` and the admin listener.

use license_tests::market::{self, TestMarketplace};
use license_tests::server::{Server, Site};
use license_tests::{MACHINE, flowsim, http, license, machine};
use serde_json::{Value, json};

fn shop(quantity: u32) -> (TestMarketplace, Site, Server, String) {
    let marketplace = TestMarketplace::start();
    let site = Site::towards(&marketplace);
    let server = site.start();
    server.apply_product(&flowsim());
    let order = market::period(quantity);
    marketplace.sell(&order);
    let instance = server.buy_and_read(&order.id);
    (marketplace, site, server, instance)
}

/// RFC 9457, with a stable code and both languages.
fn problem(reply: &http::Reply, status: u16, code: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let problem = reply.json();
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["status"], status);
    assert!(problem["title"].as_str().is_some_and(|text| text.len() > 3), "{problem}");
    assert!(problem["title_zh"].as_str().is_some_and(|text| !text.is_ascii()), "{problem}");
}

#[test]
fn a_program_asks_for_its_license() {
    let (_marketplace, _site, server, instance) = shop(1);
    let code = server.activation_code(&instance);
    let first = server.ask(&code, MACHINE);
    assert_eq!(first.status, 200, "{}", first.text());
    let answer = first.json();
    let claims = license::claims(&server, answer["license"].as_str().unwrap(), MACHINE);
    assert_eq!(claims["jti"], answer["license_id"]);
    assert!(answer["receipt"].as_str().is_some_and(|text| text.starts_with("eyJ")));

    let again = server.ask(&code.to_lowercase().replace('-', " "), MACHINE);
    assert_eq!(again.json()["license_id"], answer["license_id"], "the license in force");
    problem(&server.ask(&code, &machine(9)), 409, "MACHINES_EXHAUSTED");
    problem(&server.ask(&code, "||||"), 422, "MACHINE_UNREADABLE");
    assert_eq!(server.machines(&instance), (1, Some(1)));
}

#[test]
fn a_wrong_code_is_refused_and_guessing_is_slowed_down() {
    let (_marketplace, _site, server, instance) = shop(1);
    let code = server.activation_code(&instance);
    let mut wrong: Vec<char> = code.chars().collect();
    wrong[0] = if wrong[0] == '7' { '8' } else { '7' };
    let mistyped: String = wrong.into_iter().collect();
    problem(&server.ask(&mistyped, MACHINE), 403, "ACTIVATION_CODE_UNKNOWN");
    for _ in 0..25 {
        let reply = server.ask("00000-00000-00000-00000-0", MACHINE);
        if reply.status == 429 {
            problem(&reply, 429, "RATE_LIMITED");
            let wait = reply.header("retry-after").and_then(|wait| wait.parse::<u32>().ok());
            assert!(wait.is_some_and(|wait| wait > 0), "{:?}", reply.headers);
            return;
        }
        problem(&reply, 403, "ACTIVATION_CODE_UNKNOWN");
    }
    panic!("26 wrong codes from one address in a row");
}

#[test]
fn requests_that_are_none() {
    let (_marketplace, _site, server, instance) = shop(1);
    let url = format!("{}/v1/client/licenses", server.listen);
    let good = json!({
        "product": "flowsim",
        "activation_code": server.activation_code(&instance),
        "dev_info": MACHINE,
        "form": "string",
        "version": "2.0.0",
        "nonce": "n",
    });
    let post = |body: &[u8]| http::try_post(&url, "application/json", None, body).unwrap();
    for body in ["", "{", "[]", "null", "\"x\"", "{\"nonce\":\"a\",\"nonce\":\"b\"}"] {
        problem(&post(body.as_bytes()), 400, "REQUEST_INVALID");
    }
    let mut cases: Vec<(Value, u16, &str)> = Vec::new();
    for (name, value, status, code) in [
        ("nonce", json!(""), 400, "REQUEST_INVALID"),
        ("nonce", json!("x".repeat(129)), 400, "REQUEST_INVALID"),
        ("nonce", json!(7), 400, "REQUEST_INVALID"),
        ("form", json!("carrier pigeon"), 400, "REQUEST_INVALID"),
        ("dev_info", json!("x".repeat(5_121)), 422, "MACHINE_UNREADABLE"),
        ("product", json!("another"), 403, "ACTIVATION_CODE_UNKNOWN"),
    ] {
        let mut body = good.clone();
        body[name] = value;
        cases.push((body, status, code));
    }
    for (body, status, code) in cases {
        let reply = post(body.to_string().as_bytes());
        let found = reply.json()["code"].as_str().unwrap_or_default().to_owned();
        assert!(reply.status >= 400 && reply.status < 500, "{body}: {}", reply.text());
        assert!(reply.status == status || found == code, "{body}: {}", reply.text());
    }
    assert_eq!(server.machines(&instance).0, 0);
    assert_eq!(post(good.to_string().as_bytes()).status, 200);
}

#[test]
fn the_admin_listener_wants_a_token() {
    let (_marketplace, _site, server, _instance) = shop(1);
    for path in ["products", "instances", "licenses", "uploads", "releases", "tokens"] {
        let url = format!("{}/api/v1/{path}", server.admin);
        problem(&http::get(&url, None), 401, "UNAUTHORIZED");
        problem(&http::get(&url, Some("licd_not-a-token")), 401, "UNAUTHORIZED");
        assert_eq!(http::get(&url, Some(&server.token)).status, 200, "{path}");
        let elsewhere = format!("{}/api/v1/{path}", server.listen);
        assert_eq!(http::get(&elsewhere, Some(&server.token)).status, 404, "{path}");
    }
    problem(&server.admin_get("/api/v1/instances/none"), 404, "NOT_FOUND");

    let made = server.admin_post("/api/v1/tokens", &json!({ "name": "t", "role": "viewer" }));
    let viewer = made.json()["token"].as_str().unwrap().to_owned();
    let products = format!("{}/api/v1/products", server.admin);
    assert_eq!(http::get(&products, Some(&viewer)).status, 200);
    problem(&http::post(&products, Some(&viewer), &flowsim()), 403, "FORBIDDEN");
}

#[test]
fn products_that_are_none() {
    let (_marketplace, _site, server, _instance) = shop(1);
    let mut typo = flowsim();
    typo["license"]["machnies"] = json!(3);
    let mut kind = flowsim();
    kind["license"]["kind"] = json!("eternal");
    let mut blank = flowsim();
    blank["id"] = json!("");
    for body in [typo, kind, blank, json!([]), json!({})] {
        let reply = server.admin_post("/api/v1/products", &body);
        assert!(matches!(reply.status, 400 | 422), "{body}: {}", reply.text());
        assert_eq!(reply.json()["code"], "REQUEST_INVALID", "{body}");
    }
    assert_eq!(server.admin_get("/api/v1/products").json().as_array().unwrap().len(), 1);
}
