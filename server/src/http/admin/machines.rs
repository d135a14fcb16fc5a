//! `/api/v1/machines`: machines that hold a seat.

use axum::Json;
use axum::extract::State;
use axum::routing::{get, post};
use license_core::api::MachineView;

use super::route::{OPERATOR, Route, VIEWER};
use super::schema::{list_of, of};
use crate::app::machines::{self, MachineFilter};
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::query::{PathName, QueryParameters};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/v1/machines", VIEWER, || get(list))
        .summary("Machines that hold a place of an instance")
        .query(&["instance_id", "after", "limit"])
        .answers(200, list_of::<MachineView>),
    Route::post("/api/v1/machines/{id}/release", OPERATOR, || post(release))
        .summary("Give a machine's place back, and revoke its licenses")
        .answers(200, of::<MachineView>),
];

async fn list(
    State(state): State<HttpState>,
    QueryParameters(filter): QueryParameters<MachineFilter>,
) -> Result<Json<Vec<MachineView>>, ApiError> {
    machines::list(&state.app, &filter).await.map(Json)
}

async fn release(
    State(state): State<HttpState>,
    PathName(id): PathName,
) -> Result<Json<MachineView>, ApiError> {
    machines::release(&state.app, &id).await.map(Json)
}
