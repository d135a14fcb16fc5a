//! `POST /v1/client/usage`: a program reports what it used.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use license_core::api::{UsageAnswer, UsageReport};

use crate::app::usage;
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::body::JsonAndBytes;

/// A thousand records beside the longest license.
const MAX_BODY_BYTES: usize = 512 * 1024;

/// 202 after the commit: a worker sends it to the marketplace later.
pub(super) async fn report(
    State(state): State<HttpState>,
    JsonAndBytes(report, body): JsonAndBytes<UsageReport, MAX_BODY_BYTES>,
) -> Result<(StatusCode, Json<UsageAnswer>), ApiError> {
    let answer = usage::report::accept(&state.app, &report, &body).await?;
    Ok((StatusCode::ACCEPTED, Json(answer)))
}
