//! What counts in a re-send, what a repeat is, and what a replay.

use std::time::Duration;

use koogallery_sim::faults::ApiFault;
use license_tests::call::{self, Call};
use license_tests::market;
use license_tests::{MACHINE, license, machine, time};
use serde_json::{Value, json};

use crate::shared::{SOON, Shop, event};

/// "Only the members of the idempotency key count in a re-send: `businessId` … may differ, the
/// first accepted answer stands."
#[test]
fn an_order_line_makes_one_instance() {
    let shop = Shop::open();
    let order = market::period(1);
    shop.marketplace.sell(&order);

    let first = shop.server.buy(&order.id);
    for _ in 0..3 {
        assert_eq!(shop.server.buy(&order.id), first, "another businessId each time");
    }
    let mut second_line = call::new_instance(&order.id);
    second_line["orderLineId"] = json!(format!("{}-000002", order.id));
    let answer = shop.server.call(&second_line);
    assert_eq!(answer["resultCode"], "000000");
    assert_ne!(answer["instanceId"], first.as_str(), "another line is another instance");
    assert_eq!(shop.server.instances().len(), 2);
}

/// The same at the same time, which a look before the write would not survive.
#[test]
fn twenty_copies_at_once_make_one_instance_and_one_license() {
    let shop = Shop::open();
    let order = market::period(5);
    let instance = shop.sold(&order);
    let event = event();
    let fresh = market::period(1);
    shop.marketplace.sell(&fresh);

    let (mut instances, mut codes) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let bought = shop.server.buy(&fresh.id);
                    (bought, shop.server.code(&call::apply(&instance, &event, MACHINE)))
                })
            })
            .collect();
        for worker in workers {
            let (bought, code) = worker.join().unwrap();
            instances.push(bought);
            codes.push(code);
        }
    });
    instances.dedup();
    assert_eq!(instances.len(), 1, "{instances:?}");
    assert!(codes.iter().all(|code| code == "000004"), "{codes:?}");
    let first = shop.license(&event);
    std::thread::sleep(Duration::from_secs(1));
    assert!(shop.marketplace.of(&event).iter().all(|delivery| delivery.license == first));
    assert_eq!(shop.server.instance(&instance)["licenses"].as_array().unwrap().len(), 1);
    assert_eq!(shop.server.machines(&instance), (1, Some(5)));
}

/// "… and `effectiveTime` may differ", "The fingerprint is compared normalised."
#[test]
fn an_application_sent_again_makes_no_second_license() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(3));
    let event = event();
    let first = call::apply(&instance, &event, MACHINE);
    assert_eq!(shop.server.code(&first), "000004");

    let mut again = first.clone();
    again["effectiveTime"] = json!(time::spaced(time::now()));
    assert_eq!(shop.server.code(&again), "000004");
    again["deviceFingerprint"] = json!(format!("  {} ", MACHINE.to_lowercase()));
    assert_eq!(shop.server.code(&again), "000004", "blanks and case make no other machine");
    let delivered = shop.license(&event);
    assert_eq!(shop.server.code(&again), "000004", "after the upload too");

    let reordered = "001b_444a_488b_5cec.";
    assert!(MACHINE.to_lowercase().contains(reordered));
    assert_eq!(shop.server.machines(&instance).0, 1);
    assert_eq!(shop.server.instance(&instance)["licenses"].as_array().unwrap().len(), 1);
    for delivery in shop.marketplace.of(&event) {
        assert_eq!(delivery.license, delivered, "once in content");
    }
}

/// "Only acceptances are remembered; a refusal is judged anew."
#[test]
fn a_refusal_is_judged_anew() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(1));
    let event = event();
    let good = call::apply(&instance, &event, MACHINE);

    let mut refused = good.clone();
    refused.as_object_mut().unwrap().remove("expireTime");
    assert_eq!(shop.server.code(&refused), "000902", "a period license needs its end");
    refused = good.clone();
    refused.as_object_mut().unwrap().remove("deviceFingerprint");
    assert_eq!(shop.server.code(&refused), "000903");
    refused["deviceFingerprint"] = json!("00:00:00:00:00:00||TO BE FILLED BY O.E.M.|");
    assert_eq!(shop.server.code(&refused), "000903", "nothing in it can be used");
    refused = good.clone();
    refused["expireTime"] = json!(time::spaced(time::now() - 60));
    assert_eq!(shop.server.code(&refused), "000901");

    assert_eq!(shop.server.code(&good), "000004", "the same event, now as it should be");
    let _ = license::claims(&shop.server, &shop.license(&event), MACHINE);
}

/// "The same event with another fingerprint, already uploaded, or with another instance: 000002."
#[test]
fn an_event_belongs_to_one_instance_and_one_machine() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(5));
    let other_instance = shop.sold(&market::period(5));
    let event = event();
    assert_eq!(shop.server.code(&call::apply(&instance, &event, MACHINE)), "000004");
    let _ = shop.license(&event);
    time::wait_for("the upload is booked", SOON, || {
        (shop.server.upload(&event)?["state"] == "delivered").then_some(())
    });

    assert_eq!(shop.server.code(&call::apply(&instance, &event, &machine(2))), "000002");
    assert_eq!(shop.server.code(&call::apply(&other_instance, &event, MACHINE)), "000002");
    assert_eq!(shop.server.code(&call::apply(&instance, &event, MACHINE)), "000004");
    assert_eq!(shop.server.machines(&instance).0, 1);
    assert_eq!(shop.server.machines(&other_instance).0, 0);
}

