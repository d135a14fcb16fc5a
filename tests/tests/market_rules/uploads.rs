//! What each answer to an upload means for it and for the queue.

use std::time::Duration;

use koogallery_sim::faults::ApiFault;
use license_tests::call;
use license_tests::market;
use license_tests::server::Server;
use license_tests::{machine, program, time};
use serde_json::Value;

use crate::shared::{SOON, Shop, event};

/// A shop with an instance for many machines.
fn shop() -> (Shop, String) {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(500));
    (shop, instance)
}

/// Applies for a license on the n-th machine; the event.
fn apply(shop: &Shop, instance: &str, n: u32) -> String {
    let event = event();
    assert_eq!(shop.server.code(&call::apply(instance, &event, &machine(n))), "000004");
    event
}

fn wait_for_state(shop: &Shop, event: &str, state: &str, within: Duration) -> Value {
    time::wait_for(&format!("{event} is {state}"), within, || {
        shop.server.upload(event).filter(|upload| upload["state"] == state)
    })
}

/// "91381033, 91381034, 91381035, 91381037, 91381038, CBC.0101 stop that one and are shown with
/// their meaning"
#[test]
fn a_refusal_of_the_license_stops_that_one_alone() {
    let (shop, instance) = shop();
    let codes: [(u16, &str); 6] = [
        (200, "91381033"),
        (200, "91381034"),
        (200, "91381035"),
        (200, "91381037"),
        (200, "91381038"),
        (400, "CBC.0101"),
    ];
    for (n, (status, code)) in codes.into_iter().enumerate() {
        shop.marketplace.next_uploads([Some(ApiFault::Refuse(status, code))]);
        let event = apply(&shop, &instance, u32::try_from(n).unwrap());
        let upload = wait_for_state(&shop, &event, "refused", SOON);
        assert_eq!(upload["error_code"], code);
        let (english, chinese) = (&upload["error"], &upload["error_zh"]);
        assert!(english.as_str().is_some_and(|text| text.len() > 8), "{upload}");
        assert!(chinese.as_str().is_some_and(|text| !text.is_ascii()), "{upload}");
        assert_eq!(shop.marketplace.of(&event).len(), 1, "{code} was tried once");
    }
    let next = apply(&shop, &instance, 100);
    let _ = shop.marketplace.wait_for(&next, SOON);
}

/// "CBC.0150, MKT.015x, 91380150, APIGW*: wrong credentials, the whole queue pauses with an alert
/// until the configuration changes"
#[test]
fn wrong_credentials_pause_the_queue_until_the_configuration_changes() {
    for (status, code) in
        [(403, "CBC.0150"), (401, "MKT.0151"), (200, "91380150"), (401, "APIGW.0301")]
    {
        let (shop, instance) = shop();
        shop.marketplace.uploading(Some(ApiFault::Refuse(status, code)));
        let first = apply(&shop, &instance, 1);
        time::wait_for("the first try", SOON, || {
            (!shop.marketplace.of(&first).is_empty()).then_some(())
        });
        let second = apply(&shop, &instance, 2);
        std::thread::sleep(Duration::from_secs(5));
        assert_eq!(shop.marketplace.of(&first).len(), 1, "{code}: no second try");
        assert!(shop.marketplace.of(&second).is_empty(), "{code}: the queue stands");
        assert!(shop.server.output().contains(code), "{code}: an alert names it");

        // The operator mends the credentials: another pair, and a start.
        let Shop { marketplace, site, server } = shop;
        marketplace.uploading(None);
        assert!(server.stop().success());
        marketplace.accept_secret("another-secret-key");
        let site = site.with("LICD_KOOGALLERY__SK", "another-secret-key");
        let server = site.start();
        let _ = marketplace.wait_for(&first, SOON);
        let _ = marketplace.wait_for(&second, SOON);
        drop(server);
    }
}

