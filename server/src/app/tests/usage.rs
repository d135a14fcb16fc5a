//! Usage: what is accepted, what travels, what comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use koogallery::Edition;
use license_core::api::{UsageInput, UsagePush, UsageView};
use license_core::{Code, Timestamp};
use serde_json::{Value, json};

use super::fake_marketplace::Trick;
use super::fixture::{DAY, Fixture, PATIENCE};
use crate::app::alerts;
use crate::app::products;
use crate::app::restore_hold;
use crate::app::usage;
use crate::app::usage::UsageFilter;
use crate::app::usage::push_batch::FinishUsage;
use crate::config::{Config, Database, Secret};
use crate::error::ApiError;

fn input(fixture: &Fixture, instance: &str, number: &str) -> UsageInput {
    UsageInput {
        instance_id: instance.to_owned().into(),
        begin_time: Timestamp::from_secs(fixture.now() - 7200),
        end_time: Timestamp::from_secs(fixture.now() - 3600),
        usage_value: json!("12.5"),
        metering_sn: Some(number.to_owned()),
        record_time: None,
        relate_pkg_instance: None,
        product_id: None,
    }
}

impl Fixture {
    async fn push(&self, inputs: Vec<UsageInput>) -> Result<Vec<UsageView>, ApiError> {
        usage::accept(&self.app, UsagePush::Many(inputs)).await
    }

    async fn records(&self) -> Vec<UsageView> {
        let filter = UsageFilter { limit: Some(1000), ..UsageFilter::default() };
        usage::list(&self.app, &filter).await.unwrap()
    }

    /// Waits until so many records are in that state.
    async fn usage_is(&self, state: &str, count: usize) -> Vec<UsageView> {
        let mut last = Vec::new();
        for _ in 0..PATIENCE {
            last = self.records().await;
            if last.iter().filter(|record| record.state == state).count() == count {
                last.retain(|record| record.state == state);
                return last;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never {count} {state}: {last:#?}");
    }

    /// How often each number arrived.
    fn arrived(&self) -> BTreeMap<String, usize> {
        let mut arrived = BTreeMap::new();
        for record in self.market.state().usage.concat() {
            *arrived.entry(record.number).or_default() += 1;
        }
        arrived
    }
}

#[tokio::test]
async fn what_is_accepted_arrives_once() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let mut with_package = input(&fixture, &instance, "sn-2");
    with_package.relate_pkg_instance = Some("pkg-1".to_owned());
    with_package.usage_value = json!(0.25);
    let pushed =
        fixture.push(vec![input(&fixture, &instance, "sn-1"), with_package]).await.unwrap();
    assert_eq!(pushed.len(), 2);
    fixture.usage_is("delivered", 2).await;
    let arrived = fixture.market.state().usage.concat();
    assert_eq!(arrived[0].amount.to_string(), "12.5");
    assert_eq!(arrived[1].amount.to_string(), "0.25");
    assert_eq!(arrived[1].package.as_deref(), Some("pkg-1"));
    assert_eq!(arrived[0].record_time, fixture.now());

    // One alone, and a number of ours.
    let mut unnumbered = input(&fixture, &instance, "");
    unnumbered.metering_sn = None;
    let push = UsagePush::One(Box::new(unnumbered));
    let ours = usage::accept(&fixture.app, push).await.unwrap().remove(0);
    assert_eq!(ours.metering_sn, ours.usage_id);
    fixture.usage_is("delivered", 3).await;
    assert!(fixture.arrived().values().all(|times| *times == 1));
}

#[tokio::test]
async fn a_number_belongs_to_one_content() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let first = input(&fixture, &instance, "sn-1");
    let accepted = fixture.push(vec![first.clone()]).await.unwrap().remove(0);
    fixture.usage_is("delivered", 1).await;
    fixture.forward(60).await;
    // The same, spelled differently and twice in a call; then after so long that a new one would
    // be refused.
    let mut same = first.clone();
    same.usage_value = json!(12.50);
    for _ in 0..2 {
        let again = fixture.push(vec![first.clone(), same.clone()]).await.unwrap();
        assert!(again.iter().all(|row| row.usage_id == accepted.usage_id));
        fixture.forward(30 * DAY).await;
    }
    for change in [
        (|input: &mut UsageInput| input.usage_value = json!("12.6")) as fn(&mut UsageInput),
        |input| input.end_time = Timestamp::from_secs(input.end_time.as_secs() - 1),
        |input| input.relate_pkg_instance = Some("p".to_owned()),
        |input| input.record_time = Some(input.begin_time),
    ] {
        let mut other = first.clone();
        change(&mut other);
        let fresh = input(&fixture, &instance, "sn-new");
        let error = fixture.push(vec![fresh, other]).await.unwrap_err();
        assert_eq!(error.code, Code::Conflict, "{error}");
        assert!(error.detail.starts_with("[1].metering_sn"), "{error}");
    }
    // Nothing of a call that was refused is kept.
    assert_eq!(fixture.records().await.len(), 1);
    assert_eq!(fixture.arrived(), BTreeMap::from([("sn-1".to_owned(), 1)]));
}

#[tokio::test]
async fn what_the_marketplace_would_refuse_is_not_accepted() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let refused = async |place: &str, code: Code, change: &dyn Fn(&mut UsageInput)| {
        let mut wrong = input(&fixture, &instance, "sn-2");
        change(&mut wrong);
        let error =
            fixture.push(vec![input(&fixture, &instance, "sn-1"), wrong]).await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(error.detail.starts_with(&format!("[1].{place}")), "{error}");
        assert!(!error.detail_zh.is_ascii());
    };
    let invalid = Code::RequestInvalid;
    for value in [json!("0"), json!("-1"), json!("1.00001"), json!(1e20), json!(null), json!([])] {
        refused("usage_value", invalid, &|input| input.usage_value = value.clone()).await;
    }
    let old = Timestamp::from_secs(fixture.now() - 21 * DAY - 1);
    refused("begin_time", invalid, &|input| input.begin_time = old).await;
    refused("end_time", invalid, &|input| {
        input.end_time = Timestamp::from_secs(fixture.now() + 400);
    })
    .await;
    refused("metering_sn", invalid, &|input| input.metering_sn = Some(String::new())).await;
    refused("instance_id", Code::NotFound, &|input| {
        input.instance_id = "no-such".to_owned().into();
    })
    .await;
    assert_eq!(fixture.push(Vec::new()).await.unwrap_err().code, invalid);
    let many = vec![input(&fixture, &instance, "sn-1"); 1001];
    assert_eq!(fixture.push(many).await.unwrap_err().code, invalid);
    assert_eq!(fixture.records().await.len(), 0);
    fixture.push(vec![input(&fixture, &instance, "sn-1"); 1000]).await.unwrap();
    assert_eq!(fixture.usage_is("delivered", 1).await.len(), 1);
}

