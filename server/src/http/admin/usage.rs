//! `/api/v1/usage`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use license_core::api::{UsagePush, UsageView};

use super::super::{
    HttpState,
    body::Payload,
    query::{Name, Parameters},
};
use super::BODY_BYTES;
use crate::app::UsageFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(state): State<HttpState>,
    Parameters(filter): Parameters<UsageFilter>,
) -> Result<Json<Vec<UsageView>>, ApiError> {
    state.app.usage(&filter).await.map(Json)
}

/// Accepted means durable: it is sent later, whatever happens here.
pub(super) async fn push(
    State(state): State<HttpState>,
    Payload(push): Payload<UsagePush, BODY_BYTES>,
) -> Result<(StatusCode, Json<Vec<UsageView>>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(state.app.push_usage(push).await?)))
}

pub(super) async fn retry(
    State(state): State<HttpState>,
    Name(id): Name,
) -> Result<Json<UsageView>, ApiError> {
    state.app.retry_usage(&id).await.map(Json)
}
