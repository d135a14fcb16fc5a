//! "`testFlag` "1" calls live apart: form and signature are judged, nothing that counts is made,
//! test instances survive release, freeze and expiry, and each case gives the same answer in any
//! order, for ever."

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use license_tests::call::{self, Call};
use license_tests::market::{self, TestMarketplace};
use license_tests::program;
use license_tests::server::{Server, Site};
use license_tests::{GENERAL_KEY, KEY, KIT_KEY, LICENSE_CODE_KEY, MACHINE, time};
use serde_json::{Value, json};

use crate::shared::Shop;

/// The console's five cases, as they were saved once: the same bytes of body each time, only
/// signed anew.
fn cases(instance: &str) -> Vec<(&'static str, Value)> {
    let order = "MOCKPERIODYEARNEW";
    let mut cases = vec![
        ("create", call::new_instance(order)),
        ("update", call::refresh(instance, "RENEWAL", order, 1_700_000_000)),
        ("status", call::status(instance, "FREEZE")),
        ("release", call::release(instance)),
        ("apply", call::apply(instance, "saved-case-event", MACHINE)),
    ];
    for (_, body) in &mut cases {
        body["testFlag"] = json!("1");
    }
    cases
}

#[test]
fn saved_cases_answer_the_same_in_any_order_for_ever() {
    let shop = Shop::open();
    let mut create = call::new_instance("MOCKPERIODYEARNEW");
    create["testFlag"] = json!("1");
    let made = shop.server.call(&create);
    assert_eq!(made["resultCode"], "000000", "{made}");
    let instance = made["instanceId"].as_str().unwrap().to_owned();

    let mut first: BTreeMap<&str, Value> = BTreeMap::new();
    let cases = cases(&instance);
    // Every rotation, forwards and backwards: release before apply, freeze before create, …
    let mut orders = Vec::new();
    for shift in 0..cases.len() {
        let mut turned = cases.clone();
        turned.rotate_left(shift);
        orders.push(turned.clone());
        turned.reverse();
        orders.push(turned);
    }
    let run = |shop: &Shop, first: &mut BTreeMap<&str, Value>| {
        for order in &orders {
            for (name, body) in order {
                let answer = shop.server.call(body);
                let code = answer["resultCode"].as_str().unwrap();
                assert!(matches!(code, "000000" | "000004"), "{name}: {answer}");
                let known = first.entry(name).or_insert_with(|| answer.clone());
                assert_eq!(*known, answer, "{name}");
            }
        }
    };
    run(&shop, &mut first);
    let shop = shop.power_cut();
    run(&shop, &mut first);
    assert_eq!(first["create"]["instanceId"], instance.as_str());
}

#[test]
fn form_and_signature_are_judged_in_debugging_too() {
    let shop = Shop::open();
    let mut create = call::new_instance("MOCKPERIODYEARNEW");
    create["testFlag"] = json!("1");
    let instance = shop.server.call(&create)["instanceId"].as_str().unwrap().to_owned();

    for (name, body) in cases(&instance) {
        let wrong = Call::signed(body.to_string(), "a-key-that-is-not-ours", time::now_ms());
        assert_eq!(wrong.send(&shop.server)["resultCode"], "000001", "{name}");
        let old = Call::signed(body.to_string(), KEY, time::now_ms() - 70_000);
        assert_eq!(old.send(&shop.server)["resultCode"], "000002", "{name}");
        let required = if name == "create" { "orderId" } else { "instanceId" };
        let mut lacking = body.clone();
        lacking.as_object_mut().unwrap().remove(required);
        assert_eq!(shop.server.code(&lacking), "000002", "{name} without {required}");
    }
    let mut unknown = call::release("no-such-instance");
    unknown["testFlag"] = json!("1");
    assert_eq!(shop.server.code(&unknown), "000003");
}