/// 1,500 records travel in two calls; the wrong ones are found and the others lose nothing.
#[tokio::test]
async fn wrong_records_stop_alone() {
    let fixture = Fixture::bare().await;
    products::apply(&fixture.app, super::fixture::flowsim()).await.unwrap();
    let fixture = fixture.started();
    let instance = fixture.buy("CS1", 1).await;
    fixture.market.state().wrong_usage = vec![("sn-7".to_owned(), "MKT.9001".to_owned())];
    let inputs = |range: std::ops::Range<u32>| {
        range.map(|i| input(&fixture, &instance, &format!("sn-{i}"))).collect::<Vec<_>>()
    };
    fixture.push(inputs(0..20)).await.unwrap();
    let refused = fixture.usage_is("refused", 1).await;
    assert_eq!((refused[0].metering_sn.as_str(), refused[0].attempts), ("sn-7", 1));
    assert_eq!(refused[0].error_code.as_deref(), Some("MKT.9001"));
    assert!(!refused[0].error_zh.as_ref().unwrap().is_ascii());
    assert_eq!(fixture.usage_is("delivered", 19).await.len(), 19);

    // A call that is refused as a whole is halved until the record is found.
    fixture.market.state().wrong_usage.clear();
    fixture.market.state().usage.clear();
    fixture
        .market
        .state()
        .tricks
        .extend([Trick::Refuse(200, "MKT.0101"), Trick::Refuse(200, "94060999")]);
    fixture.push(inputs(20..24)).await.unwrap();
    fixture.usage_is("delivered", 23).await;
    let sizes: Vec<usize> = fixture.market.state().usage.iter().map(Vec::len).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 4, "{sizes:?}");
    assert!(sizes.len() >= 2 && sizes.iter().all(|size| *size <= 2), "{sizes:?}");

    // An operator may send it again.
    let again = usage::retry(&fixture.app, &refused[0].usage_id).await.unwrap();
    assert_eq!(again.state, "queued");
    fixture.usage_is("delivered", 24).await;
    let error = usage::retry(&fixture.app, &refused[0].usage_id).await.unwrap_err();
    assert_eq!(error.code, Code::Conflict);
}

