//! `kill -9` at chosen moments: nothing that the marketplace was told is accepted is ever lost, and
//! nothing is made twice. Random moments are in `faults`.

use std::thread;
use std::time::Duration;

use koogallery_sim::faults::ApiFault;
use license_tests::call::{self, Call};
use license_tests::market::{self, TestMarketplace};
use license_tests::server::Site;
use license_tests::{MACHINE, flowsim, license, machine, time};

#[test]
fn a_crash_between_acceptance_and_upload_loses_nothing() {
    let marketplace = TestMarketplace::start();
    let site = Site::towards(&marketplace);
    let server = site.start();
    server.apply_product(&flowsim());
    let order = market::period(2);
    marketplace.sell(&order);
    let instance = server.buy_and_read(&order.id);

    // The marketplace reads the upload and its answer is lost, then the power goes.
    marketplace.uploading(Some(ApiFault::Close));
    let event = format!("EV-{}", time::unique());
    assert_eq!(server.code(&call::apply(&instance, &event, MACHINE)), "000004");
    time::wait_for("the first try", time::SOON, || {
        (!marketplace.of(&event).is_empty()).then_some(())
    });
    server.kill();

    marketplace.uploading(None);
    let server = site.start();
    let delivery = marketplace.wait_for(&event, time::SOON);
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
    let marketplace = TestMarketplace::start();
    let site = Site::towards(&marketplace);
    let server = site.start();
    server.apply_product(&flowsim());
    let order = market::period(50);
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
        let delivery = marketplace.wait_for(&event, time::SOON);
        let _ = license::claims(&server, &delivery.license, &device);
    }
    assert_eq!(server.machines(&instance), (5, Some(50)));
}
