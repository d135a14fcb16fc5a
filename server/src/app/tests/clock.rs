//! The server's clock jumps: nothing is sent more often than the waits between attempts allow,
//! nothing stands still, and calls are judged by the time that is now.

use std::time::Duration;

use serde_json::json;

use super::fake_marketplace::Trick;
use super::fixture::{DAY, Fixture, PATIENCE, apply, device, new_instance};
use crate::app::signed_lists;
use crate::app::uploads;
use crate::app::uploads::UploadFilter;
use crate::store::Queue;
use crate::store::Store;

const HOUR: i64 = 3600;

async fn pause() {
    tokio::time::sleep(Duration::from_millis(400)).await;
}

impl Fixture {
    /// An instance whose uploads failed once each and wait for their second attempt.
    async fn with_waiting(count: u32) -> (Self, String) {
        let fixture = Self::new().await;
        let instance = fixture.buy("CS1", 100).await;
        fixture.market.state().always = Some(Trick::Refuse(429, "APIGW.0308"));
        for i in 0..count {
            let event = format!("e-{i}");
            assert_eq!(fixture.code(apply(&instance, &event, &device(i))).await, "000004");
        }
        for _ in 0..PATIENCE {
            if fixture.attempts().await.iter().all(|attempts| *attempts == 1) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        fixture.settled().await;
        (fixture, instance)
    }

    /// How often each upload was tried.
    async fn attempts(&self) -> Vec<u32> {
        let all = uploads::list(&self.app, &UploadFilter::default()).await.unwrap();
        all.iter().map(|upload| upload.attempts).collect()
    }
}

#[tokio::test]
async fn ahead_everything_is_tried_once_more_and_not_in_a_storm() {
    for jump in [HOUR, DAY] {
        let (fixture, _) = Fixture::with_waiting(4).await;
        assert_eq!(fixture.attempts().await, [1; 4]);
        let before = fixture.market.state().requests;
        fixture.forward(jump).await;
        pause().await;
        fixture.settled().await;
        pause().await;
        fixture.settled().await;
        // Four that failed before: the next failure rests both queues.
        let requests = fixture.market.state().requests - before;
        assert!((1..=4).contains(&requests), "{requests} requests after {jump} s");
        assert!(fixture.attempts().await.iter().all(|attempts| *attempts <= 2));
        assert_eq!(fixture.app.breaker.level(), 1);
        // One probe after each wait, however far the clock jumps.
        for _ in 0..3 {
            let before = fixture.market.state().requests;
            fixture.forward(jump).await;
            fixture.market_until(|state| state.requests > before).await;
            fixture.settled().await;
            pause().await;
            assert_eq!(fixture.market.state().requests, before + 1);
        }
        fixture.market.state().always = None;
        fixture.forward(301).await;
        fixture.market_until(|state| !state.uploads.is_empty()).await;
        fixture.forward(301).await;
        fixture.uploads(4).await;
        pause().await;
        assert_eq!(fixture.market.uploads().len(), 4, "each of them arrives once");
    }
}

#[tokio::test]
async fn back_nothing_waits_for_the_lost_time() {
    for jump in [HOUR, DAY] {
        let (fixture, _) = Fixture::with_waiting(3).await;
        fixture.market.state().always = None;
        fixture.forward(-jump).await;
        // The clock stands still from here on: nothing can become due by waiting.
        fixture.uploads(3).await;
        fixture.upload_is("delivered").await;
        pause().await;
        assert_eq!(fixture.market.uploads().len(), 3);
        assert_eq!(fixture.attempts().await, [2; 3]);
    }
}

#[tokio::test]
async fn back_a_queue_that_rests_still_probes() {
    let (fixture, _) = Fixture::with_waiting(4).await;
    fixture.forward(60).await;
    fixture.market_until(|state| state.requests >= 6).await;
    fixture.settled().await;
    assert_eq!(fixture.app.breaker.level(), 1);
    let before = fixture.market.state().requests;
    fixture.forward(-DAY).await;
    pause().await;
    let requests = fixture.market.state().requests - before;
    assert!(requests <= 1, "one probe, not {requests}");
    fixture.market.state().always = None;
    for _ in 0..4 {
        fixture.forward(301).await;
        pause().await;
    }
    fixture.uploads(4).await;
}

#[tokio::test]
async fn back_while_nobody_served() {
    let (fixture, _) = Fixture::with_waiting(3).await;
    fixture.market.state().always = None;
    fixture.clock.advance_ms(-DAY * 1000);
    let fixture = fixture.crash().await.started();
    fixture.uploads(3).await;
}

#[tokio::test]
async fn what_is_under_way_stays_with_who_sends_it() {
    for jump in [HOUR, DAY, -HOUR, -DAY] {
        let fixture = Fixture::new().await;
        let instance = fixture.buy("CS1", 1).await;
        fixture.market.state().tricks.push_back(Trick::Late(Duration::from_millis(600)));
        let before = fixture.market.state().requests;
        assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
        fixture.market_until(|state| state.requests > before).await;
        fixture.jump(jump);
        fixture.upload_is("delivered").await;
        pause().await;
        assert_eq!(fixture.attempts().await, [1], "after {jump} s");
        assert_eq!(fixture.market.uploads().len(), 1);
    }
}

#[tokio::test]
async fn a_lease_of_a_clock_that_was_ahead_keeps_nobody_off() {
    let fixture = Fixture::new().await;
    // SQLite has one server, which holds no lease against itself.
    let Store::Postgres(postgres) = &fixture.app.store else { return };
    let instance = fixture.buy("CS1", 1).await;
    fixture.market.state().tricks.push_back(Trick::Late(Duration::from_secs(3)));
    let before = fixture.market.state().requests;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    fixture.market_until(|state| state.requests > before).await;
    for worker in &fixture.workers {
        worker.abort();
    }
    // Far ahead of the database's clock, and nobody renews it any more.
    postgres.put_leases(4_000_000_000).await;
    let mut tx = fixture.app.store.write().await.unwrap();
    assert_eq!(tx.requeue(Queue::Uploads, &[]).await.unwrap(), 1);
    tx.rollback().await;
}

#[tokio::test]
async fn calls_are_judged_by_the_time_that_is_now() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 10).await;
    for jump in [HOUR, -HOUR, DAY, -DAY] {
        let query = json!({ "activity": "queryInstance", "instanceId": instance });
        let (signed, raw) = fixture.sign(&query);
        fixture.forward(jump).await;
        assert_eq!(fixture.raw(&signed, &raw).await.result_code.as_str(), "000002", "{jump}");
        assert_eq!(fixture.code(query).await, "000000", "signed anew, {jump}");
    }
    // Under load before and after, nobody gets a second instance.
    let first = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    fixture.forward(-HOUR).await;
    assert_eq!(fixture.call(new_instance("CS1")).await.instance_id.unwrap(), first);
}

#[tokio::test]
async fn lists_rise_and_are_not_signed_at_every_question() {
    let fixture = Fixture::new().await;
    let seq = async || {
        let document = signed_lists::revocation_list(&fixture.app).await.unwrap().document;
        let row = fixture.app.store.read().await.unwrap();
        let row = { row }.list(&crate::store::ListKey::revocation()).await.unwrap().unwrap();
        (row.seq, document)
    };
    let mut last = seq().await;
    for jump in [HOUR, -HOUR, DAY, -2 * DAY] {
        fixture.forward(jump).await;
        let next = seq().await;
        assert!(next.0 >= last.0, "{} after {}", next.0, last.0);
        assert_eq!(seq().await, next, "asked twice, signed once");
        last = next;
    }
}
