//! The marketplace's open interfaces as a seller sees them: orders, uploads, authorization codes,
//! usage, and the authentication center. Beside them three lists and a way to sell codes, for tests.

mod authentication;
mod codes;
pub(crate) mod connection;
mod faulty_answers;
mod oauth;
mod orders;
mod uploads;
mod usage;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse as _, Response};
use koogallery::{order, upload};

use self::connection::ConnectionCut;
use crate::api_message::{ApiAnswer, ApiRequest};
use crate::faults::{Api, ApiFault};
use crate::lock::locked;
use crate::request_log::UnderWay;
use crate::simulator::Simulator;

const MAX_UPLOAD_LEN: usize = 64 << 20;

pub(crate) fn router(simulator: Arc<Simulator>) -> Router {
    Router::new()
        .fallback(answer)
        .layer(DefaultBodyLimit::max(MAX_UPLOAD_LEN))
        .with_state(simulator)
}

async fn answer(
    State(simulator): State<Arc<Simulator>>,
    ConnectInfo(connection): ConnectInfo<ConnectionCut>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = ApiRequest { method: &method, uri: &uri, headers: &headers, body: &body };
    let Some(api) = api_of(uri.path()) else { return simulator.answer(&request).into_response() };
    // Counted until the answer is ready, however late a fault makes it.
    let _under_way = UnderWay::begin(&simulator.requests, api);
    let Some(fault) = simulator.fault(api) else {
        let answer = simulator.answer(&request);
        simulator.keep(api, &request, Some(&answer));
        return answer.into_response();
    };
    if let Some(refusal) = faulty_answers::refusal(api, fault, uri.path()) {
        simulator.keep(api, &request, Some(&refusal));
        return refusal.into_response();
    }
    // It is done before its answer is lost: the harder half of "once" for the seller.
    let answer = simulator.answer(&request);
    let arrives = matches!(fault, ApiFault::Slow(_)).then_some(&answer);
    simulator.keep(api, &request, arrives);
    faulty_answers::disturb(fault, answer, &connection).await.into_response()
}

fn api_of(path: &str) -> Option<Api> {
    match path {
        order::PATH => Some(Api::Order),
        usage::NEW | usage::OLD => Some(Api::Usage),
        path if upload::event_of(path).is_some() => Some(Api::Upload),
        path => codes::api_of(path).or_else(|| oauth::api_of(path)),
    }
}

impl Simulator {
    fn answer(&self, request: &ApiRequest<'_>) -> ApiAnswer {
        let path = request.uri.path();
        match (request.method.as_str(), api_of(path)) {
            ("GET", Some(Api::Order)) => self.query_order(request),
            ("POST", Some(Api::Upload)) => match upload::event_of(path) {
                Some(event) => self.upload(request, event),
                None => self.nothing(request),
            },
            ("POST", Some(api @ (Api::Activate | Api::Heartbeat))) => self.codes(request, api),
            ("POST", Some(Api::Usage)) => self.push_usage(request),
            ("GET", Some(Api::Authorize)) => self.authorize(request),
            ("POST", Some(Api::Token)) => self.token(request),
            ("GET", Some(Api::UserInfo)) => self.user_info(request),
            ("GET", Some(Api::Logout)) => self.log_out(request),
            ("GET", None) => match path {
                "/uploads" => list(locked(&self.received_uploads).uploads()),
                "/codes" => list(&locked(&self.codes).all().collect::<Vec<_>>()),
                "/usage" => list(locked(&self.usage).records()),
                _ => self.nothing(request),
            },
            ("POST", None) if path == "/codes" || path.starts_with("/codes/") => {
                self.change_codes(request)
            }
            _ => self.nothing(request),
        }
    }
}

/// What was received, for tests and for a look: no interface of the marketplace.
fn list(rows: &(impl serde::Serialize + ?Sized)) -> ApiAnswer {
    match serde_json::to_vec(rows) {
        Ok(list) => ApiAnswer::new(200, list),
        Err(error) => ApiAnswer::new(500, upload::answer("CBC.0999", &error.to_string())),
    }
}

#[cfg(test)]
mod tests;
