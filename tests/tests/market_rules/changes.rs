//! "A nonce is kept … for refresh, status, upgrade and release; there a replay is refused with
//! 000002": upgrades, the check before a renewal changes the product, and order notifications.

use koogallery_sim::SoldOrder;
use license_tests::call::{self, Call};
use license_tests::market;
use license_tests::{GENERAL_KEY, MACHINE, MARKET_PRODUCT, MARKET_SKU, machine, time};
use serde_json::{Value, json};

use crate::shared::{SOON, Shop, event};

fn limit(shop: &Shop, instance: &str, wanted: u64) {
    time::wait_for("the upgrade's quantity", SOON, || {
        let detail = shop.server.instance(instance);
        (detail["machines"]["limit"].as_u64() == Some(wanted)).then_some(())
    });
}

#[test]
fn an_upgrade_takes_the_quantity_of_its_order() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(1));
    assert_eq!(shop.server.code(&call::apply(&instance, &event(), MACHINE)), "000004");
    let second = call::apply(&instance, &event(), &machine(2));
    assert_eq!(shop.server.code(&second), "000900");

    let more = SoldOrder { kind: "CHANGE", ..market::period(3) };
    shop.marketplace.sell(&more);
    let upgrade = Call::new(call::upgrade(&instance, &more.id).to_string());
    assert_eq!(upgrade.send(&shop.server)["resultCode"], "000000");
    assert_eq!(upgrade.send(&shop.server)["resultCode"], "000002", "a replay");
    limit(&shop, &instance, 3);
    assert_eq!(shop.server.code(&second), "000004", "the new quantity counts");

    // Sent anew it is a re-send, also after a power cut.
    assert_eq!(shop.server.code(&call::upgrade(&instance, &more.id)), "000000");
    let shop = shop.power_cut();
    assert_eq!(upgrade.send(&shop.server)["resultCode"], "000002", "still a replay");
    assert_eq!(shop.server.code(&call::upgrade(&instance, &more.id)), "000000");
    assert_eq!(shop.server.instances().len(), 1);
    limit(&shop, &instance, 3);

    assert_eq!(shop.server.code(&call::release(&instance)), "000000");
    assert_eq!(shop.server.code(&call::upgrade(&instance, &more.id)), "000003");
    assert_eq!(shop.server.code(&call::upgrade("no-such-instance", &more.id)), "000003");
}

#[test]
fn a_change_is_possible_to_what_is_sold() {
    let shop = Shop::open();
    let instance = shop.sold(&market::period(1));
    let target = json!({ "productId": MARKET_PRODUCT, "skuCode": MARKET_SKU, "linearValue": 5 });
    let before = shop.server.instance(&instance);
    for info in [target.clone(), json!(target.to_string())] {
        assert_eq!(shop.server.code(&call::check_change(&instance, &info)), "000000", "{info}");
    }
    let other = json!({ "productId": "OFFI-NOT-SOLD-HERE" });
    assert_eq!(shop.server.code(&call::check_change(&instance, &other)), "000002");
    assert_eq!(shop.server.code(&call::check_change("no-such-instance", &target)), "000003");
    assert_eq!(shop.server.instance(&instance), before, "nothing changes");
}

#[test]
fn a_notification_is_kept_once_and_shown_with_its_order() {
    let shop = Shop::open();
    let order = SoldOrder { kind: "RENEW", ..market::period(4) };
    shop.marketplace.sell(&order);
    for _ in 0..3 {
        let call = Call::signed(call::notify(&order.id).to_string(), GENERAL_KEY, time::now_ms());
        assert_eq!(call.send(&shop.server)["resultCode"], "000000");
    }
    let shop = shop.power_cut();
    let notice: Value = time::wait_for("the order of the notification", SOON, || {
        let notices = shop.server.admin_get("/api/v1/notices").json();
        let notices = notices.as_array().unwrap().clone();
        assert_eq!(notices.len(), 1, "{notices:?}");
        (notices[0]["state"] == "read").then(|| notices[0].clone())
    });
    assert_eq!(notice["order_type"], "RENEW");
    assert_eq!(notice["quantity"], 4);
    assert!(shop.server.instances().is_empty(), "a notification creates nothing");
}
