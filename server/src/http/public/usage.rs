//! `POST /v1/client/usage`: a program reports what it used.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use license_core::api::{UsageAnswer, UsageReport};

use super::super::{HttpState, body::Written};
use crate::app::usage;
use crate::error::ApiError;

/// A thousand records beside the longest license.
const BODY_BYTES: usize = 512 * 1024;

/// Accepted means durable: the marketplace is told later, whatever happens here.
pub(in crate::http) async fn report(
    State(state): State<HttpState>,
    Written(report, body): Written<UsageReport, BODY_BYTES>,
) -> Result<(StatusCode, Json<UsageAnswer>), ApiError> {
    let answer = usage::report::accept(&state.app, &report, &body).await?;
    Ok((StatusCode::ACCEPTED, Json(answer)))
}
