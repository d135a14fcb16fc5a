//! `/api/v1/uploads`, and `/api/v1/restore`, which they may have to wait for

use axum::Json;
use axum::extract::State;
use license_core::api::{QueuesView, RestoreView, UploadView};

use super::super::{
    HttpState,
    query::{Name, Parameters},
};
use crate::app::UploadFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(state): State<HttpState>,
    Parameters(filter): Parameters<UploadFilter>,
) -> Result<Json<Vec<UploadView>>, ApiError> {
    state.app.uploads(&filter).await.map(Json)
}

pub(super) async fn retry(
    State(state): State<HttpState>,
    Name(id): Name,
) -> Result<Json<UploadView>, ApiError> {
    state.app.retry_upload(&id).await.map(Json)
}

pub(super) async fn retry_all(
    State(state): State<HttpState>,
) -> Result<Json<QueuesView>, ApiError> {
    state.app.retry_uploads().await.map(Json)
}

pub(super) async fn restored(
    State(state): State<HttpState>,
) -> Result<Json<RestoreView>, ApiError> {
    state.app.restored().await.map(Json)
}

pub(super) async fn confirm_restore(
    State(state): State<HttpState>,
) -> Result<Json<RestoreView>, ApiError> {
    state.app.confirm_restore().await.map(Json)
}
