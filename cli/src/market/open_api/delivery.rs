//! "Upload a string or file": a license arrives.

use axum::http::header;
use koogallery::upload::{self, Content};

use super::{Answer, Asked, Happening, Marketplace, locked};
use crate::market::ledger::{Arrival, Upload, Verdict};

const EVENT_LIMIT: usize = 64;

impl Marketplace {
    pub(super) fn upload(&self, asked: &Asked<'_>, event: String) -> Answer {
        if let Err(refused) = self.authenticate(asked) {
            return self.refuse(asked, 403, "CBC.0150", &refused.to_string(), &upload::answer);
        }
        if event.chars().count() > EVENT_LIMIT {
            let reason = "event_id is longer than 64 characters";
            return self.refuse(asked, 400, "CBC.0101", reason, &upload::answer);
        }
        let kind = asked.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let content = match upload::read_multipart(kind.unwrap_or_default(), asked.body) {
            Ok(content) => content,
            Err(wrong) => {
                return self.refuse(asked, 400, "CBC.0101", &wrong.to_string(), &upload::answer);
            }
        };
        let sha256 = content.sha256();
        let (form, file_name, content) = match content {
            Content::Characters(text) => ("CHARACTERS", None, text.into_bytes()),
            Content::File { name, bytes } => ("FILE", Some(name), bytes),
        };
        let arrival = Arrival {
            at: self.now(),
            event_id: event,
            form,
            file_name,
            content: content.clone(),
            sha256,
        };
        let upload = locked(&self.ledger).receive(arrival);
        if upload.verdict == Verdict::First {
            self.keep(&upload, &content);
        }
        self.tell(Happening::Uploaded(Box::new(upload)));
        Answer::new(200, upload::answer("CBC.0000", "Success"))
    }

    fn keep(&self, upload: &Upload, content: &[u8]) {
        let Some(folder) = &self.uploads_dir else { return };
        // The event comes from the seller: it names a file, never a path.
        let name: String = upload
            .event_id
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' })
            .collect();
        let extension = if upload.form == "FILE" { "lic" } else { "txt" };
        let path = folder.join(format!("{name}.{extension}"));
        if let Err(error) = std::fs::write(&path, content) {
            self.tell(Happening::Trouble(format!("writing {}: {error}", path.display())));
        }
    }
}
