//! Applications that are answered with the outcome.

use crate::app::market;
use crate::app::products;
use std::time::Duration;

use super::fake_marketplace::Trick;
use super::fixture::{Fixture, apply, device, flowsim};

async fn synchronous() -> Fixture {
    let fixture = Fixture::bare_with(|config| config.koogallery.synchronous = true).await;
    products::apply(&fixture.app, flowsim()).await.unwrap();
    fixture.started()
}

#[tokio::test]
async fn success_means_delivered() {
    let fixture = synchronous().await;
    let instance = fixture.buy("CS1", 100).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000000");
    assert_eq!(fixture.market.uploads().len(), 1, "it was delivered before the answer");
    // A re-send is answered with the outcome as well, and nothing is sent twice.
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000000");
    assert_eq!(fixture.market.uploads().len(), 1);
    assert_eq!(fixture.code(apply("unknown", "e-2", &device(1))).await, "000003");

    let calls: Vec<_> = (2..42)
        .map(|i| {
            let (query, raw) = fixture.sign(&apply(&instance, &format!("e-{i}"), &device(i)));
            let app = fixture.app.clone();
            tokio::spawn(async move { market::call(&app, &query, &raw).await })
        })
        .collect();
    for call in calls {
        let answer: koogallery::Answer = serde_json::from_slice(&call.await.unwrap()).unwrap();
        assert_eq!(answer.result_code.as_str(), "000000");
    }
    assert_eq!(fixture.market.uploads().len(), 41);
}

#[tokio::test]
async fn what_is_not_delivered_in_time_follows_and_nobody_else_waits() {
    let fixture = synchronous().await;
    let instance = fixture.buy("CS1", 9).await;
    fixture.market.state().always = Some(Trick::Late(Duration::from_secs(6)));
    let (query, raw) = fixture.sign(&apply(&instance, "e-1", &device(1)));
    let app = fixture.app.clone();
    let slow = tokio::spawn(async move {
        let start = tokio::time::Instant::now();
        (market::call(&app, &query, &raw).await, start.elapsed())
    });
    tokio::time::sleep(Duration::from_millis(100)).await;

    // The writer goes on meanwhile.
    let freeze = serde_json::json!({"activity": "updateInstanceStatus", "instanceId": instance,
        "status": "FREEZE"});
    assert_eq!(fixture.code(freeze).await, "000000");
    assert!(!slow.is_finished());

    let (answer, waited) = slow.await.unwrap();
    let answer: koogallery::Answer = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer.result_code.as_str(), "000004");
    assert!(waited >= Duration::from_secs(3) && waited < Duration::from_secs(6), "{waited:?}");
    fixture.market.state().always = None;
    fixture.uploads(1).await;
}

#[tokio::test]
async fn what_the_marketplace_refuses_or_debugging_asks_is_not_called_done() {
    let fixture = synchronous().await;
    let instance = fixture.buy("CS1", 9).await;
    fixture.market.state().tricks.push_back(Trick::Refuse(200, "91381037"));
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    assert!(fixture.market.uploads().is_empty());

    let mut test = apply(&instance, "e-2", &device(2));
    test["testFlag"] = serde_json::json!("1");
    let start = tokio::time::Instant::now();
    assert_eq!(fixture.code(test).await, "000004");
    assert!(start.elapsed() < Duration::from_secs(3), "nothing is sent, nothing is waited for");
}
