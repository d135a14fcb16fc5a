//! An instance becomes more or something else: upgrades, and the question whether a renewal may
//! change the product.

use crate::app::products;
use koogallery::order::{ChargingMode, Order, OrderType};
use serde_json::{Value, json};

use super::fixture::{DAY, Fixture, NOW, apply, device, flowsim, new_instance};

fn upgrade(instance: &str, order: &str) -> Value {
    json!({
        "activity": "upgradeInstance", "instanceId": instance, "orderId": order,
        "orderLineId": format!("{order}-000001"),
    })
}

fn check(instance: &str, info: &Value) -> Value {
    json!({"activity": "changeInstanceCheck", "instanceId": instance, "productInfo": info})
}

/// The goods of [`meshpro`].
fn meshpro_goods(order: &mut Order) {
    order.order_type = OrderType::Change;
    order.lines[0].products[0].product_id = "OFFI-MESHPRO".to_owned();
}

async fn with_meshpro() -> Fixture {
    let fixture = Fixture::new().await;
    let mut meshpro = flowsim();
    meshpro.id = "meshpro".to_owned();
    meshpro.koogallery[0].product_id = "OFFI-MESHPRO".to_owned();
    products::apply(&fixture.app, meshpro).await.unwrap();
    fixture
}

#[tokio::test]
async fn an_upgrade_brings_the_new_orders_quantity_and_product() {
    let fixture = with_meshpro().await;
    let instance = fixture.buy("CS1", 1).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(2))).await, "000900");

    fixture.offer("CS2", 3, |order| order.order_type = OrderType::Change);
    let answer = fixture.call(upgrade(&instance, "CS2")).await;
    assert_eq!(answer.result_code.as_str(), "000000");
    // The application waits for the order that is being read just now.
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(2))).await, "000004");
    fixture.until(|detail| detail.instance.machines.limit == Some(3), &instance).await;

    fixture.offer("CS3", 5, meshpro_goods);
    assert_eq!(fixture.code(upgrade(&instance, "CS3")).await, "000000");
    fixture.until(|detail| detail.instance.product.as_deref() == Some("meshpro"), &instance).await;
    let detail = fixture.detail(&instance).await.instance;
    assert_eq!((detail.instance_id.as_str(), detail.machines.limit), (&*instance, Some(5)));
    assert_eq!(fixture.code(apply(&instance, "e-3", &device(1))).await, "000004");
    let licenses = fixture.detail(&instance).await.licenses;
    assert!(licenses.iter().any(|license| license.product == "meshpro"));

    // Sent again it changes nothing, also after something newer.
    fixture.offer("CS4", 2, meshpro_goods);
    assert_eq!(fixture.code(upgrade(&instance, "CS4")).await, "000000");
    fixture.until(|detail| detail.instance.machines.limit == Some(2), &instance).await;
    let asked = fixture.market.state().asked.len();
    assert_eq!(fixture.code(upgrade(&instance, "CS3")).await, "000000");
    fixture.market_until(|state| state.asked.len() > asked).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(fixture.detail(&instance).await.instance.machines.limit, Some(2));
}

#[tokio::test]
async fn applications_that_were_held_are_served_by_an_upgrade() {
    let fixture = Fixture::new().await;
    fixture.offer("CS1", 1, |_| ());
    fixture.market.state().always = Some(super::fake_marketplace::Trick::Refuse(500, "MKT.0999"));
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    for i in 1..=3 {
        let call = apply(&instance, &format!("e-{i}"), &device(i));
        assert_eq!(fixture.code(call).await, "000004");
    }
    fixture.market.state().always = None;
    fixture.forward(600).await;
    fixture.uploads(1).await;
    assert_eq!(fixture.code(apply(&instance, "e-3", &device(3))).await, "000900");

    fixture.offer("CS2", 3, |order| order.order_type = OrderType::Change);
    assert_eq!(fixture.code(upgrade(&instance, "CS2")).await, "000000");
    assert_eq!(fixture.uploads(3).await.len(), 3);
    assert_eq!(fixture.code(apply(&instance, "e-3", &device(3))).await, "000004");
}

