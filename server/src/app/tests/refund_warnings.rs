//! How long is left before an order is paid back, how long a buyer has waited, and who is told.

use std::time::Duration;

use super::fake_marketplace::Trick;
use super::fixture::{Fixture, apply, device, flowsim, new_instance};
use crate::app::market::v1;
use crate::app::products;
use crate::app::refund_warnings::WarnRefunds;

impl Fixture {
    /// The minutes of every warning that was told, in order.
    async fn warned(&self) -> Vec<i64> {
        self.app.writer.write(WarnRefunds).await.unwrap();
        let alerts = self.alerts("refund_nearing").await;
        alerts.iter().map(|alert| alert.fields["minutes"].as_i64().unwrap()).collect()
    }
}

#[tokio::test]
async fn an_order_that_is_not_read_counts_down() {
    let fixture = Fixture::bare().await;
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    let view = fixture.detail(&instance).await.instance;
    assert_eq!(view.refund_seconds_left, Some(7200));
    assert_eq!(view.refund_at.unwrap().as_secs(), fixture.now() + 7200);
    assert_eq!(view.waiting_seconds, None);
    fixture.forward(3599).await;
    assert_eq!(fixture.warned().await, [] as [i64; 0]);
    fixture.forward(1).await;
    assert_eq!(fixture.warned().await, [60]);
    fixture.forward(60).await;
    assert_eq!(fixture.warned().await, [60], "each once");
    fixture.forward(1739).await;
    assert_eq!(fixture.warned().await, [60]);
    fixture.forward(1).await;
    assert_eq!(fixture.warned().await, [60, 30]);
    fixture.forward(1200).await;
    assert_eq!(fixture.warned().await, [60, 30, 10]);
    let told = fixture.alerts("refund_nearing").await.remove(2);
    assert_eq!(told.fields["instance.id"], instance.as_str());
    assert_eq!(told.fields["seconds_left"], 600);
    fixture.forward(10_000).await;
    assert_eq!(fixture.warned().await.len(), 3);
    assert_eq!(fixture.detail(&instance).await.instance.refund_seconds_left, Some(0));
}

/// V1's calls are tried for three hours.
#[tokio::test]
async fn the_first_edition_has_an_hour_more() {
    let fixture = Fixture::bare().await;
    let key = koogallery::AccessKey::new(super::fixture::KEY).unwrap();
    let parameters = [
        ("activity", "newInstance"),
        ("orderId", "CS1"),
        ("businessId", "b-1"),
        ("customerId", "c-1"),
        ("productId", "OFFI1"),
    ];
    let query = koogallery::v1::sign(&key, &parameters, fixture.now() * 1000);
    let answer = v1::call(&fixture.app, &query).await;
    let answer: koogallery::Answer = serde_json::from_slice(&answer.body).unwrap();
    let instance = answer.instance_id.unwrap();
    let view = fixture.detail(&instance).await.instance;
    assert_eq!(view.refund_seconds_left, Some(10_800));
    fixture.forward(3600).await;
    assert_eq!(fixture.warned().await, [] as [i64; 0]);
    fixture.forward(3600).await;
    assert_eq!(fixture.warned().await, [60]);
    let told = fixture.alerts("refund_nearing").await.remove(0);
    assert_eq!(told.fields["seconds_left"], 3600);
}

/// After a pause of ours only the most urgent one is told.
#[tokio::test]
async fn warnings_that_were_missed_are_not_made_up_for() {
    let fixture = Fixture::bare().await;
    let _ = fixture.call(new_instance("CS1")).await;
    fixture.forward(7000).await;
    assert_eq!(fixture.warned().await, [10]);
    assert_eq!(fixture.warned().await, [10]);
}

#[tokio::test]
async fn an_order_that_was_read_is_safe() {
    let fixture = Fixture::bare().await;
    products::apply(&fixture.app, flowsim()).await.unwrap();
    fixture.market.state().always = Some(Trick::Refuse(500, "MKT.0999"));
    let fixture = fixture.started();
    fixture.offer("CS1", 1, |_| ());
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    fixture.forward(3700).await;
    assert_eq!(fixture.warned().await, [60]);
    fixture.market.state().always = None;
    for _ in 0..100 {
        if fixture.detail(&instance).await.instance.refund_at.is_none() {
            break;
        }
        fixture.forward(10).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let view = fixture.detail(&instance).await.instance;
    assert_eq!((view.refund_at, view.refund_seconds_left), (None, None));
    fixture.forward(7200).await;
    assert_eq!(fixture.warned().await, [60]);
}

#[tokio::test]
async fn a_buyer_waits_from_his_application_until_his_license_has_arrived() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    assert_eq!(fixture.detail(&instance).await.instance.waiting_since, None);
    fixture.market.state().always = Some(Trick::Refuse(500, "91381036"));
    let applied = fixture.now();
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    fixture.forward(100).await;
    // Signed and not delivered.
    let view = fixture.detail(&instance).await.instance;
    assert_eq!(view.waiting_since.unwrap().as_secs(), applied);
    assert_eq!(view.waiting_seconds, Some(100));
    let longest = fixture.app.store.read().await.unwrap().longest_wait().await.unwrap();
    assert_eq!(longest, Some(applied));
    fixture.market.state().always = None;
    for _ in 0..100 {
        if fixture.detail(&instance).await.instance.waiting_since.is_none() {
            break;
        }
        fixture.forward(60).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(fixture.detail(&instance).await.instance.waiting_since, None);

    // Kept, because the order was not read.
    let other = fixture.call(new_instance("CS2")).await.instance_id.unwrap();
    let mut late = apply(&other, "e-2", &device(2));
    late["effectiveTime"] = koogallery::time::spaced(fixture.now()).into();
    assert_eq!(fixture.code(late).await, "000004");
    fixture.forward(50).await;
    assert_eq!(fixture.detail(&other).await.instance.waiting_seconds, Some(50));
}
