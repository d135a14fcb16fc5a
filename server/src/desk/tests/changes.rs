//! An instance becomes more or something else: upgrades, and the question whether a renewal may
//! change the product.

use koogallery::order::{ChargingMode, Order, OrderType};
use serde_json::{Value, json};

use super::bench::{Bench, DAY, NOW, apply, device, flowsim, new_instance};

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

async fn with_meshpro() -> Bench {
    let bench = Bench::new().await;
    let mut meshpro = flowsim();
    meshpro.id = "meshpro".to_owned();
    meshpro.koogallery[0].product_id = "OFFI-MESHPRO".to_owned();
    bench.desk.apply_product(meshpro).await.unwrap();
    bench
}

#[tokio::test]
async fn an_upgrade_brings_the_new_orders_quantity_and_product() {
    let bench = with_meshpro().await;
    let instance = bench.buy("CS1", 1).await;
    assert_eq!(bench.code(apply(&instance, "e-1", &device(1))).await, "000004");
    assert_eq!(bench.code(apply(&instance, "e-2", &device(2))).await, "000900");

    bench.offer("CS2", 3, |order| order.order_type = OrderType::Change);
    let answer = bench.call(upgrade(&instance, "CS2")).await;
    assert_eq!(answer.result_code.as_str(), "000000");
    // The application waits for the order that is being read just now.
    assert_eq!(bench.code(apply(&instance, "e-2", &device(2))).await, "000004");
    bench.until(|detail| detail.instance.machines.limit == Some(3), &instance).await;

    bench.offer("CS3", 5, meshpro_goods);
    assert_eq!(bench.code(upgrade(&instance, "CS3")).await, "000000");
    bench.until(|detail| detail.instance.product.as_deref() == Some("meshpro"), &instance).await;
    let detail = bench.detail(&instance).await.instance;
    assert_eq!((detail.instance_id.as_str(), detail.machines.limit), (&*instance, Some(5)));
    assert_eq!(bench.code(apply(&instance, "e-3", &device(1))).await, "000004");
    let licenses = bench.detail(&instance).await.licenses;
    assert!(licenses.iter().any(|license| license.product == "meshpro"));

    // Sent again it changes nothing, also after something newer.
    bench.offer("CS4", 2, meshpro_goods);
    assert_eq!(bench.code(upgrade(&instance, "CS4")).await, "000000");
    bench.until(|detail| detail.instance.machines.limit == Some(2), &instance).await;
    let asked = bench.market.state().asked.len();
    assert_eq!(bench.code(upgrade(&instance, "CS3")).await, "000000");
    bench.market_until(|state| state.asked.len() > asked).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(bench.detail(&instance).await.instance.machines.limit, Some(2));
}

#[tokio::test]
async fn applications_that_were_held_are_served_by_an_upgrade() {
    let bench = Bench::new().await;
    bench.offer("CS1", 1, |_| ());
    bench.market.state().always = Some(super::double::Trick::Refuse(500, "MKT.0999"));
    let instance = bench.call(new_instance("CS1")).await.instance_id.unwrap();
    for i in 1..=3 {
        let call = apply(&instance, &format!("e-{i}"), &device(i));
        assert_eq!(bench.code(call).await, "000004");
    }
    bench.market.state().always = None;
    bench.forward(600);
    bench.uploads(1).await;
    assert_eq!(bench.code(apply(&instance, "e-3", &device(3))).await, "000900");

    bench.offer("CS2", 3, |order| order.order_type = OrderType::Change);
    assert_eq!(bench.code(upgrade(&instance, "CS2")).await, "000000");
    assert_eq!(bench.uploads(3).await.len(), 3);
    assert_eq!(bench.code(apply(&instance, "e-3", &device(3))).await, "000004");
}

