//! Uploads and look-ups while the marketplace misbehaves.

use std::time::Duration;

use super::fake_marketplace::Trick;
use super::fixture::{Fixture, PATIENCE, apply, device, new_instance};
use crate::app::marketplace_health;
use crate::app::products;
use crate::app::uploads;
use crate::app::uploads::{FinishUpload, UploadFilter};
use crate::store::UploadState;

async fn bought() -> (Fixture, String) {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 50).await;
    (fixture, instance)
}

fn play(fixture: &Fixture, tricks: impl IntoIterator<Item = Trick>) {
    fixture.market.state().tricks.extend(tricks);
}

#[tokio::test]
async fn codes_that_stay_stop_that_one_and_are_explained() {
    let (fixture, instance) = bought().await;
    let stopping = ["91381033", "91381034", "91381035", "91381037", "91381038", "CBC.0101"];
    for (i, code) in stopping.into_iter().enumerate() {
        play(&fixture, [Trick::Refuse(200, code)]);
        let event = format!("e-{i}");
        let number = u32::try_from(i).unwrap();
        assert_eq!(fixture.code(apply(&instance, &event, &device(number))).await, "000004");
        for _ in 0..PATIENCE {
            let all = uploads::list(&fixture.app, &UploadFilter::default()).await.unwrap();
            if all.iter().any(|u| u.event_id == event && u.state == "refused") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let refused = uploads::list(&fixture.app, &UploadFilter::default()).await.unwrap();
    assert_eq!(refused.len(), stopping.len());
    for (upload, code) in refused.iter().zip(stopping) {
        assert_eq!((upload.state.as_str(), upload.error_code.as_deref()), ("refused", Some(code)));
        assert!(!upload.error.as_ref().unwrap().is_empty());
        assert!(!upload.error_zh.as_ref().unwrap().is_ascii());
        assert_eq!(upload.attempts, 1);
    }
    fixture.forward(1000).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(fixture.market.uploads().is_empty(), "what was refused is not sent by itself");

    // An operator may.
    let again = uploads::retry(&fixture.app, &refused[0].upload_id).await.unwrap();
    assert_eq!(again.state, "queued");
    assert_eq!(fixture.uploads(1).await[0].0, "e-0");
    let delivered = fixture.upload_is("delivered").await;
    assert_eq!(delivered.upload_id, refused[0].upload_id);
    let error = uploads::retry(&fixture.app, &delivered.upload_id).await.unwrap_err();
    assert_eq!(error.code, license_core::Code::Conflict);
}

#[tokio::test]
async fn what_passes_is_tried_again_with_the_same_bytes() {
    let (fixture, instance) = bought().await;
    play(
        &fixture,
        [Trick::Refuse(200, "91381036"), Trick::Refuse(429, "APIGW.0308"), Trick::HangUp],
    );
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    for attempt in 1..=3 {
        fixture.market_until(|state| state.tricks.len() == 3 - attempt).await;
        fixture.until_attempts(u32::try_from(attempt).unwrap()).await;
        fixture.forward(60).await;
    }
    let delivered = fixture.upload_is("delivered").await;
    assert_eq!(delivered.attempts, 4);
    let uploads = fixture.market.uploads();
    // The one that got no answer had arrived: twice, and the same.
    assert_eq!(uploads.len(), 2);
    assert_eq!(uploads[0], uploads[1]);
}

impl Fixture {
    /// Waits until the only upload was tried so often and is queued again.
    async fn until_attempts(&self, attempts: u32) {
        for _ in 0..PATIENCE {
            let all = uploads::list(&self.app, &UploadFilter::default()).await.unwrap();
            if all[0].attempts == attempts && (all[0].next_at.is_some() || all[0].state != "queued")
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never tried {attempts} times");
    }
}

#[tokio::test]
async fn a_refusal_after_silence_is_unclear() {
    let (fixture, instance) = bought().await;
    play(&fixture, [Trick::HangUp, Trick::Refuse(200, "91381034")]);
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    fixture.until_attempts(1).await;
    fixture.forward(60).await;
    let unclear = fixture.upload_is("unclear").await;
    assert_eq!(unclear.error_code.as_deref(), Some("91381034"));
    // It may have been delivered, so the event belongs to this machine.
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(2))).await, "000002");
}

