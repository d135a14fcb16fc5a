//! Order notifications: kept once, read once, shown.

use std::time::Duration;

use koogallery::{AccessKey, Presented};
use serde_json::{Value, json};

use super::fake_marketplace::Trick;
use super::fixture::{Fixture, KEY, PATIENCE};
use crate::app::instances;
use crate::app::notices;
use crate::app::notices::NoticeFilter;
use crate::config::Secret;
use crate::environment::Clock as _;

const GENERAL_KEY: &str = "0123456789abcdef-general";

fn notify(order: &str) -> Value {
    json!({"activity": "orderNotify", "orderId": order, "orderLineId": format!("{order}-000001"),
        "testFlag": "0"})
}

async fn shop() -> Fixture {
    Fixture::bare_with(|config| {
        config.koogallery.general_access_key = vec![Secret::new(GENERAL_KEY)];
    })
    .await
    .started()
}

impl Fixture {
    async fn notified(&self, key: &str, body: &Value) -> &'static str {
        let raw = body.to_string().into_bytes();
        let nonce = self.sign(body).0;
        let key = AccessKey::new(key).unwrap();
        let query = Presented::sign(&key, &raw, &nonce, self.clock.now_ms()).to_query();
        self.raw(&query, &raw).await.result_code.as_str()
    }

    async fn notices(&self) -> Vec<license_core::api::NoticeView> {
        notices::list(&self.app, &NoticeFilter::default()).await.unwrap()
    }

    async fn notice_is(&self, state: &str) -> license_core::api::NoticeView {
        for _ in 0..PATIENCE {
            if let Some(found) = self.notices().await.into_iter().find(|n| n.state == state) {
                return found;
            }
            self.app.context.wakeups.notices.notify_one();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no notice became {state}: {:#?}", self.notices().await);
    }
}

#[tokio::test]
async fn a_notification_is_kept_once_and_its_order_read() {
    let fixture = shop().await;
    fixture.offer("CS1", 3, |_| ());
    for _ in 0..3 {
        assert_eq!(fixture.notified(GENERAL_KEY, &notify("CS1")).await, "000000");
    }
    let notice = fixture.notice_is("read").await;
    assert_eq!((notice.order_type.as_deref(), notice.quantity), (Some("NEW"), Some(3)));
    assert_eq!((notice.instance_id, notice.error), (None, None));
    assert!(notice.expires.is_some());
    assert_eq!(fixture.notices().await.len(), 1);
    assert!(
        instances::list(&fixture.app, &instances::InstanceFilter::default())
            .await
            .unwrap()
            .is_empty()
    );

    // With an instance it is shown.
    let instance = fixture.call(super::fixture::new_instance("CS1")).await.instance_id;
    assert_eq!(fixture.notices().await[0].instance_id.as_deref(), instance.as_deref());
}

#[tokio::test]
async fn a_notification_outlives_a_crash_and_a_silent_marketplace() {
    for silence in [Trick::HangUp, Trick::Late(Duration::from_secs(1))] {
        let fixture = shop().await;
        fixture.offer("CS1", 3, |_| ());
        fixture.market.state().always = Some(silence);
        assert_eq!(fixture.notified(GENERAL_KEY, &notify("CS1")).await, "000000");
        fixture.market_until(|state| state.requests > 0).await;
        let fixture = fixture.crash().await;
        fixture.market.state().always = None;
        // Whatever the crash cut short, half a minute later somebody asks.
        fixture.forward(30).await;
        let fixture = fixture.started();
        assert_eq!(fixture.notice_is("read").await.quantity, Some(3));
    }
}

#[tokio::test]
async fn an_order_that_is_not_ours_is_given_up_and_other_keys_are_refused() {
    let fixture = shop().await;
    assert_eq!(fixture.notified(KEY, &notify("CS1")).await, "000001");
    let mut test = notify("CS2");
    test["testFlag"] = json!("1");
    for _ in 0..2 {
        assert_eq!(fixture.notified(GENERAL_KEY, &test).await, "000000");
    }
    assert!(fixture.notices().await.is_empty());

    assert_eq!(fixture.notified(GENERAL_KEY, &notify("CS3")).await, "000000");
    for asked in 1..=3 {
        fixture.market_until(|state| state.asked.len() >= asked).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        fixture.forward(30).await;
        fixture.app.context.wakeups.notices.notify_one();
    }
    let notice = fixture.notice_is("failed").await;
    assert!(notice.error.unwrap().contains("MKT.0150"));
    assert!(!fixture.app.breaker.are_credentials_refused());

    // Notified again, it is asked for again.
    fixture.offer("CS3", 1, |_| ());
    assert_eq!(fixture.notified(GENERAL_KEY, &notify("CS3")).await, "000000");
    assert_eq!(fixture.notice_is("read").await.quantity, Some(1));
}
