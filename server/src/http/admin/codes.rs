//! `/api/v1/codes`

use axum::Json;
use axum::extract::State;
use license_core::api::CodeView;

use super::super::{
    HttpState,
    query::{Name, Parameters},
};
use crate::app::CodeFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(state): State<HttpState>,
    Parameters(filter): Parameters<CodeFilter>,
) -> Result<Json<Vec<CodeView>>, ApiError> {
    state.app.codes(&filter).await.map(Json)
}

pub(super) async fn show(
    State(state): State<HttpState>,
    Name(code): Name,
) -> Result<Json<CodeView>, ApiError> {
    state.app.code(&code).await.map(Json)
}