/// … and before its license was uploaded, the event goes over to the fingerprint that it names last.
#[test]
fn an_event_that_was_not_uploaded_yet_may_name_another_machine() {
    let shop = Shop::open();
    let order = market::period(1);
    shop.marketplace.reading(Some(ApiFault::Refuse(500, "MKT.0999")));
    let instance = shop.server.buy(&order.id);
    let event = event();
    assert_eq!(shop.server.code(&call::apply(&instance, &event, MACHINE)), "000004");
    assert_eq!(shop.server.code(&call::apply(&instance, &event, &machine(2))), "000004");

    shop.marketplace.sell(&order);
    shop.marketplace.reading(None);
    let delivery = shop.marketplace.wait_for(&event, Duration::from_mins(1));
    let _ = license::claims(&shop.server, &delivery.license, &machine(2));
    assert!(license::verify(&shop.server, &delivery.license, MACHINE).is_err());
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(shop.marketplace.of(&event).len(), 1);
    assert_eq!(shop.server.machines(&instance), (1, Some(1)));
}

/// "A new event on a known machine: a new license with its own dates and no new place."
#[test]
fn a_known_machine_takes_no_second_place() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(1));
    let (first, second, third) = (event(), event(), event());
    assert_eq!(shop.server.code(&call::apply(&instance, &first, MACHINE)), "000004");
    let one = license::claims(&shop.server, &shop.license(&first), MACHINE);

    // The network card was replaced meanwhile: still the same machine by weight.
    let changed = MACHINE.replace("5E:E3:5D", "5E:E3:99");
    let mut again = call::apply(&instance, &second, &changed);
    let until = time::now() + 30 * 86_400;
    again["expireTime"] = json!(time::spaced(until));
    assert_eq!(shop.server.code(&again), "000004");
    let two = license::claims(&shop.server, &shop.license(&second), &changed);

    assert_ne!(one["jti"], two["jti"]);
    assert_eq!(two["exp"], json!(until), "its own dates");
    assert_ne!(one["exp"], two["exp"]);
    assert_eq!(shop.server.machines(&instance), (1, Some(1)));
    assert_eq!(shop.server.code(&call::apply(&instance, &third, &machine(7))), "000900");
}

/// "A byte-identical repeat of newInstance, queryInstance or getLicenseAsync is answered again."
#[test]
fn identical_bytes_are_answered_again_where_nothing_is_undone() {
    let shop = Shop::open();
    let order = market::period(2);
    let instance = shop.sold(&order);
    for body in [
        call::new_instance(&order.id),
        call::query_instance(&instance),
        call::apply(&instance, &event(), MACHINE),
    ] {
        let call = Call::new(body.to_string());
        let first = call.send(&shop.server);
        assert!(matches!(first["resultCode"].as_str(), Some("000000" | "000004")), "{first}");
        assert_eq!(call.send(&shop.server)["resultCode"], first["resultCode"], "{body}");
        assert_eq!(call.send(&shop.server)["instanceId"], first["instanceId"], "{body}");
    }
}

/// "A nonce is kept, in the effect's own transaction and for twice the window, for refresh,
/// status, upgrade and release; there a replay is refused with 000002."
#[test]
fn a_replay_of_what_changes_an_instance_is_refused_even_after_a_power_cut() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(1));
    let year = time::now() + 400 * 86_400;
    let refresh = call::refresh(&instance, "RENEWAL", &market::period(1).id, year);
    let calls: Vec<Call> = [
        refresh,
        call::status(&instance, "FREEZE"),
        call::status(&instance, "UNFREEZE"),
        call::release(&instance),
    ]
    .iter()
    .map(|body: &Value| Call::new(body.to_string()))
    .collect();

    // The captured FREEZE must not undo the UNFREEZE that followed.
    for call in &calls[..3] {
        assert_eq!(call.send(&shop.server)["resultCode"], "000000");
        assert_eq!(call.send(&shop.server)["resultCode"], "000002", "replayed");
    }
    assert_eq!(shop.server.instance(&instance)["state"], "active");
    let shop = shop.power_cut();
    for call in &calls[..3] {
        assert_eq!(call.send(&shop.server)["resultCode"], "000002", "replayed after a power cut");
    }
    assert_eq!(shop.server.instance(&instance)["state"], "active");
    assert_eq!(calls[3].send(&shop.server)["resultCode"], "000000");
    assert_eq!(calls[3].send(&shop.server)["resultCode"], "000002");

    // Sent again with a new signature, as the marketplace does when an answer was lost.
    assert_eq!(shop.server.code(&call::release(&instance)), "000000", "released already");
}

/// A nonce is burned by what it did, not by what was refused.
#[test]
fn a_refused_call_leaves_its_nonce_unused() {
    let shop = Shop::open();
    let order = market::period(1);
    let instance = shop.sold(&order);
    let body = call::status(&instance, "FREEZE").to_string();
    let now = time::now_ms().to_string();
    let nonce = time::unique();
    let good = call::signature(license_tests::KEY, body.as_bytes(), &nonce, &now);
    let send = |signature: &str| {
        let query = format!("signature={signature}&timestamp={now}&nonce={nonce}");
        Call { query, body: body.clone().into_bytes() }.send(&shop.server)["resultCode"].clone()
    };
    assert_eq!(send(&"0".repeat(64)), "000001");
    assert_eq!(send(&good), "000000", "a forger cannot burn a nonce that he saw");
    assert_eq!(send(&good), "000002");
}
