//! Alerts: what a person must look at, and the log line of each. The application stores them and
//! has them delivered (`app/alerts.rs`).

mod kind;
mod queue;

use license_core::api::AlertLevel;
use serde_json::{Map, Value};
use tracing::field::{DisplayValue, display};

pub(crate) use kind::AlertKind;
pub(crate) use queue::AlertQueue;

/// One alert. It is raised once, by one of the two functions `raise` of the application: inside of
/// a transaction, which stores it together with its cause, or outside, by way of [`AlertQueue`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Alert {
    pub(crate) kind: AlertKind,
    /// The id of what it is about; may be empty.
    pub(crate) subject: String,
    /// What differs from case to case.
    pub(crate) fields: Map<String, Value>,
}

impl AlertKind {
    /// An alert of this kind, without fields.
    pub(crate) fn about(self, subject: &str) -> Alert {
        Alert { kind: self, subject: subject.to_owned(), fields: Map::new() }
    }
}

impl Alert {
    /// The same with one field more.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        debug_assert!(FIELDS.contains(&name), "no log line would show {name}");
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// The sentence for people.
    pub(crate) fn message(&self) -> String {
        let texts = self.fields.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
        texts.fold(self.kind.en().to_owned(), |sentence, (name, text)| {
            sentence.replace(&format!("{{{name}}}"), text)
        })
    }

    /// The sentence of the log line: usage names the command that shows the record.
    fn log_message(&self) -> String {
        match self.kind {
            AlertKind::UsageRefused | AlertKind::UsageTwice | AlertKind::UsageUnclear => {
                "a record of usage was refused or may have been counted twice: see `licctl usage \
                 list`"
                    .to_owned()
            }
            _ => self.message(),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        if name == self.kind.subject_field() {
            return Some(&self.subject);
        }
        self.fields.get(name)?.as_str()
    }

    /// Text that a terminal shows without quotes.
    fn bare(&self, name: &str) -> Option<DisplayValue<&str>> {
        self.text(name).map(display)
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.fields.get(name)?.as_i64()
    }
}

// `tracing` wants the names of fields and the level at compile time: every line names all of them,
// and those that an alert does not have are left out.
macro_rules! log_fields {
    ($($name:literal: $read:ident,)+) => {
        const FIELDS: &[&str] = &[$($name,)+];

        impl Alert {
            /// Writes the log line, which is a part of raising the alert.
            pub(crate) fn log(&self) {
                let (alert, message) = (self.kind.word(), self.log_message());
                if self.kind.level() == AlertLevel::Error {
                    tracing::error!(alert, $($name = self.$read($name),)+ "{message}");
                } else {
                    tracing::warn!(alert, $($name = self.$read($name),)+ "{message}");
                }
            }
        }
    };
}

log_fields! {
    "upload.id": text,
    "instance.id": text,
    "license.id": text,
    "event.id": text,
    "usage.id": text,
    "result.code": text,
    "code": text,
    "meaning": text,
    "minutes": number,
    "seconds_left": number,
    "market.product": text,
    "count": number,
    "cause": bare,
    "files": text,
    "worker": text,
    "backup_at": bare,
    "restored_at": bare,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(alert: &Alert) -> Value {
        let page = crate::logging::tests::Page::default();
        let writer = page.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(subscriber.finish(), || alert.log());
        serde_json::from_str(&page.text()).unwrap()
    }

    #[test]
    fn a_log_line_has_the_word_the_subject_and_the_fields_that_there_are() {
        let refused = AlertKind::UploadRefused.about("u-1").with("code", "91381037");
        let line = logged(&refused);
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["alert"], "upload_refused");
        assert_eq!((&line["upload.id"], &line["code"]), (&"u-1".into(), &"91381037".into()));
        assert_eq!(line["message"], "the marketplace refused a license");
        assert!(line.get("instance.id").is_none(), "{line}");

        let nearing = AlertKind::RefundNearing.about("i-1/30").with("minutes", 30);
        assert_eq!(logged(&nearing)["minutes"], 30);
        let made = AlertKind::KeyFileMade.about("").with("files", "a, b");
        assert_eq!(
            (&logged(&made)["level"], &logged(&made)["files"]),
            (&"WARN".into(), &"a, b".into())
        );
    }

    #[test]
    fn a_sentence_names_its_fields() {
        let restored = AlertKind::Restored.about("").with("backup_at", "2026-11-20T08:00:00Z");
        let message = restored.message();
        assert!(
            message.starts_with("restored from a backup of 2026-11-20T08:00:00Z:"),
            "{message}"
        );
        assert_eq!(logged(&restored)["message"], message.as_str());
    }
}
