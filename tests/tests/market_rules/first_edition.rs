//! The first edition through the real listener: "always answered with HTTP 200", every answer
//! signed in `Body-Sign`, "`getLicense` issues an unbound license from the call's own members and
//! does not wait for the order", the same instances as the newer interfaces.

use std::collections::BTreeSet;
use std::thread;

use koogallery_sim::faults::ApiFault;
use license_tests::market;
use license_tests::query::{Query, body_is_signed};
use license_tests::{
    GENERAL_KEY, KEY, KIT_KEY, LICENSE_CODE_KEY, MACHINE, call, http, license, time,
};
use serde_json::{Value, json};

use crate::shared::Shop;

fn code(shop: &Shop, query: &Query) -> String {
    query.send(&shop.server)["resultCode"].as_str().unwrap().to_owned()
}

fn renewal(activity: &str, instance: &str) -> Query {
    let end = time::digits(time::now() + 700 * 86_400);
    Query::on(activity, instance).with("orderId", "CS-NEXT").with("expireTime", &end)
}

#[test]
fn a_license_comes_at_once_although_no_order_can_be_read() {
    let shop = Shop::open();
    shop.marketplace.reading(Some(ApiFault::Refuse(500, "MKT.0999")));
    let order = market::period(1).id;
    let end = time::digits(time::now() + 365 * 86_400);
    let wanted = Query::buy("getLicense", &order).with("expireTime", &end).with("amount", "2");
    let first = wanted.send(&shop.server);
    assert_eq!(first["resultCode"], "000000", "{first}");
    let claims = license::claims(&shop.server, first["license"].as_str().unwrap(), MACHINE);
    assert_eq!(claims["knd"], "unbound");
    assert_eq!(claims["sub"], first["instanceId"]);
    assert_eq!(claims["cus"], "示例工业软件");

    let shop = shop.power_cut();
    assert_eq!(wanted.send(&shop.server), first);
    let instance = first["instanceId"].as_str().unwrap();
    assert_eq!(code(&shop, &renewal("refreshLicense", instance)), "000000");
    assert_eq!(code(&shop, &Query::on("expireLicense", instance)), "000000");
    assert_eq!(wanted.send(&shop.server), first);
    let release = Query::on("releaseLicense", instance).with("orderId", &order);
    assert_eq!(code(&shop, &release), "000000");
    assert_eq!(wanted.send(&shop.server), first);
}

#[test]
fn parallel_re_sends_make_one_instance() {
    let shop = Shop::open();
    for activity in ["newInstance", "getLicense"] {
        let order = market::period(1).id;
        let answers: BTreeSet<String> = thread::scope(|scope| {
            let asked: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| Query::buy(activity, &order).send(&shop.server)))
                .collect();
            asked.into_iter().map(|answer| answer.join().unwrap().to_string()).collect()
        });
        assert_eq!(answers.len(), 1, "{answers:?}");
    }
    assert_eq!(shop.server.instances().len(), 2);
}

#[test]
fn an_instance_of_one_edition_is_one_of_the_other() {
    let shop = Shop::open();
    let order = market::period(1);
    let instance = shop.sold(&order);
    let bought = Query::buy("newInstance", &order.id).send(&shop.server);
    assert_eq!(bought["instanceId"], instance.as_str());
    assert_eq!(code(&shop, &Query::on("expireInstance", &instance)), "000000");
    assert_eq!(shop.server.instance(&instance)["state"], "frozen");
    assert_eq!(shop.server.code(&call::apply(&instance, "EV-frozen", MACHINE)), "000901");
    assert_eq!(code(&shop, &renewal("refreshInstance", &instance)), "000000");
    assert_eq!(shop.server.instance(&instance)["state"], "active");

    let second = market::period(1);
    shop.marketplace.sell(&second);
    let bought = Query::buy("newInstance", &second.id).send(&shop.server);
    assert_eq!(shop.server.buy(&second.id), bought["instanceId"].as_str().unwrap());
    let bought = bought["instanceId"].as_str().unwrap();
    assert_eq!(shop.server.code(&call::status(bought, "FREEZE")), "000000");
    assert_eq!(code(&shop, &renewal("refreshInstance", bought)), "000000");
    assert_eq!(shop.server.instance(bought)["state"], "frozen");
    let normal = Query::on("instanceStatus", bought).with("instanceStatus", "NORMAL");
    assert_eq!(code(&shop, &normal), "000000");
    assert_eq!(shop.server.instance(bought)["state"], "active");
    assert_eq!(shop.server.code(&call::release(bought)), "000000");
    assert_eq!(code(&shop, &Query::on("expireInstance", bought)), "000003");
}

