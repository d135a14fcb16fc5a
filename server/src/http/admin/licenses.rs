//! `/api/v1/licenses`

use axum::Json;
use axum::extract::State;
use license_core::api::LicenseView;
use license_core::issuing_rules::OperatorAction;

use super::super::{
    HttpState,
    query::{Name, Parameters},
};
use super::Caller;
use crate::app::LicenseFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(state): State<HttpState>,
    Parameters(filter): Parameters<LicenseFilter>,
) -> Result<Json<Vec<LicenseView>>, ApiError> {
    state.app.licenses(&filter).await.map(Json)
}

pub(super) async fn show(
    State(state): State<HttpState>,
    caller: Caller,
    Name(id): Name,
) -> Result<Json<LicenseView>, ApiError> {
    let mut license = state.app.license(&id).await?;
    // An unbound license runs wherever its text is.
    if !caller.sees_credentials() {
        license.document = None;
    }
    Ok(Json(license))
}

pub(super) async fn suspend(
    state: State<HttpState>,
    id: Name,
) -> Result<Json<LicenseView>, ApiError> {
    put(state, id, OperatorAction::Suspend).await
}

pub(super) async fn reinstate(
    state: State<HttpState>,
    id: Name,
) -> Result<Json<LicenseView>, ApiError> {
    put(state, id, OperatorAction::Reinstate).await
}

pub(super) async fn revoke(
    state: State<HttpState>,
    id: Name,
) -> Result<Json<LicenseView>, ApiError> {
    put(state, id, OperatorAction::Revoke).await
}

async fn put(
    State(state): State<HttpState>,
    Name(id): Name,
    intervention: OperatorAction,
) -> Result<Json<LicenseView>, ApiError> {
    state.app.put_license(&id, intervention).await.map(Json)
}
