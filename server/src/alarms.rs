//! Alerts on their way from the log into the database: every line with the field `alert` is kept
//! here until it is stored.

mod chinese;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

pub(crate) use chinese::chinese;

/// Alerts that wait to be stored; beyond that the database has been away for long, and the log has
/// them all.
const WAITING: usize = 256;

/// Alerts that are stored together with their cause, in its transaction: their log lines are not
/// taken up a second time.
const WITH_THEIR_CAUSE: [&str; 7] = [
    "application_held",
    "marketplace_credentials",
    "refund_nearing",
    "upload_refused",
    "upload_unclear",
    "usage_refused",
    "usage_unclear",
];

/// The field that tells what an alert is about, the first of these that is there.
const SUBJECTS: [&str; 6] =
    ["instance.id", "upload.id", "license.id", "event.id", "key.id", "worker"];

/// Something that a person must look at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alarm {
    /// The stable word.
    pub(crate) word: String,
    /// What it is about; may be empty.
    pub(crate) subject: String,
    /// Whether something broke, or only waits.
    pub(crate) error: bool,
    /// For people.
    pub(crate) message: String,
    /// The other fields of its log line.
    pub(crate) fields: Map<String, Value>,
}

impl Alarm {
    /// An alert of the level error without further fields.
    pub(crate) fn error(word: &str, subject: &str, message: &str) -> Self {
        Self {
            word: word.to_owned(),
            subject: subject.to_owned(),
            error: true,
            message: message.to_owned(),
            fields: Map::new(),
        }
    }

    /// The same with one field more.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// The same, only as a warning.
    pub(crate) fn warning(mut self) -> Self {
        self.error = false;
        self
    }
}

/// What was logged and is not stored yet.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    waiting: Mutex<VecDeque<Alarm>>,
    pub(crate) bell: Notify,
}

impl Alarms {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Alarm>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, alarm: Alarm) {
        let mut waiting = self.waiting();
        if waiting.len() < WAITING && !waiting.contains(&alarm) {
            waiting.push_back(alarm);
        }
        drop(waiting);
        self.bell.notify_one();
    }

    /// Everything that waits.
    pub(crate) fn take(&self) -> Vec<Alarm> {
        self.waiting().drain(..).collect()
    }

    /// What could not be stored waits again.
    pub(crate) fn put_back(&self, alarms: Vec<Alarm>) {
        let mut waiting = self.waiting();
        for alarm in alarms.into_iter().rev() {
            if waiting.len() < WAITING {
                waiting.push_front(alarm);
            }
        }
    }

    /// Listens to the log, whatever of it is shown.
    pub(crate) fn layer<S>(self: &Arc<Self>) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let alerts = filter_fn(|line| line.is_event() && line.fields().field("alert").is_some());
        Listener(Arc::clone(self)).with_filter(alerts.with_max_level_hint(LevelFilter::WARN))
    }
}

struct Listener(Arc<Alarms>);

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let mut fields = fields.0;
        let mut text = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let (word, message) = (text("alert"), text("message"));
        if WITH_THEIR_CAUSE.contains(&word.as_str()) {
            return;
        }
        let subject = SUBJECTS.iter().find_map(|name| fields.get(*name)?.as_str());
        let subject = subject.unwrap_or_default().to_owned();
        let error = *event.metadata().level() == Level::ERROR;
        self.0.add(Alarm { word, subject, error, message, fields });
    }
}

struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    fn heard(log: impl FnOnce()) -> Vec<Alarm> {
        let alarms = Arc::new(Alarms::default());
        let subscriber = tracing_subscriber::registry().with(alarms.layer());
        tracing::subscriber::with_default(subscriber, log);
        alarms.take()
    }

    #[test]
    fn lines_with_an_alert_are_heard_and_no_others() {
        let alarms = heard(|| {
            tracing::error!(code = "x", "something failed");
            tracing::info!("all is well");
            let name = "orders";
            tracing::error!(alert = "worker_failed", worker = name, tries = 3, "it starts again");
            tracing::warn!(alert = "key_file_made", files = "a, b", "a key file was missing");
        });
        let [failed, made] = &alarms[..] else { panic!("{alarms:?}") };
        assert_eq!((failed.word.as_str(), failed.subject.as_str()), ("worker_failed", "orders"));
        assert_eq!(failed.message, "it starts again");
        assert!(failed.error && !made.error);
        assert_eq!(failed.fields["tries"], 3);
        assert!(!failed.fields.contains_key("message") && !failed.fields.contains_key("alert"));
        assert_eq!(made.fields["files"], "a, b");
    }

    #[test]
    fn what_is_stored_with_its_cause_is_left_to_it() {
        let alarms = heard(|| {
            tracing::warn!(alert = "application_held", instance.id = "i-1", "it waits");
        });
        assert_eq!(alarms, []);
    }

    #[test]
    fn a_storm_fills_no_memory() {
        let alarms = heard(|| {
            for number in 0..1000u32 {
                tracing::error!(alert = "storm", number, "again");
                tracing::error!(alert = "storm", number, "again");
            }
        });
        assert_eq!(alarms.len(), WAITING);
        assert_eq!(alarms[1].fields["number"], 1);
    }
}
