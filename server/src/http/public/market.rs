//! `/koogallery`: the marketplace's JSON calls (POST, V2) and its query calls (GET, V1).

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use koogallery::answer::Answer;
use koogallery::code::ResultCode;
use license_core::Code;

use crate::app::market::{self, v1};
use crate::http::limits::MARKET_ANSWER_TIMEOUT;
use crate::http::{HttpState, body, problem};

const MAX_BODY_BYTES: usize = 64 * 1024;
const MEDIA_TYPE: &str = "application/json;charset=utf-8";

/// `POST /koogallery`. The app gets the query and the body as they came: signatures cover their
/// bytes.
pub(super) async fn call(
    State(state): State<HttpState>,
    request: Request,
) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    let body = read(&parts.headers, body, MAX_BODY_BYTES).await?;
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let answer = detached(async move { market::call(&state.app, &query, &body).await }).await;
    Ok(json(answer.unwrap_or_else(|| Answer::of(ResultCode::Internal).to_json())))
}

/// Reads the body of a call. One that was cut off or too slow gets a result code as its answer.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Response> {
    body::read(headers, body, limit).await.map_err(|error| match error.code {
        Code::PayloadTooLarge => error.into_response(),
        _ => json(Answer::of(ResultCode::BadParameter).to_json()),
    })
}

/// Runs a call on a task of its own. A commit that has begun is not given up when the marketplace
/// hangs up after its 5 s: the re-send finds it done.
///
/// `None`: too slow, or a panic that was logged where it happened. The marketplace sends again.
pub(super) async fn detached<T: Send + 'static>(
    call: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    tokio::time::timeout(MARKET_ANSWER_TIMEOUT, tokio::spawn(call)).await.ok()?.ok()
}

/// `GET /koogallery`, the interface V1.
pub(super) fn queries() -> MethodRouter<HttpState> {
    get(ask).head(refuse_head)
}

/// axum answers HEAD by the handler of GET, which would do all that a GET does and hide its answer.
async fn refuse_head(method: Method, uri: Uri) -> impl IntoResponse {
    ([(header::ALLOW, "GET,POST")], problem::method_not_allowed(method, uri).await)
}

/// The app gets the query as it came. Every answer is signed, refusals too.
async fn ask(State(state): State<HttpState>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let app = state.app.clone();
    let answer = detached(async move { v1::call(&app, &query).await }).await;
    let answer = answer.unwrap_or_else(|| v1::failure(&state.app));
    let mut response = json(answer.body);
    if let Some(signature) = answer.signature.and_then(|text| HeaderValue::try_from(text).ok()) {
        response.headers_mut().insert(HeaderName::from_static("body-sign"), signature);
    }
    response
}

pub(super) fn json(answer: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], answer).into_response()
}