#[tokio::test]
async fn a_thousand_records_are_one_call() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    fixture.market.state().always = Some(Trick::Refuse(500, "94060001"));
    for i in 0..2 {
        let number = |j: u32| format!("sn-{i}-{j}");
        let inputs = (0..750).map(|j| input(&fixture, &instance, &number(j))).collect();
        fixture.push(inputs).await.unwrap();
    }
    fixture.market.state().always = None;
    for _ in 0..200 {
        if fixture.arrived().len() == 1500 {
            break;
        }
        fixture.forward(60).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(fixture.arrived().len(), 1500);
    assert!(fixture.arrived().values().all(|times| *times == 1));
    let sizes: Vec<usize> = fixture.market.state().usage.iter().map(Vec::len).collect();
    assert!(sizes.iter().all(|size| *size <= 1000), "{sizes:?}");
}

#[tokio::test]
async fn a_crash_between_acceptance_and_sending_loses_nothing() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let fixture = fixture.crash().await;
    let inputs = (0..20).map(|i| input(&fixture, &instance, &format!("sn-{i}"))).collect();
    fixture.push(inputs).await.unwrap();
    let fixture = fixture.crash().await.started();
    fixture.usage_is("delivered", 20).await;
    assert_eq!(fixture.arrived().len(), 20);

    // And in the middle of a call: the same number again, which the marketplace knows.
    fixture.market.state().tricks.push_back(Trick::Late(Duration::from_millis(700)));
    let seen = fixture.market.state().requests;
    fixture.push(vec![input(&fixture, &instance, "sn-20")]).await.unwrap();
    fixture.market_until(|state| state.requests > seen).await;
    let fixture = fixture.crash().await.started();
    let delivered = fixture.usage_is("delivered", 21).await;
    let last = delivered.iter().find(|record| record.metering_sn == "sn-20").unwrap();
    assert_eq!(last.attempts, 2);
}

/// A wrong access key stops usage and nothing else; the other one of two is tried.
#[tokio::test]
async fn the_access_key_is_not_the_pair() {
    let wrong = |config: &mut Config| {
        config.koogallery.access_key = vec![Secret::new("another-key-of-the-basic-one")];
    };
    let fixture = Fixture::bare().await;
    products::apply(&fixture.app, super::fixture::flowsim()).await.unwrap();
    let fixture = fixture.started();
    let instance = fixture.buy("CS1", 1).await;
    let fixture = fixture.crash_with(wrong).await.started();
    fixture.push(vec![input(&fixture, &instance, "sn-1")]).await.unwrap();
    for _ in 0..PATIENCE {
        if fixture.records().await[0].error_code.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let waiting = fixture.records().await.remove(0);
    assert_eq!(
        (waiting.state.as_str(), waiting.error_code.as_deref()),
        ("queued", Some("94060002"))
    );
    assert!(!fixture.app.breaker.are_credentials_refused(), "licenses are still uploaded");

    let fixture = fixture
        .crash_with(|config| config.koogallery.access_key.push(Secret::new(super::fixture::KEY)))
        .await
        .started();
    fixture.forward(400).await;
    fixture.usage_is("delivered", 1).await;
    assert_eq!(fixture.arrived(), BTreeMap::from([("sn-1".to_owned(), 1)]));
}

fn old(config: &mut Config) {
    config.koogallery.usage_edition = Edition::V1;
}

/// V1 has no number: what may have been counted twice is said.
#[tokio::test]
async fn the_old_form_says_what_may_be_there_twice() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let fixture = fixture.crash_with(old).await.started();
    fixture.push(vec![input(&fixture, &instance, "sn-1")]).await.unwrap();
    fixture.usage_is("delivered", 1).await;
    let sent = fixture.market.state().usage.concat().remove(0);
    assert_eq!(sent.product_id.as_deref(), Some("OFFI846204237451911168"));

    fixture.market.state().tricks.push_back(Trick::HangUp);
    fixture.push(vec![input(&fixture, &instance, "sn-2")]).await.unwrap();
    for _ in 0..PATIENCE {
        if fixture.market.state().tricks.is_empty()
            && fixture.records().await[1].error_code.is_some()
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    fixture.forward(60).await;
    let unclear = fixture.usage_is("unclear", 1).await.remove(0);
    assert_eq!((unclear.metering_sn.as_str(), unclear.attempts), ("sn-2", 2));
    assert!(unclear.error.unwrap().contains("twice"));
    assert_eq!(fixture.market.state().usage.len(), 3, "it was there twice indeed");
    // It was taken: nothing is to be sent a third time.
    let error = usage::retry(&fixture.app, &unclear.usage_id).await.unwrap_err();
    assert_eq!(error.code, Code::Conflict);
}

/// "Some are wrong" without saying which: the others were taken and must not be sent again.
#[tokio::test]
async fn the_old_form_sends_nothing_again_that_was_taken() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let fixture = fixture.crash_with(old).await.started();
    fixture.market.state().tricks.push_back(Trick::Refuse(200, "94060999"));
    let two = ["sn-1", "sn-2"].map(|number| input(&fixture, &instance, number));
    fixture.push(two.to_vec()).await.unwrap();
    let unclear = fixture.usage_is("unclear", 2).await;
    assert_eq!(unclear[0].error_code.as_deref(), Some("94060999"));
    fixture.forward(1000).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(fixture.market.state().usage.is_empty());
}

