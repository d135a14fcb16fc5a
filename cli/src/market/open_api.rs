//! The marketplace's open interfaces as a seller sees them: orders, uploads, authorization codes,
//! usage, and the authentication centre. Beside them three lists and a way to sell codes, for tests.

mod codes;
mod delivery;
mod fault;
mod login;
mod query;
mod usage;

use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use koogallery::aksk::{self, Credentials, Received};
use koogallery::{order, upload};
use license_core::time::Timestamp;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::market::centre::Centre;
use crate::market::code_book::CodeBook;
use crate::market::connection::Cord;
use crate::market::faults::{Api, Fault, Faults};
use crate::market::ledger::{Ledger, Upload};
use crate::market::orders::OrderBook;
use crate::market::usage_book::UsageBook;

const UPLOAD_LIMIT: usize = 64 << 20;
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
    /// An authorization code was activated, asked for, sold or changed.
    Code {
        step: &'static str,
        code: String,
        outcome: String,
    },
    Usage {
        form: &'static str,
        counted: usize,
        repeated: usize,
        abnormal: usize,
    },
    /// A step of a login at the authentication centre.
    Login {
        step: &'static str,
        client: String,
    },
    /// A fault that was ordered.
    Faulty {
        api: &'static str,
        fault: String,
    },
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
    /// Verifies the signature over usage, where it is known.
    pub(crate) access_key: Option<Zeroizing<String>>,
    pub(crate) environment: Environment,
    pub(crate) orders: Mutex<OrderBook>,
    pub(crate) ledger: Mutex<Ledger>,
    pub(crate) codes: Mutex<CodeBook>,
    pub(crate) usage: Mutex<UsageBook>,
    pub(crate) usage_nonces: Mutex<std::collections::HashSet<String>>,
    pub(crate) centre: Mutex<Centre>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) uploads_dir: Option<PathBuf>,
    pub(crate) happenings: Sender<Happening>,
}

/// An answer; almost always JSON.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Vec<u8>,
    /// Where a browser is sent.
    location: Option<String>,
}

impl Answer {
    fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), location: None }
    }

    fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status, value.to_string())
    }

    fn redirect(location: String) -> Self {
        Self { status: 302, body: Vec::new(), location: Some(location) }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = [(header::CONTENT_TYPE, "application/json;charset=UTF-8")];
        let mut response = (status, kind, self.body).into_response();
        if let Some(location) = self.location.and_then(|to| HeaderValue::try_from(to).ok()) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

struct Asked<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

/// How a refusal is written: the order's table has `resultCode`, the others `error_code`.
type Write = dyn Fn(&str, &str) -> Vec<u8>;

pub(crate) fn router(marketplace: Arc<Marketplace>) -> Router {
    Router::new()
        .fallback(answer)
        .layer(DefaultBodyLimit::max(UPLOAD_LIMIT))
        .with_state(marketplace)
}

async fn answer(
    State(marketplace): State<Arc<Marketplace>>,
    ConnectInfo(cord): ConnectInfo<Cord>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = Asked { method: &method, uri: &uri, headers: &headers, body: &body };
    let fault = api_of(uri.path()).and_then(|api| marketplace.fault(api));
    match fault {
        None => marketplace.answer(&asked).into_response(),
        Some((api, Fault::Status(status))) => {
            fault::refusal(api, status, uri.path()).into_response()
        }
        Some((_, fault)) => {
            let answer = marketplace.answer(&asked);
            fault::disturb(fault, answer, &cord).await.into_response()
        }
    }
}

fn api_of(path: &str) -> Option<Api> {
    match path {
        order::PATH => Some(Api::Order),
        usage::NEW | usage::OLD => Some(Api::Usage),
        path if upload::event_of(path).is_some() => Some(Api::Upload),
        path => codes::api_of(path).or_else(|| login::api_of(path)),
    }
}

impl Marketplace {
    fn answer(&self, asked: &Asked<'_>) -> Answer {
        let path = asked.uri.path();
        match (asked.method.as_str(), api_of(path)) {
            ("GET", Some(Api::Order)) => self.query_order(asked),
            ("POST", Some(Api::Upload)) => match upload::event_of(path) {
                Some(event) => self.upload(asked, event),
                None => self.nothing(asked),
            },
            ("POST", Some(api @ (Api::Activate | Api::Heartbeat))) => self.codes(asked, api),
            ("POST", Some(Api::Usage)) => self.push_usage(asked),
            ("GET", Some(Api::Authorize)) => self.authorize(asked),
            ("POST", Some(Api::Token)) => self.token(asked),
            ("GET", Some(Api::UserInfo)) => self.user_info(asked),
            ("GET", Some(Api::Logout)) => self.log_out(asked),
            ("GET", None) => match path {
                "/uploads" => list(locked(&self.ledger).uploads()),
                "/codes" => list(&locked(&self.codes).all().collect::<Vec<_>>()),
                "/usage" => list(locked(&self.usage).records()),
                _ => self.nothing(asked),
            },
            ("POST", None) if path == "/codes" || path.starts_with("/codes/") => {
                self.change_codes(asked)
            }
            _ => self.nothing(asked),
        }
    }

    fn fault(&self, api: Api) -> Option<(Api, Fault)> {
        let fault = locked(&self.faults).next(api)?;
        self.tell(Happening::Faulty { api: api.word(), fault: fault.word() });
        Some((api, fault))
    }

    /// What the API gateway says where nothing is published.
    fn nothing(&self, asked: &Asked<'_>) -> Answer {
        self.refuse(asked, 404, "APIGW.0101", "no such API", &upload::answer)
    }

    fn authenticate(&self, asked: &Asked<'_>) -> Result<(), aksk::InvalidSignature> {
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
        write: &Write,
    ) -> Answer {
        let request = format!("{} {}", asked.method, asked.uri.path());
        let reason = reason.to_owned();
        let answer = Answer::new(status, write(code, &reason));
        self.tell(Happening::Refused { request, status, code, reason });
        answer
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.environment.now()
    }

    fn tell(&self, happening: Happening) {
        // Nobody listens any more once the command is being stopped.
        let _ = self.happenings.send(happening);
    }
}

/// What was received, for tests and for a look: no interface of the marketplace.
fn list(rows: &(impl serde::Serialize + ?Sized)) -> Answer {
    match serde_json::to_vec(rows) {
        Ok(list) => Answer::new(200, list),
        Err(error) => Answer::new(500, upload::answer("CBC.0999", &error.to_string())),
    }
}

/// A thread that panicked leaves these as they were: whole.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