#[tokio::test]
async fn wrong_keys_stop_everything_until_the_configuration_changes() {
    let (fixture, instance) = bought().await;
    fixture.market.state().always = Some(Trick::Refuse(401, "APIGW.0301"));
    for i in 0..3 {
        let event = format!("e-{i}");
        assert_eq!(fixture.code(apply(&instance, &event, &device(i))).await, "000004");
    }
    fixture.closes().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    fixture.settled().await;
    let requests = fixture.market.state().requests;
    fixture.market.state().always = None;
    fixture.forward(3600).await;
    // Calls are answered as ever, and at once.
    let start = std::time::Instant::now();
    let other = fixture.call(new_instance("CS2")).await.instance_id.unwrap();
    let mut late = apply(&other, "e-9", &device(9));
    late["effectiveTime"] = serde_json::json!(koogallery::time::spaced(fixture.now()));
    assert_eq!(fixture.code(late).await, "000004");
    assert!(start.elapsed() < Duration::from_secs(2));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(fixture.market.state().requests, requests);

    // The same configuration is as wrong after a restart.
    let fixture = fixture.crash().await.started();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(fixture.market.state().requests, requests);
    // Another one is tried, and here it is right: nothing was lost.
    let url = fixture.market.url().replace("127.0.0.1", "localhost");
    let fixture =
        fixture.crash_with(|config| config.koogallery.base_urls = vec![url]).await.started();
    fixture.uploads(3).await;
}