/// Without an order there is no product to name.
#[tokio::test]
async fn the_old_form_needs_a_product() {
    let fixture = Fixture::bare_with(old).await;
    let instance = fixture.call(super::fixture::new_instance("CS1")).await.instance_id.unwrap();
    let mut nameless = input(&fixture, &instance, "sn-1");
    let error = fixture.push(vec![nameless.clone()]).await.unwrap_err();
    assert!(error.detail.starts_with("[0].product_id"), "{error}");
    nameless.product_id = Some("OFFI1".to_owned());
    fixture.push(vec![nameless]).await.unwrap();
    let fixture = fixture.started();
    fixture.usage_is("delivered", 1).await;
    assert_eq!(fixture.market.state().usage[0][0].product_id.as_deref(), Some("OFFI1"));
}

#[tokio::test]
async fn what_waited_too_long_is_told() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let fixture = fixture.crash().await;
    fixture.push(vec![input(&fixture, &instance, "sn-1")]).await.unwrap();
    fixture.forward(22 * DAY).await;
    let fixture = fixture.started();
    let refused = fixture.usage_is("refused", 1).await.remove(0);
    assert_eq!(refused.error_code.as_deref(), Some("USAGE_TOO_OLD"));
    assert!(fixture.market.state().usage.is_empty());
    let alerts = alerts::list(&fixture.app, &alerts::AlertFilter::default()).await.unwrap();
    let told = alerts.iter().find(|alert| alert.alert == "usage_refused").unwrap();
    assert_eq!(told.subject, instance);
    assert_eq!(told.fields["usage.id"], Value::from(refused.usage_id));
}

/// A record that was queued when the backup was made may have been taken since.
#[tokio::test]
async fn after_a_restore_the_old_form_says_what_may_be_there_twice() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let fixture = fixture.crash_with(old).await;
    fixture.push(vec![input(&fixture, &instance, "sn-1")]).await.unwrap();
    let file = fixture.save(true).await;
    let folder = tempfile::TempDir::new().unwrap();
    let config = fixture.elsewhere(folder.path(), Database::Sqlite);
    fixture.try_restore(&config, &file).await.unwrap();
    let fixture = fixture.crash().await.moved(config, folder).await;
    restore_hold::confirm(&fixture.app).await.unwrap();
    let unclear = fixture.usage_is("unclear", 1).await.remove(0);
    assert!(unclear.error.unwrap().contains("twice"));
}

/// Another server may have put them back meanwhile.
#[tokio::test]
async fn records_that_were_taken_are_not_sent_by_whoever_holds_them() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let fixture = fixture.crash().await;
    let pushed = fixture.push(vec![input(&fixture, &instance, "sn-1")]).await.unwrap();
    let end = |outcome| FinishUsage {
        ids: vec![pushed[0].usage_id.clone()],
        outcome,
        unsent: false,
        next_at: 0,
    };
    let late = koogallery::Failure::unanswered("too late");
    assert_eq!(fixture.app.writer.write(end(Err(late))).await.unwrap().queued, 0);
    assert_eq!(fixture.app.writer.write(end(Ok(vec![Ok(())]))).await.unwrap().delivered, 1);
    fixture.usage_is("delivered", 1).await;
}
