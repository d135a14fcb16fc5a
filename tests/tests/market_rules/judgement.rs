//! When an application is answered, kept, held, served and refused.

use std::time::{Duration, Instant};

use koogallery_sim::SoldOrder;
use koogallery_sim::faults::ApiFault;
use license_tests::call::{self, Call};
use license_tests::market;
use license_tests::{MACHINE, flowsim, license, machine, time};
use serde_json::json;

use crate::shared::{SOON, Shop, event};

/// "newInstance answers 000000 once committed."
#[test]
fn an_instance_that_was_promised_survives_a_power_cut() {
    let shop = Shop::open();
    let orders: Vec<_> = (0..5).map(|_| market::period(1).id).collect();
    let promised: Vec<_> = orders.iter().map(|order| shop.server.buy(order)).collect();
    let shop = shop.power_cut();
    let kept: Vec<_> = orders.iter().map(|order| shop.server.buy(order)).collect();
    assert_eq!(promised, kept);
}

/// "getLicenseAsync answers 000004": the license itself comes as an upload.
#[test]
fn an_application_is_answered_as_in_progress() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(1));
    let event = event();
    let answer = shop.server.call(&call::apply(&instance, &event, MACHINE));
    assert_eq!(answer["resultCode"], "000004");
    let claims = license::claims(&shop.server, &shop.license(&event), MACHINE);
    assert_eq!(claims["sub"], instance.as_str());
    assert_eq!(claims["prd"], "flowsim");
    assert_eq!(claims["iss"], "FlowSim Ltd");
    assert_eq!(claims["cus"], "示例工业软件（深圳）有限公司 𠮷");
    assert_eq!(claims["ent"], json!({ "mesh": true, "solver-cores": 64 }));
}

/// "if the order is just being read it waits up to 2 s for that job"
#[test]
fn an_order_that_is_being_read_is_waited_for_up_to_two_seconds() {
    let shop = Shop::open();
    let order = market::period(1);
    shop.marketplace.sell(&order);
    shop.marketplace.reading(Some(ApiFault::Slow(Duration::from_millis(900))));
    let instance = shop.server.buy(&order.id);
    let mut unbounded = call::apply(&instance, &event(), MACHINE);
    unbounded.as_object_mut().unwrap().remove("expireTime");
    assert_eq!(shop.server.code(&unbounded), "000902", "judged by the order, which came in time");

    let slow = market::period(1);
    shop.marketplace.sell(&slow);
    shop.marketplace.reading(Some(ApiFault::Slow(Duration::from_secs(12))));
    let instance = shop.server.buy(&slow.id);
    let asked = Instant::now();
    let event = event();
    assert_eq!(shop.server.code(&call::apply(&instance, &event, MACHINE)), "000004");
    let waited = asked.elapsed();
    assert!(waited < Duration::from_secs(5), "the marketplace gives up after 5 s: {waited:?}");
    assert!(shop.marketplace.of(&event).is_empty());
    let _ = shop.marketplace.wait_for(&event, Duration::from_mins(1));
}

/// "An application that arrives before the order could be read … is kept and served as soon as it
/// can be."
#[test]
fn an_application_before_the_order_could_be_read_is_kept() {
    let shop = Shop::open();
    let order = market::period(1);
    shop.marketplace.reading(Some(ApiFault::Refuse(500, "MKT.0999")));
    let instance = shop.server.buy(&order.id);
    let event = event();
    assert_eq!(shop.server.code(&call::apply(&instance, &event, MACHINE)), "000004");
    assert_eq!(shop.server.instance(&instance)["applications"][0]["state"], "waiting");

    let shop = shop.power_cut();
    shop.marketplace.sell(&order);
    shop.marketplace.reading(None);
    let delivery = shop.marketplace.wait_for(&event, Duration::from_mins(1));
    let _ = license::claims(&shop.server, &delivery.license, MACHINE);
}

