//! "000901 only if `expireTime` is past or the order has ended, and for a frozen instance; a
//! released instance is 000003. Creation times are never compared. FREEZE lists the instance's
//! licenses as suspended, UNFREEZE takes them off, releaseInstance revokes them. Any refresh scene
//! on a live instance succeeds."

use std::collections::BTreeMap;
use std::time::Duration;

use koogallery_sim::SoldOrder;
use license_tests::call;
use license_tests::market;
use license_tests::{MACHINE, license, machine, program, time};
use serde_json::{Value, json};

use crate::shared::{Shop, event};

#[test]
fn out_of_validity_is_a_past_end_an_ended_order_or_a_frozen_instance() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(3));

    let mut past = call::apply(&instance, &event(), MACHINE);
    past["expireTime"] = json!(time::spaced(time::now() - 1));
    assert_eq!(shop.server.code(&past), "000901", "expireTime is past");

    let ended = SoldOrder { expires: Some(time::now() - 3_600), ..market::period(1) };
    let over = shop.sold(&ended);
    assert_eq!(shop.server.code(&call::apply(&over, &event(), MACHINE)), "000901", "order ended");

    assert_eq!(shop.server.code(&call::status(&instance, "FREEZE")), "000000");
    let application = call::apply(&instance, &event(), MACHINE);
    assert_eq!(shop.server.code(&application), "000901", "frozen");
    assert_eq!(shop.server.code(&call::status(&instance, "UNFREEZE")), "000000");
    assert_eq!(shop.server.code(&application), "000004", "no longer");

    assert_eq!(shop.server.code(&call::release(&instance)), "000000");
    let after = call::apply(&instance, &event(), MACHINE);
    assert_eq!(shop.server.code(&after), "000003", "released");
    let unknown = call::apply("no-such-instance", &event(), MACHINE);
    assert_eq!(shop.server.code(&unknown), "000003");
}

#[test]
fn a_license_that_would_never_be_valid_is_refused() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(3));

    let mut backwards = call::apply(&instance, &event(), MACHINE);
    backwards["effectiveTime"] = backwards["expireTime"].clone();
    assert_eq!(shop.server.code(&backwards), "000002");
}

#[test]
fn creation_times_are_never_compared() {
    let shop = Shop::open();
    let tomorrow = SoldOrder { created: time::now() + 86_400, ..market::period(2) };
    let instance = shop.sold(&tomorrow);
    for effective in [time::now() - 400 * 86_400, time::now(), time::now() + 3_600] {
        let mut application = call::apply(&instance, &event(), MACHINE);
        application["effectiveTime"] = json!(time::spaced(effective));
        assert_eq!(shop.server.code(&application), "000004", "{application}");
    }
}

/// A license never outlives what was paid for.
#[test]
fn dates_come_from_the_application_bounded_by_the_order() {
    let shop = Shop::open();
    let end = time::now() + 30 * 86_400;
    let instance = shop.sold(&SoldOrder { expires: Some(end), ..market::period(1) });
    let event = event();
    let greedy = call::apply(&instance, &event, MACHINE);
    assert_eq!(shop.server.code(&greedy), "000004");
    let claims = license::claims(&shop.server, &shop.license(&event), MACHINE);
    assert_eq!(claims["exp"], json!(end));

    let bought = shop.sold(&market::perpetual(1));
    let event = self::event();
    let mut for_ever = call::apply(&bought, &event, MACHINE);
    for_ever.as_object_mut().unwrap().remove("expireTime");
    assert_eq!(shop.server.code(&for_ever), "000004");
    let claims = license::claims(&shop.server, &shop.license(&event), MACHINE);
    assert!(claims.get("exp").is_none(), "perpetual: {claims}");
    assert!(claims["mnt"].is_number(), "with a maintenance window: {claims}");
}

#[test]
fn freezing_suspends_unfreezing_takes_off_and_releasing_revokes() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(2));
    let untouched = shop.sold(&market::period(1));
    let (first, second, other) = (event(), event(), event());
    assert_eq!(shop.server.code(&call::apply(&instance, &first, MACHINE)), "000004");
    assert_eq!(shop.server.code(&call::apply(&instance, &second, &machine(2))), "000004");
    assert_eq!(shop.server.code(&call::apply(&untouched, &other, MACHINE)), "000004");
    let id = |event: &str| {
        let claims = license::payload(&shop.license(event));
        claims["jti"].as_str().unwrap().to_owned()
    };
    let mut ids = [id(&first), id(&second)];
    ids.sort();
    let other_id = id(&other);
    let listed = |state: &str| {
        let (seq, entries) = license::revocations(&shop.server);
        assert!(entries.iter().all(|(id, _)| *id != other_id), "{entries:?}");
        let mut found: Vec<_> = entries.into_iter().filter(|(_, s)| s == state).collect();
        found.sort();
        (seq, found.into_iter().map(|(id, _)| id).collect::<Vec<_>>())
    };

    let (before, none) = listed("suspended");
    assert!(none.is_empty());
    assert_eq!(shop.server.code(&call::status(&instance, "FREEZE")), "000000");
    let (frozen, suspended) = listed("suspended");
    assert_eq!(suspended, ids);
    assert!(frozen > before, "{frozen} after {before}");

    assert_eq!(shop.server.code(&call::status(&instance, "UNFREEZE")), "000000");
    let (thawed, suspended) = listed("suspended");
    assert!(suspended.is_empty());
    assert!(thawed > frozen, "{thawed} after {frozen}");

    assert_eq!(shop.server.code(&call::release(&instance)), "000000");
    let (released, revoked) = listed("revoked");
    assert_eq!(revoked, ids);
    assert!(released > thawed, "{released} after {thawed}");
    assert_eq!(shop.server.instance(&instance)["state"], "released");
}

