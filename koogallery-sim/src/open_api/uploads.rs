//! "Upload a string or file": a license arrives.

use axum::http::header;
use koogallery::upload::{self, Content};

use crate::api_message::{ApiAnswer, ApiRequest};
use crate::events::MarketEvent;
use crate::lock::locked;
use crate::received_uploads::{ReceivedUpload, UploadArrival, UploadVerdict};
use crate::simulator::Simulator;

const MAX_EVENT_LEN: usize = 64;

impl Simulator {
    pub(super) fn upload(&self, request: &ApiRequest<'_>, event: String) -> ApiAnswer {
        if let Err(refused) = self.authenticate(request) {
            return self.refuse(request, 403, "CBC.0150", &refused.to_string(), &upload::answer);
        }
        if event.chars().count() > MAX_EVENT_LEN {
            let reason = "event_id is longer than 64 characters";
            return self.refuse(request, 400, "CBC.0101", reason, &upload::answer);
        }
        let kind = request.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let content = match upload::read_multipart(kind.unwrap_or_default(), request.body) {
            Ok(content) => content,
            Err(wrong) => {
                return self.refuse(request, 400, "CBC.0101", &wrong.to_string(), &upload::answer);
            }
        };
        let sha256 = content.sha256();
        let (form, file_name, content) = match content {
            Content::Characters(text) => ("CHARACTERS", None, text.into_bytes()),
            Content::File { name, bytes } => ("FILE", Some(name), bytes),
        };
        let arrival = UploadArrival {
            at: self.now(),
            event_id: event,
            form,
            file_name,
            content: content.clone(),
            sha256,
        };
        let upload = locked(&self.received_uploads).receive(arrival);
        if upload.verdict == UploadVerdict::First {
            self.write_down(&upload, &content);
        }
        self.report(MarketEvent::Uploaded(Box::new(upload)));
        ApiAnswer::new(200, upload::answer("CBC.0000", "Success"))
    }

    fn write_down(&self, upload: &ReceivedUpload, content: &[u8]) {
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
            self.report(MarketEvent::Trouble(format!("writing {}: {error}", path.display())));
        }
    }
}
