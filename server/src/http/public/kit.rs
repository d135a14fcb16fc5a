//! `POST /koogallery/produceAPI/…`: every call of the joint-operation kit.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use koogallery::Edition;
use koogallery::Presented;
use koogallery::answer::Answer;
use koogallery::code::ResultCode;
use koogallery::kit::signature::{NONCE, SIGN, TIMESTAMP};
use koogallery::kit::{KitInterface, LIMIT};
use license_core::Code;

use super::super::{HttpState, body, limits::MARKET_TIME};
use super::market::json;
use crate::app::joint_kit;
use crate::app::joint_kit::Shown;
use crate::error::ApiError;

/// Hands the call to the app as it came, on a task of its own like the other calls.
pub(in crate::http) async fn call(
    interface: KitInterface,
    edition: Edition,
    State(state): State<HttpState>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let body = match body::read(&parts.headers, body, LIMIT).await {
        Ok(body) => body,
        Err(error) if error.code == Code::PayloadTooLarge => return Err(error),
        Err(_) => return Ok(json(Answer::of(ResultCode::BadParameter).to_json())),
    };
    let shown = Shown {
        presented: Presented {
            signature: header(&parts.headers, SIGN),
            timestamp: header(&parts.headers, TIMESTAMP),
            nonce: header(&parts.headers, NONCE),
        },
        token: header(&parts.headers, koogallery::auth_token::NAME),
    };
    let work = tokio::spawn(async move {
        joint_kit::call(&state.app, interface, edition, &shown, &body).await
    });
    Ok(json(match tokio::time::timeout(MARKET_TIME, work).await {
        Ok(Ok(answer)) => answer,
        _ => Answer::of(ResultCode::Internal).to_json(),
    }))
}

/// What is absent or no text is empty.
fn header(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().trim().to_owned()
}