#[tokio::test]
async fn an_order_that_was_accepted_and_is_not_read_yet_is_waited_for() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    fixture.uploads(1).await;
    let (second, third) =
        (apply(&instance, "e-2", &device(2)), apply(&instance, "e-3", &device(3)));
    assert_eq!(fixture.code(second.clone()).await, "000900");

    let silent = Some(super::fake_marketplace::Trick::Refuse(503, "MKT.0999"));
    fixture.market.state().always = silent.clone();
    fixture.offer("CS2", 2, |order| order.order_type = OrderType::Change);
    assert_eq!(fixture.code(upgrade(&instance, "CS2")).await, "000000");
    for call in [&second, &second, &third] {
        assert_eq!(fixture.code(call.clone()).await, "000004");
    }
    // A program is told what is, and asks again by itself.
    let told = fixture.ask(&instance, &device(4)).await.unwrap_err().code;
    assert_eq!(told, license_core::Code::MachinesExhausted);
    fixture.market.state().always = None;
    fixture.forward(600).await;
    assert_eq!(fixture.uploads(2).await[1].0, "e-2");
    let held = |code| {
        move |detail: &license_core::api::InstanceDetail| {
            detail.applications.first().and_then(|kept| kept.result_code.as_deref()) == code
        }
    };
    fixture.until(held(Some("000900")), &instance).await;
    assert_eq!(fixture.code(third.clone()).await, "000900", "there are places for two");

    // What is held waits for a renewal as well.
    fixture.market.state().always = silent;
    fixture.offer("CS3", 3, |_| ());
    let renewal = json!({
        "activity": "refreshInstance", "scene": "RENEWAL", "orderId": "CS3",
        "orderLineId": "CS3-000001", "instanceId": instance,
        "expireTime": koogallery::time::compact(NOW + 700 * DAY),
    });
    assert_eq!(fixture.code(renewal).await, "000000");
    assert_eq!(fixture.code(third).await, "000004");
    fixture.until(held(None), &instance).await;
    fixture.market.state().always = None;
    fixture.forward(600).await;
    assert_eq!(fixture.uploads(3).await[2].0, "e-3");
    assert_eq!(fixture.code(apply(&instance, "e-4", &device(4))).await, "000900");
}

#[tokio::test]
async fn goods_without_their_variant_are_the_only_product_that_they_can_be() {
    let fixture = Fixture::bare().await.started();
    let product = async |instance: &str| fixture.detail(instance).await.instance.product;
    let mut bought = Vec::new();
    for (order, sku) in [("CS1", None), ("CS2", Some(String::new()))] {
        fixture.offer(order, 1, |order| order.lines[0].products[0].sku_code = sku);
        let instance = fixture.call(new_instance(order)).await.instance_id.unwrap();
        fixture.until(|detail| detail.instance.order_state == "product-unknown", &instance).await;
        bought.push(instance);
    }
    products::apply(&fixture.app, flowsim()).await.unwrap();
    fixture.offer("CS3", 1, |order| order.lines[0].products[0].sku_code = None);
    bought.push(fixture.create("CS3").await);
    for instance in &bought {
        assert_eq!(product(instance).await.as_deref(), Some("flowsim"));
        assert_eq!(
            fixture.code(apply(instance, &format!("e-{instance}"), &device(1))).await,
            "000004"
        );
    }

    // Of two it may be either.
    let mut other = flowsim();
    other.id = "other".to_owned();
    other.koogallery[0].sku_code = Some("another".to_owned());
    products::apply(&fixture.app, other).await.unwrap();
    fixture.offer("CS4", 1, |order| order.lines[0].products[0].sku_code = None);
    let instance = fixture.call(new_instance("CS4")).await.instance_id.unwrap();
    fixture.until(|detail| detail.instance.order_state == "product-unknown", &instance).await;
    assert_eq!(product(&bought[0]).await.as_deref(), Some("flowsim"), "as it was sold");
}