#[test]
fn nothing_that_counts_is_made() {
    let shop = Shop::open();
    let order = market::period(1);
    let real = shop.sold(&order);
    let asked = shop.marketplace.queries().len();

    let mut create = call::new_instance("MOCKPERIODYEARNEW");
    create["testFlag"] = json!("1");
    let instance = shop.server.call(&create)["instanceId"].as_str().unwrap().to_owned();
    for (_, body) in cases(&instance) {
        let _ = shop.server.call(&body);
    }
    // The same order's debugging case makes no instance of the order either.
    let mut same_order = call::new_instance(&order.id);
    same_order["testFlag"] = json!("1");
    assert_ne!(shop.server.call(&same_order)["instanceId"], real.as_str());

    std::thread::sleep(Duration::from_secs(3));
    assert!(shop.marketplace.deliveries().is_empty(), "nothing is uploaded");
    assert_eq!(shop.marketplace.queries().len(), asked, "no order is asked for");
    assert_eq!(shop.server.machines(&real).0, 0);
    let counted: Vec<_> = shop.server.instances().into_iter().collect();
    assert_eq!(counted.len(), 1, "{counted:?}");

    // And a real call cannot use what debugging made.
    let real_call = call::apply(&instance, "EV-real", MACHINE);
    assert_eq!(shop.server.code(&real_call), "000003");
    // A debugging call does nothing to what is real.
    for body in [call::status(&real, "FREEZE"), call::release(&real)] {
        let mut test = body.clone();
        test["testFlag"] = json!("1");
        let _ = shop.server.call(&test);
    }
    assert_eq!(shop.server.instance(&real)["state"], "active");
}

#[test]
fn an_absent_an_empty_and_a_zero_flag_are_all_real() {
    let shop = Shop::open();
    let order = market::period(1);
    shop.marketplace.sell(&order);
    let instance = shop.server.buy(&order.id);
    for flag in ["", "0"] {
        let mut body = call::new_instance(&order.id);
        body["testFlag"] = json!(flag);
        assert_eq!(shop.server.call(&body)["instanceId"], instance.as_str(), "{flag:?}");
    }
}

/// `licctl market debug` against this server, with every key; its exit code and its rows.
fn played(site: &Site, server: &Server, basic: &str) -> (Option<i32>, Vec<Value>) {
    let file = |name: &str, key: &str| {
        let path = site.folder().join(name);
        fs::write(&path, key).unwrap();
        path
    };
    let mut command = program::command(program::licctl(), &BTreeMap::new());
    command.args(["market", "debug", "--json", &format!("{}/koogallery", server.listen)]);
    command.arg("--access-key-file").arg(file("basic.key", basic));
    command.arg("--license-code-key-file").arg(file("code.key", LICENSE_CODE_KEY));
    command.arg("--general-key-file").arg(file("general.key", GENERAL_KEY));
    command.arg("--kit-key-file").arg(file("kit.key", KIT_KEY));
    let output = program::run(&mut command, Duration::from_mins(2));
    let rows = serde_json::from_slice(&output.stdout);
    let rows = rows.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), rows)
}

/// What a seller shows before he goes on sale: every case, of every interface, agrees.
#[test]
fn every_case_of_the_debugging_command_agrees() {
    let marketplace = TestMarketplace::start();
    let site = Site::towards(&marketplace);
    let kit_key = site.folder().join("kit-key.pem");
    let mut generate = program::command(program::licctl(), &BTreeMap::new());
    generate
        .args(["key", "generate", "--alg", "rsa3072", "--no-passphrase", "--out"])
        .arg(&kit_key);
    assert!(program::run(&mut generate, Duration::from_mins(1)).status.success());
    let site = site.with("LICD_KOOGALLERY__KIT_KEY", kit_key.to_str().unwrap());
    let server = site.start();
    server.apply_product(&license_tests::flowsim());

    // Twice, with a power cut between: saved cases are probed for as long as the product is sold.
    let (first, rows) = played(&site, &server, KEY);
    server.kill();
    let server = site.start();
    let (again, later) = played(&site, &server, KEY);
    assert_eq!(rows.len(), later.len());
    assert!(rows.len() >= 432, "{} cases", rows.len());
    let odd: Vec<_> = rows.iter().chain(&later).filter(|row| row["verdict"] != "pass").collect();
    assert!(odd.is_empty(), "{odd:#?}");
    assert_eq!((first, again), (Some(0), Some(0)));
    let chapters: BTreeSet<_> = rows.iter().map(|row| row["section"].as_str().unwrap()).collect();
    assert_eq!(chapters.len(), 15, "every interface is tried: {chapters:?}");
    for row in &rows {
        assert!(row["millis"].as_u64().unwrap() < 5_000, "{row}");
    }

    // None of it counts.
    assert!(server.instances().is_empty() && server.uploads().is_empty());
    assert!(marketplace.queries().is_empty() && marketplace.deliveries().is_empty());

    let (code, rows) = played(&site, &server, "a-key-that-is-not-the-seller's");
    assert_eq!(code, Some(1), "a wrong key is found");
    assert_eq!((&rows[0]["verdict"], &rows[0]["status"]), (&"fail".into(), &200.into()));
}
