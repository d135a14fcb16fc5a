//! `/api/v1/uploads`

use axum::Json;
use axum::extract::State;
use license_core::api::UploadView;

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