impl Fixture {
    async fn closes(&self) {
        for _ in 0..PATIENCE {
            if self.app.breaker.are_credentials_refused() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the gate never closed");
    }
}

/// The first question of all is refused: there is no upload that could be tried again.
async fn refused_before_anything_was_read() -> (Fixture, String) {
    let fixture = Fixture::new().await;
    fixture.offer("CS1", 1, |_| ());
    play(&fixture, [Trick::Refuse(401, "APIGW.0301")]);
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    fixture.closes().await;
    fixture.forward(3600).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(fixture.market.state().requests, 1);
    (fixture, instance)
}

#[tokio::test]
async fn a_refused_configuration_is_tried_anew_after_another_one() {
    let (fixture, instance) = refused_before_anything_was_read().await;
    let here = fixture.market.url();
    let there = here.replace("127.0.0.1", "localhost");
    let fixture =
        fixture.crash_with(|config| config.koogallery.base_urls = vec![there]).await.started();
    // The order that was refused does not wait for its next attempt.
    fixture.until(|detail| detail.instance.machines.limit.is_some(), &instance).await;
    let fixture =
        fixture.crash_with(|config| config.koogallery.base_urls = vec![here]).await.started();
    assert!(
        marketplace_health::paused_for(&fixture.app,).await.unwrap().is_none(),
        "it is forgotten"
    );
    fixture.buy("CS2", 1).await;
}

#[tokio::test]
async fn a_repaired_account_is_found_when_an_operator_says_so() {
    let (fixture, instance) = refused_before_anything_was_read().await;
    // Too early: one question more.
    play(&fixture, [Trick::Refuse(401, "APIGW.0301")]);
    assert!(uploads::retry_all(&fixture.app,).await.unwrap().were_closed);
    fixture.market_until(|state| state.requests == 2).await;
    fixture.closes().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(fixture.market.state().requests, 2);

    // Not a second of the clock passes until the order is read.
    assert!(uploads::retry_all(&fixture.app,).await.unwrap().were_closed);
    fixture.until(|detail| detail.instance.machines.limit.is_some(), &instance).await;
    assert!(!uploads::retry_all(&fixture.app,).await.unwrap().were_closed);
}

#[tokio::test]
async fn an_operator_opens_closed_queues() {
    let (fixture, instance) = bought().await;
    play(&fixture, [Trick::Refuse(403, "CBC.0150")]);
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    fixture.until_attempts(1).await;
    assert!(fixture.app.breaker.are_credentials_refused());
    let id =
        uploads::list(&fixture.app, &UploadFilter::default()).await.unwrap()[0].upload_id.clone();
    uploads::retry(&fixture.app, &id).await.unwrap();
    fixture.uploads(1).await;
    let fixture = fixture.crash().await;
    assert!(!fixture.app.breaker.are_credentials_refused());
}

#[tokio::test]
async fn an_upload_that_is_being_sent_is_tried_again_as_one_that_waits() {
    let (fixture, instance) = bought().await;
    play(&fixture, [Trick::Late(Duration::from_millis(500))]);
    let before = fixture.market.state().requests;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    fixture.market_until(|state| state.requests > before).await;
    let id =
        uploads::list(&fixture.app, &UploadFilter::default()).await.unwrap()[0].upload_id.clone();
    // How its attempt ended is not written down yet, and another server closed the queues.
    let configuration = Some(b"of another".to_vec());
    fixture.app.writer.write(marketplace_health::RecordPause { configuration }).await.unwrap();
    assert_eq!(uploads::retry(&fixture.app, &id).await.unwrap().state, "queued");
    assert!(marketplace_health::paused_for(&fixture.app,).await.unwrap().is_none());
    let delivered = fixture.upload_is("delivered").await;
    assert_eq!((delivered.attempts, fixture.market.uploads().len()), (1, 1), "it is sent once");
}

#[tokio::test]
async fn five_failures_in_a_row_rest_the_queue_and_one_probe_wakes_it() {
    let (fixture, instance) = bought().await;
    fixture.market.state().always = Some(Trick::Refuse(503, "MKT.0999"));
    for i in 0..12 {
        let event = format!("e-{i}");
        assert_eq!(fixture.code(apply(&instance, &event, &device(i))).await, "000004");
    }
    for _ in 0..PATIENCE {
        if fixture.app.breaker.level() == 1 {
            break;
        }
        fixture.forward(1).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(fixture.app.breaker.level(), 1);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = fixture.market.state().requests;
    // Long enough for one probe after the other, never two, however long it has been silent.
    for _ in 0..7 {
        let seen = fixture.market.state().requests;
        fixture.forward(31).await;
        fixture.market_until(|state| state.requests > seen).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(fixture.market.state().requests, seen + 1);
    }
    assert_eq!(fixture.market.state().requests, before + 7);

    fixture.market.state().always = None;
    fixture.forward(31).await;
    fixture.market_until(|state| !state.uploads.is_empty()).await;
    fixture.forward(301).await;
    fixture.uploads(12).await;
    assert_eq!(fixture.app.breaker.level(), 0);
}

#[tokio::test]
async fn bases_are_tried_in_turn_and_redirects_not_followed() {
    let fixture = Fixture::bare_with(|config| {
        // Nobody listens on the first one.
        config.koogallery.base_urls.insert(0, "http://127.0.0.1:1".to_owned());
    })
    .await;
    products::apply(&fixture.app, super::fixture::flowsim()).await.unwrap();
    let fixture = fixture.started();
    let instance = fixture.buy("CS1", 1).await;
    play(&fixture, [Trick::Refuse(302, "MOVED")]);
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    fixture.market_until(|state| state.requests == 2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(fixture.market.state().requests, 2);
}

#[tokio::test]
async fn without_keys_everything_waits_and_nothing_is_lost() {
    let fixture = Fixture::bare_with(|config| {
        config.koogallery.ak = None;
        config.koogallery.sk = None;
    })
    .await;
    products::apply(&fixture.app, super::fixture::flowsim()).await.unwrap();
    let fixture = fixture.started();
    let start = std::time::Instant::now();
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    assert!(start.elapsed() < Duration::from_secs(2));

    fixture.offer("CS1", 1, |_| ());
    let keys = |config: &mut crate::config::Config| {
        config.koogallery.ak = Some(crate::config::Secret::new(super::fake_marketplace::AK));
        config.koogallery.sk = Some(crate::config::Secret::new(super::fake_marketplace::SK));
    };
    let fixture = fixture.crash_with(keys).await.started();
    assert_eq!(fixture.uploads(1).await[0].0, "e-1");
}

/// PostgreSQL refuses a text with a NUL: an outcome that cannot be written down would be tried to
/// be for ever.
#[tokio::test]
async fn an_answer_with_a_nul_is_written_down_like_any_other() {
    let (fixture, instance) = bought().await;
    fixture.market.state().always = Some(Trick::Refuse(200, "9138\u{0}1034"));
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let refused = fixture.upload_is("refused").await;
    assert_eq!(refused.error_code.as_deref(), Some("91381034"));
}

/// Another server may have put it back meanwhile, because the database was away for longer than
/// the lease.
#[tokio::test]
async fn what_arrived_has_arrived_whoever_holds_it() {
    let (fixture, instance) = bought().await;
    let fixture = fixture.crash().await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let waiting = fixture.upload_is("queued").await;
    let end = |outcome| FinishUpload {
        id: waiting.upload_id.clone(),
        outcome,
        unsent: false,
        next_at: 0,
    };
    let late = koogallery::Failure::unanswered("too late");
    let state = fixture.app.writer.write(end(Err(late))).await.unwrap();
    assert_eq!(state, Some(UploadState::Queued), "a failure says nothing about another's attempt");
    let state = fixture.app.writer.write(end(Ok(()))).await.unwrap();
    assert_eq!(state, Some(UploadState::Delivered));
    let fixture = fixture.started();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(fixture.market.uploads().is_empty(), "it is not sent once more");
}