/// What the list says reaches whoever verifies with the server's address.
#[test]
fn verifying_with_the_servers_address_knows_of_revocations() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(1));
    let asked = event();
    assert_eq!(shop.server.code(&call::apply(&instance, &asked, MACHINE)), "000004");
    let license = shop.license(&asked);
    let verify = || {
        let mut command = program::command(program::licctl(), &BTreeMap::new());
        command.args(["verify", &license, "--trust", &shop.server.listen, "--json"]);
        let output = program::run(&mut command, Duration::from_secs(20));
        let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), verdict["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(verify(), (Some(0), "OK".to_owned()));
    assert_eq!(shop.server.code(&call::status(&instance, "FREEZE")), "000000");
    assert_eq!(verify(), (Some(1), "LICENSE_SUSPENDED".to_owned()));
    assert_eq!(shop.server.code(&call::release(&instance)), "000000");
    assert_eq!(verify(), (Some(1), "LICENSE_REVOKED".to_owned()));
}

#[test]
fn any_refresh_scene_on_a_live_instance_succeeds() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(1));
    let mut until = time::now() + 366 * 86_400;
    for scene in ["TRIAL_TO_FORMAL", "RENEWAL", "UNSUBSCRIBE_RENEWAL_PERIOD", "RENEWAL_CHANGE"] {
        until += 86_400;
        let order = market::period(1);
        shop.marketplace.sell(&order);
        let refresh = call::refresh(&instance, scene, &order.id, until);
        assert_eq!(shop.server.code(&refresh), "000000", "{scene}");
        assert_eq!(shop.server.code(&refresh), "000000", "{scene}, sent again");
    }
    let mut long = call::refresh(&instance, "RENEWAL", &market::period(1).id, until);
    long["expireTime"] = json!(format!("{}256", time::digits(until)));
    assert_eq!(shop.server.code(&long), "000000", "17 digits");

    let unknown = call::refresh("no-such-instance", "RENEWAL", "CS1", until);
    assert_eq!(shop.server.code(&unknown), "000003");
    assert_eq!(shop.server.code(&call::status("no-such-instance", "FREEZE")), "000003");
    assert_eq!(shop.server.code(&call::release("no-such-instance")), "000003");

    assert_eq!(shop.server.code(&call::release(&instance)), "000000");
    let late = call::refresh(&instance, "RENEWAL", "CS1", until);
    assert_eq!(shop.server.code(&late), "000003", "released");
}

/// A renewal moves the bound, so that the next license reaches further.
#[test]
fn a_renewal_lengthens_what_can_be_applied_for() {
    let shop = Shop::open();
    let end = time::now() + 10 * 86_400;
    let instance = shop.sold(&SoldOrder { expires: Some(end), ..market::period(1) });
    let renewed = end + 200 * 86_400;
    let order = SoldOrder { kind: "RENEW", expires: Some(renewed), ..market::period(1) };
    shop.marketplace.sell(&order);
    let refresh = call::refresh(&instance, "RENEWAL", &order.id, renewed);
    assert_eq!(shop.server.code(&refresh), "000000");
    let event = event();
    let application = call::apply(&instance, &event, MACHINE);
    assert_eq!(shop.server.code(&application), "000004");
    let claims = license::claims(&shop.server, &shop.license(&event), MACHINE);
    assert_eq!(claims["exp"], json!(renewed), "a year was asked, the order bounds it");
}

/// queryInstance tells the buyer what he needs: his activation code.
#[test]
fn the_buyer_is_shown_his_activation_code() {
    let shop = Shop::open();
    let (one, two) = (shop.sold(&market::period(1)), shop.sold(&market::period(1)));
    let answer = shop.server.call(&call::query_instance(&format!("{one},{two}")));
    assert_eq!(answer["resultCode"], "000000", "{answer}");
    let info = answer["info"].as_array().unwrap();
    assert_eq!(info.len(), 2);
    for (entry, instance) in info.iter().zip([&one, &two]) {
        assert_eq!(entry["instanceId"], instance.as_str());
        let memo = entry["appInfo"]["memo"].as_str().unwrap();
        assert!(memo.contains(&shop.server.activation_code(instance)), "{memo}");
    }
    assert_eq!(shop.server.code(&call::query_instance("")), "000002");
    let many: Vec<_> = (0..101).map(|n| format!("{one}{n}")).collect();
    assert_eq!(shop.server.code(&call::query_instance(&many.join(","))), "000002");
}
