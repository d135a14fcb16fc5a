//! The marketplace's open interfaces as a seller sees them: query an order, upload a license.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::IntoResponse;
use koogallery::aksk::{self, Credentials, Received};
use koogallery::order;
use koogallery::upload::{self, Content};
use license_core::time::Timestamp;

use crate::environment::Environment;
use crate::market::ledger::{Arrival, Ledger, Upload, Verdict};
use crate::market::orders::OrderBook;

const UPLOAD_LIMIT: usize = 64 << 20;
const EVENT_LIMIT: usize = 64;
const UPLOADS: &str = "/uploads";
/// Seconds that a request's date may differ from the clock, as the API gateway has it.
const WINDOW: i64 = 900;

/// What happens while the marketplace is played.
#[derive(Debug)]
pub(crate) enum Happening {
    OrderAsked {
        order: String,
        line: Option<String>,
        known: bool,
    },
    Uploaded(Box<Upload>),
    /// A request that was answered with an error of the marketplace.
    Refused {
        request: String,
        status: u16,
        code: &'static str,
        reason: String,
    },
    /// Something of our own went wrong: the orders' file, the folder of uploads.
    Trouble(String),
    Stopped,
}

/// The marketplace: what it knows, what it received, whom it believes.
pub(crate) struct Marketplace {
    pub(crate) credentials: Credentials,
    pub(crate) environment: Environment,
    pub(crate) orders: Mutex<OrderBook>,
    pub(crate) ledger: Mutex<Ledger>,
    pub(crate) uploads_dir: Option<PathBuf>,
    pub(crate) happenings: Sender<Happening>,
}

type Answer = (u16, Vec<u8>);

struct Asked<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

pub(crate) fn router(marketplace: Arc<Marketplace>) -> Router {
    Router::new()
        .fallback(answer)
        .layer(DefaultBodyLimit::max(UPLOAD_LIMIT))
        .with_state(marketplace)
}

async fn answer(
    State(marketplace): State<Arc<Marketplace>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let asked = Asked { method: &method, uri: &uri, headers: &headers, body: &body };
    let (status, answer) = marketplace.answer(&asked);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], answer)
}

impl Marketplace {
    fn answer(&self, asked: &Asked<'_>) -> Answer {
        match (asked.method.as_str(), asked.uri.path()) {
            ("GET", order::PATH) => self.query_order(asked),
            ("GET", UPLOADS) => self.list_uploads(),
            (method, path) => match upload::event_of(path) {
                Some(event) if method == "POST" => self.upload(asked, event),
                // What the API gateway says where nothing is published.
                _ => self.refuse(asked, 404, "APIGW.0101", "no such API", &upload::answer),
            },
        }
    }

    fn query_order(&self, asked: &Asked<'_>) -> Answer {
        if let Err(refused) = self.authenticate(asked) {
            return self.refuse(asked, 401, "MKT.0154", &refused.to_string(), &order::refusal);
        }
        let query: HashMap<String, String> =
            axum::extract::Query::try_from_uri(asked.uri).map(|query| query.0).unwrap_or_default();
        let Some(id) = query.get("orderId").filter(|id| !id.is_empty()) else {
            return self.refuse(asked, 400, "MKT.0101", "orderId is missing", &order::refusal);
        };
        let line = query.get("orderLineId").filter(|line| !line.is_empty()).cloned();
        let found = {
            let mut orders = locked(&self.orders);
            if let Err(error) = orders.refresh() {
                self.tell(Happening::Trouble(format!("{error:#}")));
            }
            orders.find(id, line.as_deref(), self.now().as_secs())
        };
        self.tell(Happening::OrderAsked { order: id.clone(), line, known: found.is_some() });
        match found {
            Some(info) => {
                let answer = serde_json::json!({
                    "resultCode": "MKT.0000", "resultMsg": "Success", "orderInfo": info,
                });
                (200, answer.to_string().into_bytes())
            }
            None => (400, order::refusal("MKT.0101", "the order does not exist")),
        }
    }

    fn upload(&self, asked: &Asked<'_>, event: String) -> Answer {
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
        (200, upload::answer("CBC.0000", "Success"))
    }

    /// What was received, for tests and for a look: no interface of the marketplace.
    fn list_uploads(&self) -> Answer {
        match serde_json::to_vec(locked(&self.ledger).uploads()) {
            Ok(list) => (200, list),
            Err(error) => (500, upload::answer("CBC.0999", &error.to_string())),
        }
    }

    fn authenticate(&self, asked: &Asked<'_>) -> Result<(), aksk::Refused> {
        let headers: Vec<(&str, &str)> = asked
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let received = Received {
            method: asked.method.as_str(),
            target: asked.uri.path_and_query().map_or("/", |target| target.as_str()),
            headers: &headers,
            body: asked.body,
        };
        aksk::verify(&self.credentials, &received, self.now().as_secs(), WINDOW)
    }

    fn refuse(
        &self,
        asked: &Asked<'_>,
        status: u16,
        code: &'static str,
        reason: &str,
        write: &dyn Fn(&str, &str) -> Vec<u8>,
    ) -> Answer {
        let request = format!("{} {}", asked.method, asked.uri.path());
        let reason = reason.to_owned();
        let answer = write(code, &reason);
        self.tell(Happening::Refused { request, status, code, reason });
        (status, answer)
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

    fn now(&self) -> Timestamp {
        self.environment.now()
    }

    fn tell(&self, happening: Happening) {
        // Nobody listens any more once the command is being stopped.
        let _ = self.happenings.send(happening);
    }
}

/// A thread that panicked leaves these as they were: whole.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