#[tokio::test]
async fn an_upgrade_keeps_the_end_that_it_does_not_name() {
    let bench = Bench::new().await;
    let instance = bench.buy("CS1", 1).await;
    let end = bench.detail(&instance).await.instance.expires;
    assert!(end.is_some());
    bench.offer("CS2", 2, |order| {
        order.order_type = OrderType::Change;
        order.lines[0].expire_time = None;
    });
    assert_eq!(bench.code(upgrade(&instance, "CS2")).await, "000000");
    bench.until(|detail| detail.instance.machines.limit == Some(2), &instance).await;
    assert_eq!(bench.detail(&instance).await.instance.expires, end);

    bench.offer("CS3", 2, |order| order.lines[0].expire_time = Some(NOW + 900 * DAY));
    assert_eq!(bench.code(upgrade(&instance, "CS3")).await, "000000");
    let later = |at: Option<license_core::Timestamp>| at.unwrap().as_secs() == NOW + 900 * DAY;
    bench.until(|detail| later(detail.instance.expires), &instance).await;

    // Bought for ever, it has no end.
    bench.offer("CS4", 2, |order| {
        order.lines[0].charging_mode = ChargingMode::OneTime;
        order.lines[0].expire_time = None;
    });
    assert_eq!(bench.code(upgrade(&instance, "CS4")).await, "000000");
    bench.until(|detail| detail.instance.expires.is_none(), &instance).await;
}

#[tokio::test]
async fn an_upgrade_needs_a_live_instance_and_a_fresh_nonce() {
    let bench = Bench::new().await;
    assert_eq!(bench.code(upgrade("unknown", "CS2")).await, "000003");
    let instance = bench.buy("CS1", 1).await;
    bench.offer("CS2", 2, |_| ());
    let (query, raw) = bench.sign(&upgrade(&instance, "CS2"));
    assert_eq!(bench.raw(&query, &raw).await.result_code.as_str(), "000000");
    assert_eq!(bench.raw(&query, &raw).await.result_code.as_str(), "000002");
    let bench = bench.crash().await.started();
    assert_eq!(bench.raw(&query, &raw).await.result_code.as_str(), "000002");
    bench.until(|detail| detail.instance.machines.limit == Some(2), &instance).await;

    let release = json!({"activity": "releaseInstance", "instanceId": instance});
    assert_eq!(bench.code(release).await, "000000");
    assert_eq!(bench.code(upgrade(&instance, "CS9")).await, "000003");
}

#[tokio::test]
async fn a_change_is_possible_to_what_is_sold_and_changes_nothing() {
    let bench = with_meshpro().await;
    let instance = bench.buy("CS1", 1).await;
    let before = serde_json::to_value(bench.detail(&instance).await).unwrap();
    let sku = flowsim().koogallery[0].sku_code.clone();
    let known = json!({"productId": "OFFI-MESHPRO", "skuCode": sku});
    let text = json!(known.to_string());

    for info in [&known, &text] {
        let (query, raw) = bench.sign(&check(&instance, info));
        for _ in 0..2 {
            // Without an effect, a byte-identical repeat is answered as well.
            assert_eq!(bench.raw(&query, &raw).await.result_code.as_str(), "000000", "{info}");
        }
        assert_eq!(bench.code(check("unknown", info)).await, "000003");
    }
    for info in [json!({"productId": "OFFI-OTHER"}), json!({"productId": "OFFI-MESHPRO"})] {
        let answer = bench.call(check(&instance, &info)).await;
        assert_eq!(answer.result_code.as_str(), "000002");
        assert!(answer.result_msg.contains("not configured"), "{}", answer.result_msg);
    }
    assert_eq!(before, serde_json::to_value(bench.detail(&instance).await).unwrap());

    let freeze =
        json!({"activity": "updateInstanceStatus", "instanceId": instance, "status": "FREEZE"});
    assert_eq!(bench.code(freeze).await, "000000");
    assert_eq!(bench.code(check(&instance, &known)).await, "000000", "renewing unfreezes");
    let release = json!({"activity": "releaseInstance", "instanceId": instance});
    assert_eq!(bench.code(release).await, "000000");
    assert_eq!(bench.code(check(&instance, &known)).await, "000003");
}
