//! `/api/v1/machines`

use axum::Json;
use axum::extract::State;
use license_core::api::MachineView;

use super::super::{
    HttpState,
    query::{Name, Parameters},
};
use crate::app::MachineFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(state): State<HttpState>,
    Parameters(filter): Parameters<MachineFilter>,
) -> Result<Json<Vec<MachineView>>, ApiError> {
    state.app.machines(&filter).await.map(Json)
}

pub(super) async fn release(
    State(state): State<HttpState>,
    Name(id): Name,
) -> Result<Json<MachineView>, ApiError> {
    state.app.release_machine(&id).await.map(Json)
}