/// `licctl upload retry`, without an id.
fn try_again(server: &Server) -> Value {
    let mut licctl = program::command(program::licctl(), &[].into());
    licctl.args(["upload", "retry", "--json", "--server", &server.admin]);
    let done = licctl.args(["--token", &server.token]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The account was repaired and AK/SK stay as they are. No order was read, so there is no upload
/// that could be sent again.
#[test]
fn an_operator_lets_refused_credentials_be_tried_again() {
    let Shop { marketplace, site, server } = Shop::open();
    let order = market::period(1);
    marketplace.sell(&order);
    marketplace.reading(Some(ApiFault::Refuse(401, "APIGW.0301")));
    let instance = server.buy(&order.id);
    let state = |server: &Server| server.instance(&instance)["order_state"].clone();
    let closed = |server: &Server| server.metric("licd_marketplace_gate") >= 2.0;
    time::wait_for("closed queues", SOON, || closed(&server).then_some(()));
    let asked = marketplace.queries().len();
    assert_eq!(try_again(&server)["queues"]["were_closed"], true);
    time::wait_for("one question", SOON, || (marketplace.queries().len() > asked).then_some(()));
    time::wait_for("closed queues", SOON, || closed(&server).then_some(()));
    assert_eq!(marketplace.queries().len(), asked + 1, "too early: one question, and no more");

    // Nor does the same configuration ask by itself after a start.
    marketplace.reading(None);
    server.kill();
    let server = site.start();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(marketplace.queries().len(), asked + 1);
    assert_eq!(try_again(&server)["queues"]["were_closed"], true);
    time::wait_for("the order", SOON, || (state(&server) == "read").then_some(()));
    assert_eq!(try_again(&server)["queues"]["were_closed"], false);
}

/// "91381036, MKT.0999, 406, 429, 5xx, time-outs and connection errors are tried again"
#[test]
fn a_passing_failure_is_tried_again() {
    let (shop, instance) = shop();
    let failures = [
        Some(ApiFault::Refuse(200, "91381036")),
        Some(ApiFault::Refuse(500, "MKT.0999")),
        Some(ApiFault::Refuse(406, "MKT.0250")),
        Some(ApiFault::Refuse(429, "MKT.0250")),
        Some(ApiFault::Refuse(503, "whatever")),
        Some(ApiFault::Close),
    ];
    for (n, failure) in failures.into_iter().enumerate() {
        shop.marketplace.next_uploads([failure]);
        let event = apply(&shop, &instance, u32::try_from(n).unwrap());
        let delivery = shop.marketplace.wait_for(&event, SOON);
        let tries = shop.marketplace.of(&event);
        assert_eq!(tries.len(), 2, "{failure:?}");
        let pause = delivery.at.duration_since(tries[0].at);
        assert!(pause >= Duration::from_secs(1), "{failure:?}: again after {pause:?}");
        assert_eq!(tries[0].license, tries[1].license, "the same bytes each time");
        let upload = wait_for_state(&shop, &event, "delivered", SOON);
        assert_eq!(upload["attempts"], 2);
    }
}

/// "five in a row pause the queue with one probe at a time"
#[test]
fn five_failures_in_a_row_leave_one_probe_at_a_time() {
    let (shop, instance) = shop();
    shop.marketplace.uploading(Some(ApiFault::Refuse(503, "down")));
    let events: Vec<_> = (0..12).map(|n| apply(&shop, &instance, n)).collect();
    time::wait_for("five failures", SOON, || {
        (shop.marketplace.deliveries().len() >= 5).then_some(())
    });
    std::thread::sleep(Duration::from_secs(2));
    let _ = shop.marketplace.most_under_way();
    let before = shop.marketplace.deliveries().len();
    std::thread::sleep(Duration::from_secs(12));
    let probes = shop.marketplace.deliveries().len() - before;
    assert!(probes <= 8, "{probes} tries in 12 s while the host is down");
    assert!(shop.marketplace.most_under_way() <= 1, "one at a time");

    shop.marketplace.uploading(None);
    for event in &events {
        let _ = shop.marketplace.wait_for(event, Duration::from_secs(90));
    }
}

/// "A refusal after an attempt that got no answer is `unclear`: it may have been delivered."
#[test]
fn a_refusal_after_silence_is_unclear() {
    let (shop, instance) = shop();
    shop.marketplace.next_uploads([Some(ApiFault::Close), Some(ApiFault::Refuse(200, "91381034"))]);
    let event = apply(&shop, &instance, 1);
    let upload = wait_for_state(&shop, &event, "unclear", SOON);
    assert_eq!(upload["error_code"], "91381034");
    assert_eq!(shop.marketplace.of(&event).len(), 2);

    // A refusal after an answer is a refusal.
    shop.marketplace.next_uploads([
        Some(ApiFault::Refuse(500, "MKT.0999")),
        Some(ApiFault::Refuse(200, "91381034")),
    ]);
    let event = apply(&shop, &instance, 2);
    let _ = wait_for_state(&shop, &event, "refused", SOON);
}

/// What stopped can be sent on by an operator.
#[test]
fn an_operator_sends_a_stopped_upload_again() {
    let (shop, instance) = shop();
    shop.marketplace.next_uploads([Some(ApiFault::Refuse(200, "91381038"))]);
    let event = apply(&shop, &instance, 1);
    let upload = wait_for_state(&shop, &event, "refused", SOON);
    let path = format!("/api/v1/uploads/{}/retry", upload["upload_id"].as_str().unwrap());
    let reply = shop.server.admin_post(&path, &serde_json::json!({}));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let _ = shop.marketplace.wait_for(&event, SOON);
}
