//! Every field of the calls about upgrades, changes, authorization codes and notifications: missing,
//! empty, too long by one, of a wrong type; another interface's key; calls that come too late.

use license_tests::call::{self, Call};
use license_tests::market::{self, TestMarketplace};
use license_tests::server::{Server, Site};
use license_tests::{
    GENERAL_KEY, KEY, KIT_KEY, LICENSE_CODE_KEY, MARKET_PRODUCT, flowsim, http, machine, time,
};
use serde_json::{Value, json};

fn sent(server: &Server, key: &str, body: &Value) -> Value {
    Call::signed(body.to_string(), key, time::now_ms()).send(server)
}

/// A good call, its key, and its mandatory and optional fields with their lengths.
type Case = (Value, &'static str, Vec<(&'static str, usize)>, Vec<(&'static str, usize)>);

fn cases(instance: &str) -> Vec<Case> {
    let goods = json!({ "productId": MARKET_PRODUCT });
    let mut refresh = call::refresh_code("PL-ONE", time::now() + 86_400);
    refresh["productId"] = json!(MARKET_PRODUCT);
    let mut release = call::release_code("PL-ONE");
    release["orderId"] = json!("CS9");
    release["orderLineId"] = json!("CS9-000001");
    vec![
        (
            call::upgrade(instance, "CS9"),
            KEY,
            vec![("instanceId", 64), ("orderId", 64), ("orderLineId", 64)],
            vec![("testFlag", 2)],
        ),
        (
            call::check_change(instance, &goods),
            KEY,
            vec![("instanceId", 64), ("productInfo", 0)],
            vec![("testFlag", 2)],
        ),
        (
            refresh,
            LICENSE_CODE_KEY,
            vec![
                ("scene", 64),
                ("orderId", 64),
                ("orderLineId", 64),
                ("license", 64),
                ("expireTime", 20),
            ],
            vec![("productId", 64), ("testFlag", 2)],
        ),
        (
            call::code_status("PL-ONE", "FREEZE"),
            LICENSE_CODE_KEY,
            vec![("license", 64), ("status", 32)],
            vec![("testFlag", 2)],
        ),
        (
            release,
            LICENSE_CODE_KEY,
            vec![("license", 64)],
            vec![("orderId", 64), ("orderLineId", 64), ("testFlag", 2)],
        ),
        (
            call::notify("CS9"),
            GENERAL_KEY,
            vec![("orderId", 64), ("orderLineId", 64)],
            vec![("testFlag", 2)],
        ),
    ]
}

struct Shop {
    server: Server,
    instance: String,
    _marketplace: TestMarketplace,
}

/// With an instance, and a code that is in use.
fn shop() -> Shop {
    let marketplace = TestMarketplace::start();
    let server = Site::towards(&marketplace).start();
    server.apply_product(&flowsim());
    let order = market::period(2);
    marketplace.sell(&order);
    let instance = server.buy_and_read(&order.id);
    marketplace.sell_code("PL-ONE", 1, time::now() + 86_400 * 90);
    let request = json!({
        "product": "flowsim", "activation_code": "PL-ONE", "dev_info": machine(1),
        "form": "string", "version": "2.0.0", "nonce": "n-1",
    });
    let reply = http::post(&format!("{}/v1/client/licenses", server.listen), None, &request);
    assert_eq!(reply.status, 200, "{}", reply.text());
    Shop { server, instance, _marketplace: marketplace }
}

impl Shop {
    /// Everything that a call could change.
    fn all(&self) -> Value {
        json!([
            self.server.instances(),
            self.server.admin_get("/api/v1/codes").json(),
            self.server.admin_get("/api/v1/notices").json(),
        ])
    }

    fn refuses(&self, key: &str, body: &Value, code: &str, says: &str) {
        let answer = sent(&self.server, key, body);
        assert_eq!(answer["resultCode"], code, "{body}: {answer}");
        let message = answer["resultMsg"].as_str().unwrap_or_default();
        assert!(message.contains(says), "{body}: {message}");
        assert!(!message.is_ascii(), "a refusal speaks Chinese too: {message}");
        assert!(message.chars().count() <= 255, "{message}");
    }
}

#[test]
fn fields_that_are_missing_empty_too_long_or_of_a_wrong_type() {
    let shop = shop();
    let before = shop.all();
    for (good, key, mandatory, optional) in cases(&shop.instance) {
        for &(name, length) in &mandatory {
            let mut body = good.clone();
            body.as_object_mut().unwrap().remove(name);
            shop.refuses(key, &body, "000002", name);
            for wrong in [json!(null), json!(""), json!([]), json!(true)] {
                body[name] = wrong;
                shop.refuses(key, &body, "000002", name);
            }
            if length > 0 {
                body[name] = json!("9".repeat(length + 1));
                shop.refuses(key, &body, "000002", name);
                body[name] = json!({ "a": 1 });
                shop.refuses(key, &body, "000002", name);
            }
        }
        for &(name, length) in &optional {
            for wrong in [json!("9".repeat(length + 1)), json!([1]), json!({}), json!(false)] {
                let mut body = good.clone();
                body[name] = wrong;
                shop.refuses(key, &body, "000002", name);
            }
        }
    }
    let mut odd = call::code_status("PL-ONE", "MELT");
    shop.refuses(LICENSE_CODE_KEY, &odd, "000002", "status");
    odd = call::refresh_code("PL-ONE", 1);
    odd["expireTime"] = json!("20271340000000");
    shop.refuses(LICENSE_CODE_KEY, &odd, "000002", "expireTime");
    for (info, says) in [
        (json!("OFFI1"), "productInfo"),
        (json!({}), "productId"),
        (json!("{}"), "productId"),
        (json!({ "productId": "x".repeat(65) }), "productId"),
        (json!({ "productId": "x", "skuCode": "y".repeat(65) }), "skuCode"),
    ] {
        shop.refuses(KEY, &call::check_change(&shop.instance, &info), "000002", says);
    }
    assert_eq!(shop.all(), before, "nothing changes");
}

#[test]
fn the_right_body_with_another_interfaces_key() {
    let shop = shop();
    let before = shop.all();
    for (good, key, ..) in cases(&shop.instance) {
        for other in [KEY, LICENSE_CODE_KEY, GENERAL_KEY, KIT_KEY] {
            if other != key {
                shop.refuses(other, &good, "000001", "");
            }
        }
    }
    assert_eq!(shop.all(), before);
}

#[test]
fn unknown_members_are_tolerated_and_what_is_unknown_or_over_is_000003() {
    let shop = shop();
    for (good, key, ..) in cases("no-such-instance") {
        let mut body = good;
        body["later"] = json!({ "deep": [1, { "x": null }] });
        if body.get("license").is_some() {
            body["license"] = json!("PL-UNKNOWN");
        }
        let known = body["activity"] == "orderNotify";
        let code = if known { "000000" } else { "000003" };
        assert_eq!(sent(&shop.server, key, &body)["resultCode"], code, "{body}");
    }
    assert_eq!(shop.server.code(&call::release(&shop.instance)), "000000");
    assert_eq!(
        sent(&shop.server, LICENSE_CODE_KEY, &call::release_code("PL-ONE"))["resultCode"],
        "000000"
    );
    for (late, key, ..) in cases(&shop.instance) {
        let again = ["releaseLicenseCode", "orderNotify"];
        if !again.contains(&late["activity"].as_str().unwrap()) {
            shop.refuses(key, &late, "000003", "not exist");
        }
    }
}
