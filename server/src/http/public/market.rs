//! `POST /koogallery`: every JSON call of the marketplace; `GET /koogallery`: V1's.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use koogallery::answer::Answer;
use koogallery::code::ResultCode;
use license_core::Code;

use super::super::{HttpState, body, limits::MARKET_TIME, problem};
use crate::app::market;
use crate::app::market::v1;
use crate::error::ApiError;

const BODY_BYTES: usize = 64 * 1024;
const MEDIA_TYPE: &str = "application/json;charset=utf-8";

/// Hands the call to the app as it came: signatures are over its bytes.
///
/// The app works on a task of its own. What it has begun to commit is not given up when the
/// marketplace hangs up after its 5 s: the re-send finds it done.
pub(in crate::http) async fn call(
    State(state): State<HttpState>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let body = match body::read(&parts.headers, body, BODY_BYTES).await {
        Ok(body) => body,
        Err(error) if error.code == Code::PayloadTooLarge => return Err(error),
        // Cut off, or too slow: even that is answered in the marketplace's own form.
        Err(_) => return Ok(json(Answer::of(ResultCode::BadParameter).to_json())),
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();

    let work = tokio::spawn(async move { market::call(&state.app, &query, &body).await });
    Ok(json(match tokio::time::timeout(MARKET_TIME, work).await {
        Ok(Ok(answer)) => answer,
        // Too slow, or a panic that was logged where it happened: the marketplace sends again.
        _ => Answer::of(ResultCode::Internal).to_json(),
    }))
}

/// The route of V1.
pub(in crate::http) fn queries() -> MethodRouter<HttpState> {
    get(ask).head(refuse_head)
}

/// A HEAD would do what a GET does and show nothing of it.
async fn refuse_head(method: Method, uri: Uri) -> impl IntoResponse {
    ([(header::ALLOW, "GET,POST")], problem::method_not_allowed(method, uri).await)
}

/// Hands the query to the app as it came. Every answer is signed, refusals too.
async fn ask(State(state): State<HttpState>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let app = state.app.clone();
    let work = tokio::spawn(async move { v1::call(&app, &query).await });
    let answer = match tokio::time::timeout(MARKET_TIME, work).await {
        Ok(Ok(answer)) => answer,
        _ => v1::failure(&state.app),
    };
    let mut response = json(answer.body);
    if let Some(signature) = answer.signature.and_then(|text| HeaderValue::try_from(text).ok()) {
        response.headers_mut().insert(HeaderName::from_static("body-sign"), signature);
    }
    response
}

pub(super) fn json(answer: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], answer).into_response()
}