/// "… it is served … at the latest 5 s after the product was applied."
#[test]
fn an_application_for_a_product_that_is_not_configured_is_served_once_it_is() {
    let shop = Shop::without_product();
    let order = market::period(1);
    shop.marketplace.sell(&order);
    let instance = shop.server.buy(&order.id);
    let event = event();
    assert_eq!(shop.server.code(&call::apply(&instance, &event, MACHINE)), "000004");
    time::wait_for("the order was read", SOON, || {
        (!shop.marketplace.queries().is_empty()).then_some(())
    });
    std::thread::sleep(Duration::from_secs(3));
    assert!(shop.marketplace.deliveries().is_empty());

    let applied = Instant::now();
    shop.server.apply_product(&flowsim());
    let delivery = shop.marketplace.wait_for(&event, SOON);
    let took = delivery.at.duration_since(applied);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// "a kept application that later fails judgement is `held` with its code, an alert and a metric,
/// a re-send is answered with that code, and it is served when quantity … allow[s], at the latest
/// 5 s after the product was applied."
#[test]
fn a_kept_application_over_the_quantity_is_held_until_there_is_room() {
    let shop = Shop::open();
    let order = market::period(1);
    shop.marketplace.reading(Some(ApiFault::Refuse(500, "MKT.0999")));
    let instance = shop.server.buy(&order.id);
    let (first, second) = (event(), event());
    assert_eq!(shop.server.code(&call::apply(&instance, &first, MACHINE)), "000004");
    let late = call::apply(&instance, &second, &machine(2));
    assert_eq!(shop.server.code(&late), "000004", "the quantity is not known yet");

    shop.marketplace.sell(&order);
    shop.marketplace.reading(None);
    let _ = shop.marketplace.wait_for(&first, Duration::from_mins(1));
    let held = time::wait_for("the second one is held", SOON, || {
        let detail = shop.server.instance(&instance);
        let held = detail["applications"].as_array()?.iter().find(|a| a["state"] == "held")?;
        Some(held.clone())
    });
    assert_eq!(held["event_id"], second.as_str());
    assert_eq!(held["result_code"], "000900");
    assert_eq!(shop.server.code(&late), "000900", "a re-send is answered with that code");
    let metrics = shop.server.metrics();
    let counted = metrics
        .lines()
        .filter(|line| !line.starts_with('#') && line.contains("held"))
        .any(|line| line.rsplit(' ').next().and_then(|n| n.parse::<f64>().ok()) > Some(0.0));
    assert!(counted, "a metric counts what is held:\n{metrics}");
    assert!(shop.server.output().contains("000900"), "an alert names the code");

    let applied = Instant::now();
    let mut more = flowsim();
    more["license"]["machines"] = json!(2);
    shop.server.apply_product(&more);
    let delivery = shop.marketplace.wait_for(&second, SOON);
    let took = delivery.at.duration_since(applied);
    assert!(took < Duration::from_secs(5), "{took:?}");
    let _ = license::claims(&shop.server, &delivery.license, &machine(2));
    assert_eq!(shop.server.code(&late), "000004", "accepted again");
}

/// "… when quantity or dates allow": the order ended while the application waited, then it was
/// renewed.
#[test]
fn a_held_application_is_served_when_the_dates_allow() {
    let shop = Shop::open();
    let ended = SoldOrder { expires: Some(time::now() - 86_400), ..market::period(1) };
    shop.marketplace.reading(Some(ApiFault::Refuse(500, "MKT.0999")));
    let instance = shop.server.buy(&ended.id);
    let event = event();
    let application = call::apply(&instance, &event, MACHINE);
    assert_eq!(shop.server.code(&application), "000004");
    shop.marketplace.sell(&ended);
    shop.marketplace.reading(None);
    time::wait_for("it is held", Duration::from_mins(1), || {
        (shop.server.instance(&instance)["applications"][0]["result_code"] == "000901")
            .then_some(())
    });
    assert_eq!(shop.server.code(&application), "000901");

    let renewal = SoldOrder { kind: "RENEW", ..market::period(1) };
    shop.marketplace.sell(&renewal);
    let until = time::now() + 400 * 86_400;
    let renew = call::refresh(&instance, "RENEWAL", &renewal.id, until);
    assert_eq!(shop.server.code(&renew), "000000");
    let _ = license::claims(&shop.server, &shop.license(&event), MACHINE);
}

/// "Machines are counted per instance against the order's quantity."
#[test]
fn the_orders_quantity_is_the_limit_however_many_ask_at_once() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(4));
    let codes: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..16)
            .map(|n| {
                let (server, instance) = (&shop.server, &instance);
                let body = call::apply(instance, &event(), &machine(n));
                scope.spawn(move || server.code(&body))
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let count = |code: &str| codes.iter().filter(|c| *c == code).count();
    assert_eq!((count("000004"), count("000900")), (4, 12), "{codes:?}");
    assert_eq!(shop.server.machines(&instance), (4, Some(4)));
    time::wait_for("four uploads", SOON, || {
        (shop.marketplace.deliveries().len() == 4).then_some(())
    });
}

/// "No call to the marketplace is awaited inside a request": an instance is promised at once while
/// nobody answers there.
#[test]
fn a_marketplace_that_hangs_slows_no_answer() {
    let shop = Shop::open();
    shop.marketplace.reading(Some(ApiFault::Slow(Duration::from_secs(30))));
    shop.marketplace.uploading(Some(ApiFault::Slow(Duration::from_secs(30))));
    for _ in 0..5 {
        let call = Call::new(call::new_instance(&market::period(1).id).to_string());
        let asked = Instant::now();
        assert_eq!(call.send(&shop.server)["resultCode"], "000000");
        assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    }
}

/// What is longer than 1,024 characters, or a product delivered as a file, travels as one.
#[test]
fn a_license_that_is_too_long_for_a_string_travels_as_a_file() {
    let shop = Shop::open();
    let mut long = flowsim();
    for n in 0..60 {
        long["license"]["entitlements"][format!("entitlement-number-{n}")] = json!(n);
    }
    shop.server.apply_product(&long);
    let instance = shop.sold(&market::period(1));
    let event = event();
    assert_eq!(shop.server.code(&call::apply(&instance, &event, MACHINE)), "000004");
    let delivery = shop.marketplace.wait_for(&event, SOON);
    assert_eq!(delivery.kind, "FILE");
    assert!(delivery.license.contains("-----BEGIN LICENSE-----"));
    let _ = license::claims(&shop.server, &delivery.license, MACHINE);

    let short = Shop::open();
    let instance = short.sold(&market::period(1));
    let event = self::event();
    assert_eq!(short.server.code(&call::apply(&instance, &event, MACHINE)), "000004");
    let delivery = short.marketplace.wait_for(&event, SOON);
    assert_eq!(delivery.kind, "CHARACTERS");
    assert!(delivery.license.len() <= 1024, "{}", delivery.license.len());
}
