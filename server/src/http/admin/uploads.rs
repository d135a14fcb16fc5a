//! `/api/v1/uploads`, and `/api/v1/restore`, which they may have to wait for

use axum::Json;
use axum::extract::State;
use license_core::api::{QueuesView, RestoreView, UploadView};

use super::super::{
    App,
    query::{Name, Parameters},
};
use crate::desk::UploadFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(app): State<App>,
    Parameters(filter): Parameters<UploadFilter>,
) -> Result<Json<Vec<UploadView>>, ApiError> {
    app.desk.uploads(&filter).await.map(Json)
}

pub(super) async fn retry(
    State(app): State<App>,
    Name(id): Name,
) -> Result<Json<UploadView>, ApiError> {
    app.desk.retry_upload(&id).await.map(Json)
}

pub(super) async fn retry_all(State(app): State<App>) -> Result<Json<QueuesView>, ApiError> {
    app.desk.retry_uploads().await.map(Json)
}

pub(super) async fn restored(State(app): State<App>) -> Result<Json<RestoreView>, ApiError> {
    app.desk.restored().await.map(Json)
}

pub(super) async fn confirm_restore(State(app): State<App>) -> Result<Json<RestoreView>, ApiError> {
    app.desk.confirm_restore().await.map(Json)
}
