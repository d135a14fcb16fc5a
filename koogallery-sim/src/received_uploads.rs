//! What was uploaded for which event, and whether a repeat had the same content.

use std::collections::HashMap;

use serde::Serialize;

/// Whether an upload is the event's first, the same again, or something else.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UploadVerdict {
    /// The event's first.
    First,
    /// Equal to the event's first, as the seller may send it when an answer was lost.
    Repeat,
    /// Other content for an event that already has one: a buyer would hold two licenses.
    Violation,
}

/// One upload as it arrived.
#[derive(Clone, Debug, Serialize)]
pub struct ReceivedUpload {
    /// When it arrived.
    pub received_at: i64,
    /// Its event.
    pub event_id: String,
    /// `CHARACTERS` or `FILE`.
    #[serde(rename = "type")]
    pub form: &'static str,
    /// The name of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// The length of its content.
    pub bytes: usize,
    /// Of the content; for a file it is what the seller announced.
    pub sha256: String,
    /// How it compares with the first one of its event.
    pub verdict: UploadVerdict,
    /// How often this event was uploaded, this time included.
    pub count: u32,
    /// The text; a file that is no UTF-8 has none here.
    pub content: Option<String>,
}

/// Everything received since the start.
#[derive(Debug, Default)]
pub(crate) struct ReceivedUploads {
    first: HashMap<String, (String, u32)>,
    uploads: Vec<ReceivedUpload>,
    violations: usize,
}

/// What an upload carried.
#[derive(Clone, Debug)]
pub(crate) struct UploadArrival {
    pub(crate) at: i64,
    pub(crate) event_id: String,
    pub(crate) form: &'static str,
    pub(crate) file_name: Option<String>,
    pub(crate) content: Vec<u8>,
    pub(crate) sha256: String,
}

impl ReceivedUploads {
    /// Judges an upload and keeps it.
    pub(crate) fn receive(&mut self, arrival: UploadArrival) -> ReceivedUpload {
        let UploadArrival { at, event_id, form, file_name, content, sha256 } = arrival;
        // The form counts too: the same text once as characters and once as a file is two licenses.
        let identity = format!("{form} {sha256}");
        let (known, count) =
            self.first.entry(event_id.clone()).or_insert_with(|| (identity.clone(), 0));
        *count += 1;
        let verdict = match (*count, *known == identity) {
            (1, _) => UploadVerdict::First,
            (_, true) => UploadVerdict::Repeat,
            (_, false) => UploadVerdict::Violation,
        };
        self.violations += usize::from(verdict == UploadVerdict::Violation);
        let upload = ReceivedUpload {
            received_at: at,
            event_id,
            form,
            file_name,
            bytes: content.len(),
            sha256,
            verdict,
            count: *count,
            content: String::from_utf8(content).ok(),
        };
        self.uploads.push(upload.clone());
        upload
    }

    pub(crate) fn uploads(&self) -> &[ReceivedUpload] {
        &self.uploads
    }

    /// Whether something was uploaded for the event.
    pub(crate) fn has(&self, event: &str) -> bool {
        self.first.contains_key(event)
    }

    /// Every event, and whether something else was uploaded for it later.
    pub(crate) fn judged(&self) -> impl Iterator<Item = (&str, bool)> {
        let mut violated: HashMap<&str, bool> =
            self.first.keys().map(|event| (event.as_str(), false)).collect();
        for upload in &self.uploads {
            if upload.verdict == UploadVerdict::Violation {
                violated.insert(&upload.event_id, true);
            }
        }
        violated.into_iter()
    }

    pub(crate) fn events(&self) -> usize {
        self.first.len()
    }

    pub(crate) fn violations(&self) -> usize {
        self.violations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(event: &str, form: &'static str, sha256: &str) -> UploadArrival {
        UploadArrival {
            at: 0,
            event_id: event.to_owned(),
            form,
            file_name: None,
            content: b"eyJ".to_vec(),
            sha256: sha256.to_owned(),
        }
    }

    #[test]
    fn equal_repeats_succeed_and_other_content_is_a_violation() {
        let mut ledger = ReceivedUploads::default();
        let mut verdict = |event, form, hash| ledger.receive(arrival(event, form, hash)).verdict;
        assert_eq!(verdict("e1", "CHARACTERS", "aa"), UploadVerdict::First);
        assert_eq!(verdict("e2", "CHARACTERS", "aa"), UploadVerdict::First);
        assert_eq!(verdict("e1", "CHARACTERS", "aa"), UploadVerdict::Repeat);
        assert_eq!(verdict("e1", "CHARACTERS", "bb"), UploadVerdict::Violation);
        assert_eq!(verdict("e1", "FILE", "aa"), UploadVerdict::Violation);
        assert_eq!(verdict("e1", "CHARACTERS", "aa"), UploadVerdict::Repeat);
        assert_eq!((ledger.violations(), ledger.events(), ledger.uploads().len()), (2, 2, 6));
        assert_eq!(ledger.uploads()[5].count, 5);
    }
}
