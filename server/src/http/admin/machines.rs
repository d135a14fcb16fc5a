//! `/api/v1/machines`

use axum::Json;
use axum::extract::State;
use license_core::api::MachineView;

use super::super::{
    App,
    query::{Name, Parameters},
};
use crate::desk::MachineFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(app): State<App>,
    Parameters(filter): Parameters<MachineFilter>,
) -> Result<Json<Vec<MachineView>>, ApiError> {
    app.desk.machines(&filter).await.map(Json)
}

pub(super) async fn release(
    State(app): State<App>,
    Name(id): Name,
) -> Result<Json<MachineView>, ApiError> {
    app.desk.release_machine(&id).await.map(Json)
}