#[tokio::test]
async fn an_upgrade_keeps_the_end_that_it_does_not_name() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let end = fixture.detail(&instance).await.instance.expires;
    assert!(end.is_some());
    fixture.offer("CS2", 2, |order| {
        order.order_type = OrderType::Change;
        order.lines[0].expire_time = None;
    });
    assert_eq!(fixture.code(upgrade(&instance, "CS2")).await, "000000");
    fixture.until(|detail| detail.instance.machines.limit == Some(2), &instance).await;
    assert_eq!(fixture.detail(&instance).await.instance.expires, end);

    fixture.offer("CS3", 2, |order| order.lines[0].expire_time = Some(NOW + 900 * DAY));
    assert_eq!(fixture.code(upgrade(&instance, "CS3")).await, "000000");
    let later = |at: Option<license_core::Timestamp>| at.unwrap().as_secs() == NOW + 900 * DAY;
    fixture.until(|detail| later(detail.instance.expires), &instance).await;

    // Bought for ever, it has no end.
    fixture.offer("CS4", 2, |order| {
        order.lines[0].charging_mode = ChargingMode::OneTime;
        order.lines[0].expire_time = None;
    });
    assert_eq!(fixture.code(upgrade(&instance, "CS4")).await, "000000");
    fixture.until(|detail| detail.instance.expires.is_none(), &instance).await;
}

#[tokio::test]
async fn an_upgrade_needs_a_live_instance_and_a_fresh_nonce() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.code(upgrade("unknown", "CS2")).await, "000003");
    let instance = fixture.buy("CS1", 1).await;
    fixture.offer("CS2", 2, |_| ());
    let (query, raw) = fixture.sign(&upgrade(&instance, "CS2"));
    assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), "000000");
    assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), "000002");
    let fixture = fixture.crash().await.started();
    assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), "000002");
    fixture.until(|detail| detail.instance.machines.limit == Some(2), &instance).await;

    let release = json!({"activity": "releaseInstance", "instanceId": instance});
    assert_eq!(fixture.code(release).await, "000000");
    assert_eq!(fixture.code(upgrade(&instance, "CS9")).await, "000003");
}

#[tokio::test]
async fn a_change_is_possible_to_what_is_sold_and_changes_nothing() {
    let fixture = with_meshpro().await;
    let instance = fixture.buy("CS1", 1).await;
    let before = serde_json::to_value(fixture.detail(&instance).await).unwrap();
    let sku = flowsim().koogallery[0].sku_code.clone();
    let known = json!({"productId": "OFFI-MESHPRO", "skuCode": sku});
    let text = json!(known.to_string());

    for info in [&known, &text] {
        let (query, raw) = fixture.sign(&check(&instance, info));
        for _ in 0..2 {
            // Without an effect, a byte-identical repeat is answered as well.
            assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), "000000", "{info}");
        }
        assert_eq!(fixture.code(check("unknown", info)).await, "000003");
    }
    // Without its variant it is the only one that it can be.
    assert_eq!(
        fixture.code(check(&instance, &json!({"productId": "OFFI-MESHPRO"}))).await,
        "000000"
    );
    let unknown = json!({"productId": "OFFI-MESHPRO", "skuCode": "another"});
    for info in [json!({"productId": "OFFI-OTHER"}), unknown] {
        let answer = fixture.call(check(&instance, &info)).await;
        assert_eq!(answer.result_code.as_str(), "000002");
        assert!(answer.result_msg.contains("not configured"), "{}", answer.result_msg);
    }
    assert_eq!(before, serde_json::to_value(fixture.detail(&instance).await).unwrap());

    let freeze =
        json!({"activity": "updateInstanceStatus", "instanceId": instance, "status": "FREEZE"});
    assert_eq!(fixture.code(freeze).await, "000000");
    assert_eq!(fixture.code(check(&instance, &known)).await, "000000", "renewing unfreezes");
    let release = json!({"activity": "releaseInstance", "instanceId": instance});
    assert_eq!(fixture.code(release).await, "000000");
    assert_eq!(fixture.code(check(&instance, &known)).await, "000003");
}