#[test]
fn the_signature_is_the_basic_keys_and_good_for_a_minute() {
    let shop = Shop::open();
    let now = time::now_ms();
    for (key, at, expected) in [
        (KEY, now, "000000"),
        (KEY, now - 45_000, "000000"),
        (KEY, now + 45_000, "000000"),
        (KEY, now - 75_000, "000002"),
        (KEY, now + 75_000, "000002"),
        (KIT_KEY, now, "000001"),
        (GENERAL_KEY, now, "000001"),
        (LICENSE_CODE_KEY, now, "000001"),
    ] {
        let query = Query::buy("newInstance", &market::period(1).id).signed(key, at);
        let reply = query.reply(&shop.server);
        assert_eq!(reply.json()["resultCode"], expected, "{query:?}");
        assert!(body_is_signed(&reply, KEY));
    }
    // What is repeated byte by byte is a replay where it would have an effect.
    let instance = shop.sold(&market::period(1));
    let expire = Query::on("expireInstance", &instance).signed(KEY, time::now_ms());
    assert_eq!(expire.reply(&shop.server).json()["resultCode"], "000000");
    assert_eq!(expire.reply(&shop.server).json()["resultCode"], "000002");
}

#[test]
fn every_refusal_is_answered_with_200_and_signed() {
    let shop = Shop::open();
    let long = format!("a={}", "x".repeat(9000));
    let url = |query: &str| format!("{}/koogallery?{query}", shop.server.listen);
    for query in ["", "activity=newInstance", "a=1&a=2", "a=%zz", "authToken=%ff", &long] {
        let reply = http::get(&url(query), None);
        let code = reply.json()["resultCode"].as_str().unwrap().to_owned();
        assert!(code == "000001" || code == "000002", "{query}: {code}");
        assert_eq!(reply.status, 200);
        assert!(body_is_signed(&reply, KEY), "{query}");
    }
    let head = b"HEAD /koogallery HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert!(http::raw(&shop.server.listen, head, false).starts_with("HTTP/1.1 405"));
}

/// "Each mandatory field missing, empty, over its length by one, of the wrong type … and nothing
/// changes."
#[test]
fn what_is_wrong_in_a_call_is_named_and_nothing_changes() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(1));
    let goods = ["orderId", "productId", "skuCode"];
    let upgrade = goods.iter().fold(Query::on("upgrade", &instance), |q, name| q.with(name, "g"));
    let release = |activity| Query::on(activity, &instance).with("orderId", "CS1");
    let purchase: &[_] = &["orderId", "businessId", "productId", "customerId"];
    let refresh: &[_] = &["instanceId", "orderId", "expireTime"];
    for (query, mandatory) in [
        (Query::buy("newInstance", "CS-BAD"), purchase),
        (Query::buy("getLicense", "CS-BAD"), purchase),
        (renewal("refreshInstance", &instance), refresh),
        (renewal("refreshLicense", &instance), refresh),
        (Query::on("expireInstance", &instance), &["instanceId"]),
        (Query::on("expireLicense", &instance), &["instanceId"]),
        (release("releaseInstance"), &["instanceId", "orderId"]),
        (release("releaseLicense"), &["instanceId", "orderId"]),
        (upgrade, &["instanceId", "orderId", "productId", "skuCode"]),
        (
            Query::on("instanceStatus", &instance).with("instanceStatus", "FREEZE"),
            &["instanceId", "instanceStatus"],
        ),
        (Query::on("queryInstance", &instance), &["instanceId"]),
    ] {
        for name in mandatory {
            let limit = if *name == "customerId" { 100 } else { 64 };
            let over = "字".repeat(limit + 1);
            for bad in [None, Some(""), Some(&*over), Some("a\u{1}")] {
                let query = query.clone().without(name);
                let query = bad.map_or(query.clone(), |value| query.with(name, value));
                let answer: Value = query.send(&shop.server);
                assert_eq!(answer["resultCode"], "000002", "{name} {bad:?}: {answer}");
                let text = answer["resultMsg"].as_str().unwrap();
                assert!(text.contains(name) && text.contains(" / "), "{text}");
            }
        }
        assert_eq!(code(&shop, &query.clone().with("testFlag", "7")), "000002");
        if mandatory[0] == "instanceId" {
            let unknown = query.clone().without("instanceId").with("instanceId", "no-such");
            assert_eq!(code(&shop, &unknown), "000003", "{query:?}");
        }
    }
    assert_eq!(code(&shop, &Query::on("getLicenseAsync", &instance)), "000002");
    assert_eq!(shop.server.instance(&instance)["state"], json!("active"));
    assert_eq!(shop.server.instances().len(), 1);
}
