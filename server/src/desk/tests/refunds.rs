//! How long is left before an order is paid back, how long a buyer has waited, and who is told.

use std::time::Duration;

use super::bench::{Bench, apply, device, flowsim, new_instance};
use super::double::Trick;
use crate::desk::WarnRefunds;

impl Bench {
    /// The minutes of every warning that was told, in order.
    async fn warned(&self) -> Vec<i64> {
        self.desk.writer.write(WarnRefunds).await.unwrap();
        let alerts = self.alerts("refund_nearing").await;
        alerts.iter().map(|alert| alert.fields["minutes"].as_i64().unwrap()).collect()
    }
}

#[tokio::test]
async fn an_order_that_is_not_read_counts_down() {
    let bench = Bench::bare().await;
    let instance = bench.call(new_instance("CS1")).await.instance_id.unwrap();
    let view = bench.detail(&instance).await.instance;
    assert_eq!(view.refund_seconds_left, Some(7200));
    assert_eq!(view.refund_at.unwrap().as_secs(), bench.now() + 7200);
    assert_eq!(view.waiting_seconds, None);
    bench.forward(3599).await;
    assert_eq!(bench.warned().await, [] as [i64; 0]);
    bench.forward(1).await;
    assert_eq!(bench.warned().await, [60]);
    bench.forward(60).await;
    assert_eq!(bench.warned().await, [60], "each once");
    bench.forward(1739).await;
    assert_eq!(bench.warned().await, [60]);
    bench.forward(1).await;
    assert_eq!(bench.warned().await, [60, 30]);
    bench.forward(1200).await;
    assert_eq!(bench.warned().await, [60, 30, 10]);
    let told = bench.alerts("refund_nearing").await.remove(2);
    assert_eq!(told.fields["instance.id"], instance.as_str());
    assert_eq!(told.fields["seconds_left"], 600);
    bench.forward(10_000).await;
    assert_eq!(bench.warned().await.len(), 3);
    assert_eq!(bench.detail(&instance).await.instance.refund_seconds_left, Some(0));
}

/// The first edition's calls are tried for three hours.
#[tokio::test]
async fn the_first_edition_has_an_hour_more() {
    let bench = Bench::bare().await;
    let key = koogallery::AccessKey::new(super::bench::KEY).unwrap();
    let parameters = [
        ("activity", "newInstance"),
        ("orderId", "CS1"),
        ("businessId", "b-1"),
        ("customerId", "c-1"),
        ("productId", "OFFI1"),
    ];
    let query = koogallery::v1::sign(&key, &parameters, bench.now() * 1000);
    let answer = bench.desk.market_query(&query).await;
    let answer: koogallery::Answer = serde_json::from_slice(&answer.body).unwrap();
    let instance = answer.instance_id.unwrap();
    let view = bench.detail(&instance).await.instance;
    assert_eq!(view.refund_seconds_left, Some(10_800));
    bench.forward(3600).await;
    assert_eq!(bench.warned().await, [] as [i64; 0]);
    bench.forward(3600).await;
    assert_eq!(bench.warned().await, [60]);
    let told = bench.alerts("refund_nearing").await.remove(0);
    assert_eq!(told.fields["seconds_left"], 3600);
}

/// After a pause of ours only the most urgent one is told.
#[tokio::test]
async fn warnings_that_were_missed_are_not_made_up_for() {
    let bench = Bench::bare().await;
    let _ = bench.call(new_instance("CS1")).await;
    bench.forward(7000).await;
    assert_eq!(bench.warned().await, [10]);
    assert_eq!(bench.warned().await, [10]);
}

#[tokio::test]
async fn an_order_that_was_read_is_safe() {
    let bench = Bench::bare().await;
    bench.desk.apply_product(flowsim()).await.unwrap();
    bench.market.state().always = Some(Trick::Refuse(500, "MKT.0999"));
    let bench = bench.started();
    bench.offer("CS1", 1, |_| ());
    let instance = bench.call(new_instance("CS1")).await.instance_id.unwrap();
    bench.forward(3700).await;
    assert_eq!(bench.warned().await, [60]);
    bench.market.state().always = None;
    for _ in 0..100 {
        if bench.detail(&instance).await.instance.refund_at.is_none() {
            break;
        }
        bench.forward(10).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let view = bench.detail(&instance).await.instance;
    assert_eq!((view.refund_at, view.refund_seconds_left), (None, None));
    bench.forward(7200).await;
    assert_eq!(bench.warned().await, [60]);
}

#[tokio::test]
async fn a_buyer_waits_from_his_application_until_his_license_has_arrived() {
    let bench = Bench::new().await;
    let instance = bench.buy("CS1", 1).await;
    assert_eq!(bench.detail(&instance).await.instance.waiting_since, None);
    bench.market.state().always = Some(Trick::Refuse(500, "91381036"));
    let applied = bench.now();
    assert_eq!(bench.code(apply(&instance, "e-1", &device(1))).await, "000004");
    bench.forward(100).await;
    // Signed and not delivered.
    let view = bench.detail(&instance).await.instance;
    assert_eq!(view.waiting_since.unwrap().as_secs(), applied);
    assert_eq!(view.waiting_seconds, Some(100));
    let longest = bench.desk.store.read().await.unwrap().longest_wait().await.unwrap();
    assert_eq!(longest, Some(applied));
    bench.market.state().always = None;
    for _ in 0..100 {
        if bench.detail(&instance).await.instance.waiting_since.is_none() {
            break;
        }
        bench.forward(60).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(bench.detail(&instance).await.instance.waiting_since, None);

    // Kept, because the order was not read.
    let other = bench.call(new_instance("CS2")).await.instance_id.unwrap();
    let mut late = apply(&other, "e-2", &device(2));
    late["effectiveTime"] = koogallery::time::spaced(bench.now()).into();
    assert_eq!(bench.code(late).await, "000004");
    bench.forward(50).await;
    assert_eq!(bench.detail(&other).await.instance.waiting_seconds, Some(50));
}
