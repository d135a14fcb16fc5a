//! `/api/v1/alerts`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use license_core::api::AlertView;

use super::super::{
    App,
    query::{Name, Parameters},
};
use crate::desk::AlertFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(app): State<App>,
    Parameters(filter): Parameters<AlertFilter>,
) -> Result<Json<Vec<AlertView>>, ApiError> {
    app.desk.alerts(&filter).await.map(Json)
}

pub(super) async fn show(
    State(app): State<App>,
    Name(id): Name,
) -> Result<Json<AlertView>, ApiError> {
    app.desk.alert(&id).await.map(Json)
}

pub(super) async fn test(
    State(app): State<App>,
) -> Result<(StatusCode, Json<AlertView>), ApiError> {
    Ok((StatusCode::CREATED, Json(app.desk.test_alert().await?)))
}
