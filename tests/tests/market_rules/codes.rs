//! Authorization codes of the marketplace, from the program's first use to the marketplace's last
//! word.

use std::thread;

use koogallery_sim::faults::ApiFault;
use license_tests::call::{self, Call};
use license_tests::{KEY, LICENSE_CODE_KEY, http, license, machine, time};
use serde_json::{Value, json};

use crate::shared::Shop;

const DAY: i64 = 86_400;

fn ask(shop: &Shop, code: &str, machine: &str) -> http::Reply {
    let request = json!({
        "product": "flowsim", "activation_code": code, "dev_info": machine, "form": "string",
        "version": "2.0.0", "nonce": time::unique(),
    });
    http::post(&format!("{}/v1/client/licenses", shop.server.listen), None, &request)
}

fn told(shop: &Shop, body: &Value) -> Value {
    let call = Call::signed(body.to_string(), LICENSE_CODE_KEY, time::now_ms());
    call.send(&shop.server)["resultCode"].clone()
}

fn known(shop: &Shop) -> Value {
    let reply = shop.server.admin_get("/api/v1/codes");
    assert_eq!(reply.status, 200, "{}", reply.text());
    let codes = reply.json();
    assert_eq!(codes.as_array().map(Vec::len), Some(1), "{codes}");
    codes[0].clone()
}

#[test]
fn a_code_is_activated_once_for_all_programs_and_across_a_power_cut() {
    let shop = Shop::open();
    shop.marketplace.sell_code("PL-TEAM", 8, time::now() + 90 * DAY);
    thread::scope(|scope| {
        for i in 0..8 {
            let shop = &shop;
            scope.spawn(move || {
                let reply = ask(shop, "PL-TEAM", &machine(i));
                assert_eq!(reply.status, 200, "{}", reply.text());
            });
        }
    });
    let (activations, heartbeats) = shop.marketplace.code_questions();
    assert_eq!((activations.len(), heartbeats.len()), (1, 1));
    assert_eq!(ask(&shop, "PL-TEAM", &machine(9)).status, 409, "the amount is used up");

    let shop = shop.power_cut();
    let reply = ask(&shop, "PL-TEAM", &machine(1));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let text = reply.json()["license"].as_str().unwrap().to_owned();
    let _ = license::claims(&shop.server, &text, &machine(1));
    let (activations, _) = shop.marketplace.code_questions();
    assert_eq!(activations.len(), 1);
    assert_eq!(shop.server.instances().len(), 1);
    let log = shop.server.output();
    assert!(!log.contains("PL-TEAM"), "a code is never logged");
}

#[test]
fn an_unanswered_activation_is_completed_and_the_rest_works_without_the_marketplace() {
    let shop = Shop::open();
    shop.marketplace.sell_code("PL-LOST", 2, time::now() + 90 * DAY);
    shop.marketplace.answering_codes(Some(ApiFault::Close));
    let reply = ask(&shop, "PL-LOST", &machine(1));
    assert_eq!((reply.status, reply.json()["code"].as_str()), (503, Some("ORDER_PENDING")));
    let shop = shop.power_cut();
    shop.marketplace.answering_codes(None);
    time::wait_for("the code", time::SOON, || {
        (ask(&shop, "PL-LOST", &machine(1)).status == 200).then_some(())
    });
    assert_eq!(shop.marketplace.code_questions().0.len(), 1, "it had arrived");

    shop.marketplace.answering_codes(Some(ApiFault::Refuse(500, "92020001")));
    assert_eq!(ask(&shop, "PL-LOST", &machine(2)).status, 200);
    assert_eq!(ask(&shop, "PL-LOST", &machine(3)).status, 409);
}

#[test]
fn codes_that_nobody_sold_are_unknown() {
    let shop = Shop::open();
    for code in ["PL-NOBODY", "QQ-NOBODY"] {
        let reply = ask(&shop, code, &machine(1));
        assert_eq!(reply.status, 403, "{}", reply.text());
        assert_eq!(reply.json()["code"], "ACTIVATION_CODE_UNKNOWN");
    }
    let asked = shop.marketplace.code_questions().0;
    assert_eq!(asked, ["PL-NOBODY"], "only what may be theirs is sent to them");
    let codes = shop.server.admin_get("/api/v1/codes").json();
    assert_eq!(codes, json!([]), "nothing is left of them");
}

#[test]
fn the_marketplace_renews_freezes_and_takes_back_what_it_sold() {
    let shop = Shop::open();
    shop.marketplace.sell_code("PL-ONE", 1, time::now() + 90 * DAY);
    assert_eq!(ask(&shop, "PL-ONE", &machine(1)).status, 200);

    let end = time::now() + 400 * DAY;
    let renewal = call::refresh_code("PL-ONE", end);
    for _ in 0..2 {
        assert_eq!(told(&shop, &renewal), "000000");
    }
    assert_eq!(known(&shop)["expires"], json!(end));
    for (status, state, answer) in [("FREEZE", "frozen", 403), ("UNFREEZE", "active", 200)] {
        for _ in 0..2 {
            assert_eq!(told(&shop, &call::code_status("PL-ONE", status)), "000000");
        }
        assert_eq!(known(&shop)["state"], state);
        assert_eq!(ask(&shop, "PL-ONE", &machine(1)).status, answer, "{status}");
    }

    let before = known(&shop);
    let replayed = Call::signed(renewal.to_string(), LICENSE_CODE_KEY, time::now_ms());
    assert_eq!(replayed.send(&shop.server)["resultCode"], "000000");
    assert_eq!(replayed.send(&shop.server)["resultCode"], "000002", "a replay");
    for body in [
        call::refresh_code("PL-ONE", 1),
        call::code_status("PL-ONE", "FREEZE"),
        call::release_code("PL-ONE"),
    ] {
        let wrong = Call::signed(body.to_string(), KEY, time::now_ms()).send(&shop.server);
        assert_eq!(wrong["resultCode"], "000001", "another interface's key: {body}");
        let mut test = body.clone();
        test["testFlag"] = json!("1");
        assert_eq!(told(&shop, &test), "000000", "{test}");
        let mut unknown = body.clone();
        unknown["license"] = json!("PL-UNKNOWN");
        assert_eq!(told(&shop, &unknown), "000003", "{unknown}");
    }
    assert_eq!(known(&shop), before, "nothing of that counts");

    for _ in 0..2 {
        assert_eq!(told(&shop, &call::release_code("PL-ONE")), "000000");
    }
    assert_eq!(ask(&shop, "PL-ONE", &machine(1)).status, 403);
    assert_eq!(told(&shop, &renewal), "000003", "refresh after release");
    let (_, listed) = license::revocations(&shop.server);
    // The renewal changed what a license says, so the program was given a second one.
    assert_eq!(listed.len(), 2, "{listed:?}");
}
