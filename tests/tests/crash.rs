//! `kill -9` at any moment: nothing that the marketplace was told is accepted is ever lost, and
//! nothing is made twice.
#![expect(clippy::unwrap_used, reason = "a surprise is the failure of the test")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use license_tests::call::{self, Call};
use license_tests::http;
use license_tests::marketplace::{Marketplace, Order, Reaction};
use license_tests::server::Site;
use license_tests::{MACHINE, flowsim, license, long, machine, time};
use serde_json::Value;

#[test]
fn a_crash_between_acceptance_and_upload_loses_nothing() {
    let marketplace = Marketplace::start();
    let site = Site::towards(&marketplace);
    let server = site.start();
    server.apply_product(&flowsim());
    let order = Order::period(2);
    marketplace.sell(&order);
    let instance = server.buy_and_read(&order.id);

    // The marketplace reads the upload and its answer is lost, then the power goes.
    marketplace.uploading(Reaction::HangUp);
    let event = format!("EV-{}", time::unique());
    assert_eq!(server.code(&call::apply(&instance, &event, MACHINE)), "000004");
    time::wait_for("the first try", Duration::from_secs(20), || {
        (!marketplace.of(&event).is_empty()).then_some(())
    });
    server.kill();

    marketplace.uploading(Reaction::Well);
    let server = site.start();
    let delivery = marketplace.wait_for(&event, Duration::from_secs(30));
    let _ = license::claims(&server, &delivery.license, MACHINE);
    thread::sleep(Duration::from_secs(2));
    for other in marketplace.of(&event) {
        assert_eq!(other.license, delivery.license, "once in content");
    }
    assert_eq!(marketplace.of(&event).iter().filter(|delivery| delivery.taken).count(), 1);
    assert_eq!(server.instance(&instance)["licenses"].as_array().unwrap().len(), 1);
    assert_eq!(server.code(&call::apply(&instance, &event, MACHINE)), "000004");
}

/// Killed in the same moment in which the answer is read: the worker had no time at all.
#[test]
fn an_application_that_was_just_accepted_is_served_after_the_crash() {
    let marketplace = Marketplace::start();
    let site = Site::towards(&marketplace);
    let server = site.start();
    server.apply_product(&flowsim());
    let order = Order::period(50);
    marketplace.sell(&order);
    let instance = server.buy_and_read(&order.id);
    server.kill();

    let mut events = Vec::new();
    for round in 0..5 {
        let server = site.start();
        let event = format!("EV-{}", time::unique());
        let body = call::apply(&instance, &event, &machine(round));
        let answer = Call::new(body.to_string()).send(&server);
        server.kill();
        assert_eq!(answer["resultCode"], "000004");
        events.push((event, machine(round)));
    }
    let server = site.start();
    for (event, device) in events {
        let delivery = marketplace.wait_for(&event, Duration::from_secs(30));
        let _ = license::claims(&server, &delivery.license, &device);
    }
    assert_eq!(server.machines(&instance), (5, Some(50)));
}

/// What the server said while it was under load, until it was killed.
#[derive(Default)]
struct Promises {
    /// Order to instance.
    instances: BTreeMap<String, String>,
    /// Event to instance and device text.
    applications: BTreeMap<String, (String, String)>,
}

/// Rounds of crashes at random moments under load from four sides. Ten of them, three hundred in
/// a long run.
#[test]
fn random_crashes_under_load_keep_every_promise() {
    let rounds = if long() { 300 } else { 10 };
    let marketplace = Marketplace::start();
    let site = Site::towards(&marketplace);
    let server = site.start();
    server.apply_product(&flowsim());
    server.kill();
    let promises = Mutex::new(Promises::default());
    let mut random = time::now_ms().unsigned_abs();

    for round in 0..rounds {
        let server = site.start();
        let stop = AtomicBool::new(false);
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        let moment = Duration::from_millis(30 + (random >> 33) % 1_200);
        thread::scope(|scope| {
            for side in 0..4 {
                let (url, promises, stop, marketplace) =
                    (server.listen.clone(), &promises, &stop, &marketplace);
                scope.spawn(move || load(&url, side, marketplace, promises, stop));
            }
            thread::sleep(moment);
            server.kill();
            stop.store(true, Ordering::Relaxed);
        });
        eprintln!("round {round}: killed after {moment:?}");
    }

    let promises = promises.into_inner().unwrap();
    assert!(promises.instances.len() >= rounds, "the load was no load");
    let server = site.start();
    for (order, instance) in &promises.instances {
        assert_eq!(server.buy(order), *instance, "the promised instance of {order}");
    }
    for (event, (instance, device)) in &promises.applications {
        let delivery = marketplace.wait_for(event, Duration::from_mins(2));
        let claims = license::claims(&server, &delivery.license, device);
        assert_eq!(claims["sub"], instance.as_str());
        for other in marketplace.of(event) {
            assert_eq!(other.license, delivery.license, "{event} is one license");
        }
    }
    for instance in promises.instances.values() {
        let detail = server.instance(instance);
        let licenses = detail["licenses"].as_array().unwrap().len();
        let machines = detail["machines"]["used"].as_u64().unwrap();
        assert_eq!(u64::try_from(licenses).unwrap(), machines, "{detail}");
        assert!(machines <= 3, "{detail}");
    }
}

/// Buys and applies as fast as answers come, and writes down what was promised.
fn load(
    url: &str,
    side: u32,
    marketplace: &Marketplace,
    promises: &Mutex<Promises>,
    stop: &AtomicBool,
) {
    let accepted = |body: &Value| -> Option<Value> {
        let reply: http::Reply = Call::new(body.to_string()).try_send(url).ok()?;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let answer = reply.json();
        let code = answer["resultCode"].as_str()?.to_owned();
        assert!(matches!(code.as_str(), "000000" | "000004" | "000900"), "{answer}");
        (code != "000900").then_some(answer)
    };
    while !stop.load(Ordering::Relaxed) {
        let order = Order::period(3);
        marketplace.sell(&order);
        let Some(answer) = accepted(&call::new_instance(&order.id)) else { continue };
        let instance = answer["instanceId"].as_str().unwrap().to_owned();
        promises.lock().unwrap().instances.insert(order.id.clone(), instance.clone());
        for n in 0..2 {
            let event = format!("EV-{}", time::unique());
            let device = machine(side * 10 + n);
            if accepted(&call::apply(&instance, &event, &device)).is_some() {
                let mut promises = promises.lock().unwrap();
                promises.applications.insert(event, (instance.clone(), device));
            }
        }
    }
}
