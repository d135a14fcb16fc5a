//! `/api/v1/licenses`: issued licenses, and what an operator does to one.

use axum::Json;
use axum::extract::State;
use axum::routing::{get, post};
use license_core::api::LicenseView;
use license_core::issuing_rules::OperatorAction;

use super::Caller;
use super::route::{OPERATOR, Route, VIEWER};
use super::schema::{list_of, of};
use crate::app::licenses::{self, LicenseFilter};
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::query::{PathName, QueryParameters};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/v1/licenses", VIEWER, || get(list))
        .summary("Licenses that were issued")
        .query(&["instance_id", "machine_id", "product", "state", "after", "limit"])
        .answers(200, list_of::<LicenseView>),
    Route::get("/api/v1/licenses/{id}", VIEWER, || get(show))
        .summary("One license; its document from operator up")
        .answers(200, of::<LicenseView>),
    Route::post("/api/v1/licenses/{id}/suspend", OPERATOR, || post(suspend))
        .summary("Stop a license until it is reinstated")
        .answers(200, of::<LicenseView>),
    Route::post("/api/v1/licenses/{id}/reinstate", OPERATOR, || post(reinstate))
        .summary("Let a license count again that an operator suspended")
        .answers(200, of::<LicenseView>),
    Route::post("/api/v1/licenses/{id}/revoke", OPERATOR, || post(revoke))
        .summary("Stop a license for good")
        .answers(200, of::<LicenseView>),
];

async fn list(
    State(state): State<HttpState>,
    QueryParameters(filter): QueryParameters<LicenseFilter>,
) -> Result<Json<Vec<LicenseView>>, ApiError> {
    licenses::list(&state.app, &filter).await.map(Json)
}

async fn show(
    State(state): State<HttpState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<Json<LicenseView>, ApiError> {
    let mut license = licenses::find(&state.app, &id).await?;
    // A credential: an unbound license runs on every machine that has its text.
    if !caller.sees_credentials() {
        license.document = None;
    }
    Ok(Json(license))
}

async fn suspend(state: State<HttpState>, id: PathName) -> Result<Json<LicenseView>, ApiError> {
    act(state, id, OperatorAction::Suspend).await
}

async fn reinstate(state: State<HttpState>, id: PathName) -> Result<Json<LicenseView>, ApiError> {
    act(state, id, OperatorAction::Reinstate).await
}

async fn revoke(state: State<HttpState>, id: PathName) -> Result<Json<LicenseView>, ApiError> {
    act(state, id, OperatorAction::Revoke).await
}

async fn act(
    State(state): State<HttpState>,
    PathName(id): PathName,
    intervention: OperatorAction,
) -> Result<Json<LicenseView>, ApiError> {
    licenses::change_status(&state.app, &id, intervention).await.map(Json)
}
