//! The first edition's parameters: missing, empty, too long by one, of a wrong kind; unknown
//! instances; another interface's key; calls that come too late. Nothing changes.

use license_tests::market::{self, TestMarketplace};
use license_tests::query::Query;
use license_tests::server::{Server, Site};
use license_tests::{GENERAL_KEY, KIT_KEY, LICENSE_CODE_KEY, MARKET_PRODUCT, flowsim, time};
use serde_json::Value;

/// A good call, its mandatory and its optional parameters with their lengths.
type Case = (Query, Vec<(&'static str, usize)>, Vec<(&'static str, usize)>);

fn cases(instance: &str) -> Vec<Case> {
    let order = format!("CS{}", time::unique());
    let end = time::digits(time::now() + 365 * 86_400);
    let mut cases = Vec::new();
    for activity in ["newInstance", "getLicense"] {
        cases.push((
            Query::buy(activity, &order),
            vec![("orderId", 64), ("businessId", 64), ("productId", 64), ("customerId", 100)],
            vec![
                ("skuCode", 64),
                ("customerName", 64),
                ("userId", 64),
                ("userName", 64),
                ("chargingMode", 25),
                ("trialFlag", 2),
                ("expireTime", 20),
                ("periodType", 10),
                ("periodNumber", 2),
                ("amount", 7),
                ("diskSize", 7),
                ("bandWidth", 7),
                ("orderAmount", 20),
                ("encryptType", 2),
                ("testFlag", 2),
            ],
        ));
    }
    for activity in ["refreshInstance", "refreshLicense"] {
        cases.push((
            Query::on(activity, instance).with("orderId", &order).with("expireTime", &end),
            vec![("instanceId", 64), ("orderId", 64), ("expireTime", 20)],
            vec![
                ("productId", 64),
                ("trialToFormal", 2),
                ("periodType", 10),
                ("periodNumber", 2),
                ("testFlag", 2),
            ],
        ));
    }
    for activity in ["expireInstance", "expireLicense"] {
        cases.push((
            Query::on(activity, instance),
            vec![("instanceId", 64)],
            vec![("orderId", 64), ("testFlag", 2)],
        ));
    }
    for activity in ["releaseInstance", "releaseLicense"] {
        cases.push((
            Query::on(activity, instance).with("orderId", &order),
            vec![("instanceId", 64), ("orderId", 64)],
            vec![("testFlag", 2)],
        ));
    }
    cases.push((
        Query::on("upgrade", instance)
            .with("orderId", &order)
            .with("productId", MARKET_PRODUCT)
            .with("skuCode", "sku"),
        vec![("instanceId", 64), ("orderId", 64), ("productId", 64), ("skuCode", 64)],
        vec![("amount", 7), ("diskSize", 7), ("bandWidth", 7), ("testFlag", 2)],
    ));
    cases.push((
        Query::on("instanceStatus", instance).with("instanceStatus", "FREEZE"),
        vec![("instanceId", 64), ("instanceStatus", 32)],
        vec![("testFlag", 2)],
    ));
    cases.push((
        Query::on("queryInstance", instance),
        vec![("instanceId", 64)],
        vec![("encryptType", 2), ("testFlag", 2)],
    ));
    cases
}

struct Shop {
    server: Server,
    instance: String,
    _marketplace: TestMarketplace,
    _site: Site,
}

fn shop() -> Shop {
    let marketplace = TestMarketplace::start();
    let site = Site::towards(&marketplace);
    let server = site.start();
    server.apply_product(&flowsim());
    let order = market::period(2);
    marketplace.sell(&order);
    let instance = server.buy_and_read(&order.id);
    Shop { server, instance, _marketplace: marketplace, _site: site }
}

impl Shop {
    fn all(&self) -> (Value, Vec<Value>) {
        (self.server.instance(&self.instance), self.server.instances())
    }

    fn refuses(&self, query: &Query, code: &str, says: &str) {
        let answer = query.send(&self.server);
        assert_eq!(answer["resultCode"], code, "{query:?}: {answer}");
        let message = answer["resultMsg"].as_str().unwrap_or_default();
        assert!(message.contains(says), "{says}: {query:?}: {message}");
        assert!(!message.is_ascii(), "a refusal speaks Chinese too: {message}");
        assert!(message.chars().count() <= 255, "{message}");
    }
}

#[test]
fn parameters_that_are_missing_empty_too_long_or_of_a_wrong_kind() {
    let shop = shop();
    let before = shop.all();
    for (good, mandatory, optional) in cases(&shop.instance) {
        let with = |name: &str, value: &str| good.clone().without(name).with(name, value);
        for (name, length) in &mandatory {
            shop.refuses(&good.clone().without(name), "000002", name);
            shop.refuses(&with(name, ""), "000002", name);
            shop.refuses(&with(name, &"9".repeat(length + 1)), "000002", name);
            shop.refuses(&with(name, "a\u{7}b"), "000002", name);
        }
        for (name, length) in &optional {
            shop.refuses(&with(name, &"9".repeat(length + 1)), "000002", name);
        }
        let known = |name: &str| mandatory.iter().chain(&optional).any(|(n, _)| *n == name);
        for (name, wrong) in [
            ("expireTime", "tomorrow"),
            ("expireTime", "20271340000000"),
            ("periodType", "week"),
            ("periodNumber", "x"),
            ("amount", "-1"),
            ("amount", "1.5"),
            ("diskSize", "big"),
            ("bandWidth", "1e3"),
            ("orderAmount", "1,00"),
            ("trialFlag", "2"),
            ("trialToFormal", "x"),
            ("encryptType", "x"),
            ("instanceStatus", "MELT"),
            ("testFlag", "2"),
        ] {
            if known(name) {
                shop.refuses(&with(name, wrong), "000002", name);
            }
        }
    }
    let ids: Vec<_> = (0..101).map(|i| format!("i-{i}")).collect();
    shop.refuses(&Query::on("queryInstance", &ids.join(",")), "000002", "instanceId");
    shop.refuses(&Query::on("queryInstance", "a,,b"), "000002", "instanceId");
    for activity in ["", "meltInstance", "newinstance ", &"x".repeat(21)] {
        shop.refuses(&Query::on(activity, &shop.instance), "000002", "activity");
    }
    assert_eq!(shop.all(), before, "nothing changes");
}

#[test]
fn the_right_parameters_with_another_interfaces_key() {
    let shop = shop();
    let before = shop.all();
    for (good, ..) in cases(&shop.instance) {
        for key in [LICENSE_CODE_KEY, GENERAL_KEY, KIT_KEY] {
            shop.refuses(&good.clone().signed(key, time::now_ms()), "000001", "");
        }
    }
    assert_eq!(shop.all(), before);
}

#[test]
fn what_is_unknown_or_over_is_000003() {
    let shop = shop();
    let is_of_instance =
        |query: &Query| !["newInstance", "getLicense", "queryInstance"].contains(&query.activity());
    for (unknown, ..) in cases("no-such-instance").into_iter().filter(|(q, ..)| is_of_instance(q)) {
        shop.refuses(&unknown.with("later", "x"), "000003", "not exist");
    }
    let release = Query::on("releaseInstance", &shop.instance).with("orderId", "CS9");
    assert_eq!(release.send(&shop.server)["resultCode"], "000000");
    for (late, ..) in cases(&shop.instance).into_iter().filter(|(query, ..)| is_of_instance(query))
    {
        let again = ["releaseInstance", "releaseLicense"].contains(&late.activity());
        if again {
            assert_eq!(late.send(&shop.server)["resultCode"], "000000");
        } else {
            shop.refuses(&late, "000003", "not exist");
        }
    }
}
