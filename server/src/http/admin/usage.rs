//! `/api/v1/usage`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use license_core::api::{UsagePush, UsageView};

use super::super::{
    App,
    body::Payload,
    query::{Name, Parameters},
};
use super::BODY_BYTES;
use crate::desk::UsageFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(app): State<App>,
    Parameters(filter): Parameters<UsageFilter>,
) -> Result<Json<Vec<UsageView>>, ApiError> {
    app.desk.usage(&filter).await.map(Json)
}

/// Accepted means durable: it is sent later, whatever happens here.
pub(super) async fn push(
    State(app): State<App>,
    Payload(push): Payload<UsagePush, BODY_BYTES>,
) -> Result<(StatusCode, Json<Vec<UsageView>>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(app.desk.push_usage(push).await?)))
}

pub(super) async fn retry(
    State(app): State<App>,
    Name(id): Name,
) -> Result<Json<UsageView>, ApiError> {
    app.desk.retry_usage(&id).await.map(Json)
}
