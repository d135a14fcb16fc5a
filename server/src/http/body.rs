//! Request bodies: read within a limit of size and of time, and parsed as JSON.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use license_core::Code;
use serde::de::DeserializeOwned;

use super::limits::BODY_TIMEOUT;
use crate::error::ApiError;
use crate::json_nul;

/// How much of a body over the limit is read and dropped, so that its sender reads the answer.
const MAX_DRAINED_BYTES: usize = 1024 * 1024;

/// Reads a whole body of at most `limit` bytes.
///
/// A body whose `Content-Length` is over the limit is refused before a byte of it is collected.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|text| text.parse::<u64>().ok()).is_some_and(|n| n > limit as u64) {
        // A client that sent `Expect: 100-continue` waits before it sends the body; every other one
        // is sending already, and a closed connection would cost it the answer.
        if !headers.contains_key(header::EXPECT) {
            drain(body).await;
        }
        return Err(too_large(limit));
    }
    let collecting = Limited::new(body, limit).collect();
    let collected = tokio::time::timeout(BODY_TIMEOUT, collecting).await.map_err(|_| {
        ApiError::new(
            Code::RequestInvalid,
            "The body did not arrive in time.",
            "请求体未在规定时间内到达。",
        )
        .with_status(408)
    })?;
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => Err(too_large(limit)),
        Err(_) => Err(ApiError::new(
            Code::RequestInvalid,
            "The body ended before its announced length.",
            "请求体在到达声明的长度之前中断。",
        )),
    }
}

async fn drain(body: Body) {
    let mut body = Limited::new(body, MAX_DRAINED_BYTES);
    let all = async { while let Some(Ok(_)) = body.frame().await {} };
    // A slow sender loses the answer; it must not keep its connection as long as a good body may.
    let _ = tokio::time::timeout(BODY_TIMEOUT / 5, all).await;
}

fn too_large(limit: usize) -> ApiError {
    let kib = limit / 1024;
    ApiError::new(
        Code::PayloadTooLarge,
        format!("The body is longer than {kib} KiB."),
        format!("请求体超过 {kib} KiB。"),
    )
}

/// A JSON body of at most `LIMIT` bytes.
pub(super) struct JsonBody<T, const LIMIT: usize>(pub(super) T);

impl<S, T, const LIMIT: usize> FromRequest<S> for JsonBody<T, LIMIT>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        JsonAndBytes::<T, LIMIT>::from_request(request, state).await.map(|written| Self(written.0))
    }
}

/// The same with the bytes as they came: a signature in the JSON may cover exactly these.
pub(super) struct JsonAndBytes<T, const LIMIT: usize>(pub(super) T, pub(super) Bytes);

impl<S, T, const LIMIT: usize> FromRequest<S> for JsonAndBytes<T, LIMIT>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            return Err(ApiError::new(
                Code::RequestInvalid,
                "The body must be JSON, with Content-Type: application/json.",
                "请求体必须是 JSON，且 Content-Type 为 application/json。",
            )
            .with_status(415));
        }
        let bytes = read(&parts.headers, body, LIMIT).await?;
        // PostgreSQL's TEXT cannot hold it; SQLite must not accept what PostgreSQL refuses.
        if json_nul::is_in(&bytes) {
            return Err(ApiError::new(
                Code::RequestInvalid,
                "A text of the body holds the character NUL.",
                "请求体的文本含有NUL字符。",
            ));
        }
        let value = serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))?;
        Ok(Self(value, bytes))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = given.and_then(|text| text.split(';').next()).unwrap_or_default();
    media.trim().eq_ignore_ascii_case("application/json")
}

/// serde's message names the member and what was expected of it. It may repeat a value of the
/// body, which can be long: hence the cut.
fn unreadable(error: &serde_json::Error) -> ApiError {
    let cause: String = error.to_string().chars().take(200).collect();
    ApiError::new(
        Code::RequestInvalid,
        format!("The body cannot be read: {cause}."),
        format!("请求体无法解析：{cause}。"),
    )
}
