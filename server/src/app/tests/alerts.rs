//! Alerts: stored with their cause, told once, and told at last.

use std::path::{Path, PathBuf};
use std::time::Duration;

use license_core::Code;
use license_core::api::AlertView;
use serde_json::Value;

use super::fake_marketplace::Trick;
use super::fixture::{DAY, Fixture, PATIENCE, apply, device};
use crate::alerts::AlertKind;
use crate::app::alerts;
use crate::app::alerts::{AlertFilter, StoreAlerts};
use crate::app::products;
use crate::config::Config;

impl Fixture {
    pub(super) async fn alerts(&self, word: &str) -> Vec<AlertView> {
        let filter = AlertFilter { alert: Some(word.to_owned()), ..AlertFilter::default() };
        alerts::list(&self.app, &filter).await.unwrap()
    }

    /// Waits until the last of so many alerts of that word is delivered, failed, queued.
    async fn alert_is(&self, word: &str, state: &str) -> AlertView {
        let mut last = Vec::new();
        for _ in 0..PATIENCE {
            last = self.alerts(word).await;
            if let Some(found) = last.last()
                && found.deliveries.iter().all(|delivery| {
                    delivery.state == state && (state != "queued" || delivery.error.is_some())
                })
            {
                return found.clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{word} was never {state}: {last:#?}");
    }
}

/// A command that appends what it is told to a file, as long as there is no file `stop` beside it.
fn command(folder: &Path) -> Vec<String> {
    let script = folder.join("tell.sh");
    // In one piece: two of them may run at a time.
    let text = "test -e \"$1/stop\" && exit 7\nprintf '%s\\n' \"$(cat)\" >> \"$1/told\"\n";
    std::fs::write(&script, text).unwrap();
    let words = ["/bin/sh", script.to_str().unwrap(), folder.to_str().unwrap()];
    words.map(str::to_owned).to_vec()
}

fn told(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("told")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn bench_with_command() -> (Fixture, PathBuf) {
    let mut folder = PathBuf::new();
    let fixture = Fixture::bare_with(|config: &mut Config| {
        config.data_dir.clone_into(&mut folder);
        config.alerts.command = command(&folder);
    })
    .await;
    products::apply(&fixture.app, super::fixture::flowsim()).await.unwrap();
    (fixture, folder)
}

#[tokio::test]
async fn a_cause_and_its_alert_are_one() {
    let (fixture, folder) = bench_with_command().await;
    let fixture = fixture.started();
    let instance = fixture.buy("CS1", 5).await;
    fixture.market.state().tricks.push_back(Trick::Refuse(200, "91381037"));
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let upload = fixture.upload_is("refused").await;
    let alert = fixture.alert_is("upload_refused", "delivered").await;
    assert_eq!(alert.subject, upload.upload_id);
    assert_eq!(alert.level, "error");
    let [told] = &told(&folder)[..] else { panic!("{:?}", told(&folder)) };
    assert_eq!(told["id"], alert.alert_id.as_str());
    assert_eq!(told["alert"], "upload_refused");
    assert_eq!(told["fields"]["instance.id"], instance.as_str());
    assert_eq!(told["fields"]["code"], "91381037");
    assert_eq!(told["issuer"], "某某科技");
    assert_eq!(told["at"], fixture.now());
    assert!(!told.to_string().contains("04:7C"), "no machine");
}

#[tokio::test]
async fn the_same_about_the_same_is_told_once_an_hour() {
    let (fixture, folder) = bench_with_command().await;
    let fixture = fixture.started();
    let storm = |subject: &str| AlertKind::WorkerFailed.about(subject);
    for _ in 0..5 {
        let alerts = vec![storm("a"), storm("a"), storm("b")];
        fixture.app.writer.write(StoreAlerts { alerts }).await.unwrap();
    }
    fixture.alert_is("worker_failed", "delivered").await;
    let stored = fixture.alerts("worker_failed").await;
    let counts: Vec<_> = stored.iter().map(|alert| (alert.subject.as_str(), alert.again)).collect();
    assert_eq!(counts, [("a", 9), ("b", 4)]);
    fixture.forward(3600).await;
    fixture.app.writer.write(StoreAlerts { alerts: vec![storm("a")] }).await.unwrap();
    for _ in 0..PATIENCE {
        if told(&folder).len() == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(told(&folder).len(), 3);
}

#[tokio::test]
async fn what_is_not_taken_is_told_again_after_a_crash_as_well() {
    let (fixture, folder) = bench_with_command().await;
    std::fs::write(folder.join("stop"), "").unwrap();
    let fixture = fixture.started();
    let alert = alerts::send_test(&fixture.app).await.unwrap();
    let waiting = fixture.alert_is("test", "queued").await;
    assert_eq!(waiting.deliveries[0].error.as_deref(), Some("the command ended with exit code 7"));
    assert!(told(&folder).is_empty());
    let fixture = fixture.crash().await;
    std::fs::remove_file(folder.join("stop")).unwrap();
    fixture.forward(60).await;
    let fixture = fixture.started();
    fixture.alert_is("test", "delivered").await;
    assert_eq!(told(&folder)[0]["id"], alert.alert_id.as_str());
}

#[tokio::test]
async fn attempts_have_an_end() {
    let (fixture, folder) = bench_with_command().await;
    std::fs::write(folder.join("stop"), "").unwrap();
    let fixture = fixture.started();
    alerts::send_test(&fixture.app).await.unwrap();
    for attempt in 1..=40 {
        for _ in 0..PATIENCE {
            let seen = fixture.alerts("test").await[0].deliveries[0].clone();
            if seen.attempts >= attempt && (seen.next_at.is_some() || seen.state != "queued") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        fixture.forward(301).await;
    }
    let failed = fixture.alert_is("test", "failed").await;
    assert_eq!(failed.deliveries[0].attempts, 40);
    fixture.forward(DAY).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(fixture.alerts("test").await[0].deliveries[0].attempts, 40);
}

#[tokio::test]
async fn alerts_are_kept_where_nobody_is_told_and_forgotten_after_a_month() {
    let fixture = Fixture::bare().await;
    let error = alerts::send_test(&fixture.app).await.unwrap_err();
    assert_eq!(error.code, Code::Conflict);
    fixture.app.context.raise(AlertKind::ProductUnknown.about(""));
    let alerts = fixture.app.context.alerts.take();
    fixture.app.writer.write(StoreAlerts { alerts }).await.unwrap();
    let kept = fixture.alerts("product_unknown").await;
    assert_eq!((kept[0].deliveries.len(), kept[0].level.as_str()), (0, "warn"));
    assert_eq!(
        alerts::find(&fixture.app, &kept[0].alert_id).await.unwrap().message,
        AlertKind::ProductUnknown.en()
    );
    assert_eq!(alerts::find(&fixture.app, "no-such").await.unwrap_err().code, Code::NotFound);
    fixture.forward(30 * DAY + 1).await;
    fixture.app.writer.write(crate::app::retention::Sweep).await.unwrap();
    assert!(fixture.alerts("product_unknown").await.is_empty());
}
