//! `POST /koogallery`: every JSON call of the marketplace.

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use koogallery::answer::Answer;
use koogallery::code::ResultCode;
use license_core::Code;

use super::super::{App, body, limits::MARKET_TIME};
use crate::error::ApiError;

const BODY_BYTES: usize = 64 * 1024;
const MEDIA_TYPE: &str = "application/json;charset=utf-8";

/// Hands the call to the desk as it came: signatures are over its bytes.
///
/// The desk works on a task of its own. What it has begun to commit is not given up when the
/// marketplace hangs up after its 5 s: the re-send finds it done.
pub(in crate::http) async fn call(
    State(app): State<App>,
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

    let work = tokio::spawn(async move { app.desk.market_call(&query, &body).await });
    Ok(json(match tokio::time::timeout(MARKET_TIME, work).await {
        Ok(Ok(answer)) => answer,
        // Too slow, or a panic that was logged where it happened: the marketplace sends again.
        Err(_) | Ok(Err(_)) => Answer::of(ResultCode::Internal).to_json(),
    }))
}

pub(super) fn json(answer: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], answer).into_response()
}
