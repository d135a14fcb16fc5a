//! `/api/v1/alerts`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use license_core::api::AlertView;

use super::super::{
    HttpState,
    query::{Name, Parameters},
};
use crate::app::AlertFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(state): State<HttpState>,
    Parameters(filter): Parameters<AlertFilter>,
) -> Result<Json<Vec<AlertView>>, ApiError> {
    state.app.alerts(&filter).await.map(Json)
}

pub(super) async fn show(
    State(state): State<HttpState>,
    Name(id): Name,
) -> Result<Json<AlertView>, ApiError> {
    state.app.alert(&id).await.map(Json)
}

pub(super) async fn test(
    State(state): State<HttpState>,
) -> Result<(StatusCode, Json<AlertView>), ApiError> {
    Ok((StatusCode::CREATED, Json(state.app.test_alert().await?)))
}
