//! `/api/v1/codes`

use axum::Json;
use axum::extract::State;
use license_core::api::CodeView;

use super::super::{
    App,
    query::{Name, Parameters},
};
use crate::desk::CodeFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(app): State<App>,
    Parameters(filter): Parameters<CodeFilter>,
) -> Result<Json<Vec<CodeView>>, ApiError> {
    app.desk.codes(&filter).await.map(Json)
}

pub(super) async fn show(
    State(app): State<App>,
    Name(code): Name,
) -> Result<Json<CodeView>, ApiError> {
    app.desk.code(&code).await.map(Json)
}
