//! What is forgotten, and that nothing is answered differently for it.

use license_core::audit::{Auditor, Fault};
use serde_json::json;

use super::audit::verified;
use super::fake_marketplace::Trick;
use super::fixture::{DAY, Fixture, apply, device, new_instance};
use crate::app::products;
use crate::app::retention::SweepHistory;
use crate::app::uploads;
use crate::app::uploads::UploadFilter;
use crate::config::Retention;

const RETENTION: Retention =
    Retention { audit_days: 30, finished_uploads_days: 20, orders_days: 40, upload_files_days: 2 };
const FOR_EVER: Retention =
    Retention { audit_days: 0, finished_uploads_days: 0, orders_days: 0, upload_files_days: 0 };

impl Fixture {
    async fn sweep(&self, retention: Retention) -> [u64; 4] {
        let mut sum = [0; 4];
        loop {
            let swept = self.app.writer.write(SweepHistory(retention)).await.unwrap();
            if !swept.any() {
                return sum;
            }
            for (sum, rows) in
                sum.iter_mut().zip([swept.files, swept.uploads, swept.orders, swept.links])
            {
                *sum += rows;
            }
        }
    }

    async fn rows(&self) -> usize {
        uploads::list(&self.app, &UploadFilter::default()).await.unwrap().len()
    }
}

#[tokio::test]
async fn resends_are_answered_as_before_when_everything_old_is_gone() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 3).await;
    let asked = fixture.market.state().asked.len();
    let call = apply(&instance, "e-1", &device(1));
    assert_eq!(fixture.code(call.clone()).await, "000004");
    fixture.upload_is("delivered").await;
    let document = fixture.detail(&instance).await.licenses[0].license_id.clone();
    // This one is never sent again by itself, and stays until somebody looks at it.
    fixture.market.state().always = Some(Trick::Refuse(200, "91381033"));
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(2))).await, "000004");
    let refused = fixture.upload_is("refused").await.upload_id;
    fixture.market.state().always = None;

    fixture.forward(60 * DAY).await;
    assert_eq!(fixture.sweep(FOR_EVER).await, [0; 4]);
    let [files, uploads, orders, links] = fixture.sweep(RETENTION).await;
    assert_eq!((uploads, orders), (1, 0), "the order of a live instance stays");
    assert!(files <= 1 && links > 3, "{files} {links}");
    assert_eq!(fixture.rows().await, 1);
    let left = uploads::list(&fixture.app, &UploadFilter::default()).await.unwrap();
    assert_eq!(left[0].upload_id, refused);
    assert_eq!(fixture.sweep(RETENTION).await, [0; 4]);

    // The same event: answered again, with nothing new and nothing sent.
    assert_eq!(fixture.code(call.clone()).await, "000004");
    // The same event for another machine: refused as ever, although its upload is forgotten.
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(3))).await, "000002");
    assert_eq!(fixture.code(new_instance("CS1")).await, "000000");
    fixture.app.context.wakeups.orders.notify_one();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let detail = fixture.detail(&instance).await;
    assert_eq!(detail.licenses.len(), 2);
    assert_eq!(detail.licenses[0].license_id, document);
    assert_eq!(fixture.market.state().asked.len(), asked, "no order is read twice");
    assert_eq!(fixture.rows().await, 1);
    let waiters = &fixture.app.context.delivery_waiters;
    let delivered = waiters.is_delivered(&fixture.app.store, "e-1", far()).await;
    assert!(delivered, "what was swept was delivered");
}

fn far() -> tokio::time::Instant {
    tokio::time::Instant::now() + std::time::Duration::from_secs(3)
}

#[tokio::test]
async fn orders_of_released_instances_go_and_are_not_read_again() {
    let fixture = Fixture::new().await;
    let (gone, live) = (fixture.buy("CS1", 1).await, fixture.buy("CS2", 1).await);
    fixture.code(json!({"activity": "releaseInstance", "instanceId": gone})).await;
    fixture.forward(39 * DAY).await;
    assert_eq!(fixture.sweep(RETENTION).await[2], 0);
    fixture.forward(2 * DAY).await;
    assert_eq!(fixture.sweep(RETENTION).await[2], 1);
    let mut tx = fixture.app.store.read().await.unwrap();
    assert_eq!(tx.orders_of(&gone).await.unwrap().len(), 0);
    assert_eq!(tx.orders_of(&live).await.unwrap().len(), 1);
    drop(tx);
    let asked = fixture.market.state().asked.len();
    let again = fixture.call(new_instance("CS1")).await;
    assert_eq!(again.instance_id.as_deref(), Some(&*gone));
    assert_eq!(
        fixture.code(json!({"activity": "releaseInstance", "instanceId": gone})).await,
        "000000"
    );
    assert_eq!(fixture.code(apply(&gone, "e-1", &device(1))).await, "000003");
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(fixture.market.state().asked.len(), asked);
    assert_eq!(fixture.detail(&gone).await.instance.order_state, "read");
}

#[tokio::test]
async fn a_swept_chain_begins_later_and_is_whole() {
    let fixture = Fixture::bare().await;
    for _ in 0..6 {
        products::apply(&fixture.app, super::fixture::flowsim()).await.unwrap();
        fixture.forward(10 * DAY).await;
    }
    let all = fixture.links().await;
    assert_eq!(all.len(), 7);
    let [.., links] = fixture.sweep(RETENTION).await;
    assert_eq!(links, 4, "made on the days 0, 0, 10 and 20 of 60, kept for 30");
    let kept = fixture.links().await;
    assert_eq!(kept, all[4..]);
    let report = verified(&kept);
    assert_eq!(report.chains[0].before, all[3].hash);

    // However old it is, the newest link stays: the chain goes on from it.
    fixture.forward(1000 * DAY).await;
    fixture.sweep(RETENTION).await;
    assert_eq!(fixture.links().await, all[6..]);
    let fixture = fixture.crash().await;
    products::apply(&fixture.app, super::fixture::flowsim()).await.unwrap();
    let kept = fixture.links().await;
    assert_eq!(verified(&kept).chains[0].last, 8);

    // Who kept the end of an earlier verification sees that what was swept is not there.
    let seen = format!("2:{}", all[1].hash).parse().unwrap();
    let mut auditor = Auditor::new(vec![seen]);
    for link in &kept {
        auditor.take(link);
    }
    let report = auditor.finish().unwrap();
    assert_eq!(report.breaks[0].fault, Fault::Missing { from: 3, to: 6 });
    let seen = format!("6:{}", all[5].hash).parse().unwrap();
    let mut auditor = Auditor::new(vec![seen]);
    for link in &kept {
        auditor.take(link);
    }
    assert_eq!(auditor.finish().unwrap().breaks, []);
}
