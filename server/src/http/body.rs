//! Reads bodies under a limit of size and of time, and JSON out of them.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use license_core::Code;
use serde::de::DeserializeOwned;

use super::limits::BODY_TIME;
use crate::error::ApiError;
use crate::json_nul;

/// What is thrown away of a body over the limit, so that its sender can hear the answer.
const DRAINED_BYTES: usize = 1024 * 1024;

/// Reads a whole body of at most `limit` bytes.
///
/// The announced length is looked at first: nothing is read of a body that says it is too long.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|text| text.parse::<u64>().ok()).is_some_and(|n| n > limit as u64) {
        if !headers.contains_key(header::EXPECT) {
            drain(body).await;
        }
        return Err(too_large(limit));
    }
    let collecting = Limited::new(body, limit).collect();
    let collected = tokio::time::timeout(BODY_TIME, collecting).await.map_err(|_| {
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
    let mut body = Limited::new(body, DRAINED_BYTES);
    let all = async { while let Some(Ok(_)) = body.frame().await {} };
    // Whoever needs longer than this does not wait for the answer anyway.
    let _ = tokio::time::timeout(BODY_TIME / 5, all).await;
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
pub(super) struct Payload<T, const LIMIT: usize>(pub(super) T);

impl<S, T, const LIMIT: usize> FromRequest<S> for Payload<T, LIMIT>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Written::<T, LIMIT>::from_request(request, state).await.map(|written| Self(written.0))
    }
}

/// The same, and the bytes as they came, for answers that are about exactly these.
pub(super) struct Written<T, const LIMIT: usize>(pub(super) T, pub(super) Bytes);

impl<S, T, const LIMIT: usize> FromRequest<S> for Written<T, LIMIT>
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
        if json_nul::is_in(&bytes) {
            return Err(ApiError::new(
                Code::RequestInvalid,
                "A text of the body holds the character NUL.",
                "请求体的文本含有NUL字符。",
            ));
        }
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path(&mut reader).map_err(|error| unreadable(&error))?;
        reader.end().map_err(|error| unreadable(&error))?;
        Ok(Self(value, bytes))
    }
}

fn serde_path<'de, T: serde::Deserialize<'de>>(
    reader: &mut serde_json::Deserializer<serde_json::de::SliceRead<'de>>,
) -> Result<T, serde_json::Error> {
    T::deserialize(reader)
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = given.and_then(|text| text.split(';').next()).unwrap_or_default();
    media.trim().eq_ignore_ascii_case("application/json")
}

/// serde's message names the member and what was expected of it, but may also repeat a value;
/// values of strangers are shortened.
fn unreadable(error: &serde_json::Error) -> ApiError {
    let cause: String = error.to_string().chars().take(200).collect();
    ApiError::new(
        Code::RequestInvalid,
        format!("The body cannot be read: {cause}."),
        format!("请求体无法解析：{cause}。"),
    )
}
