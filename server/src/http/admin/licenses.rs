//! `/api/v1/licenses`

use axum::Json;
use axum::extract::State;
use license_core::api::LicenseView;
use license_core::rule::Intervention;

use super::super::{
    App,
    query::{Name, Parameters},
};
use super::Caller;
use crate::desk::LicenseFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(app): State<App>,
    Parameters(filter): Parameters<LicenseFilter>,
) -> Result<Json<Vec<LicenseView>>, ApiError> {
    app.desk.licenses(&filter).await.map(Json)
}

pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Name(id): Name,
) -> Result<Json<LicenseView>, ApiError> {
    let mut license = app.desk.license(&id).await?;
    // An unbound license runs wherever its text is.
    if !caller.sees_credentials() {
        license.document = None;
    }
    Ok(Json(license))
}

pub(super) async fn suspend(app: State<App>, id: Name) -> Result<Json<LicenseView>, ApiError> {
    put(app, id, Intervention::Suspend).await
}

pub(super) async fn reinstate(app: State<App>, id: Name) -> Result<Json<LicenseView>, ApiError> {
    put(app, id, Intervention::Reinstate).await
}

pub(super) async fn revoke(app: State<App>, id: Name) -> Result<Json<LicenseView>, ApiError> {
    put(app, id, Intervention::Revoke).await
}

async fn put(
    State(app): State<App>,
    Name(id): Name,
    intervention: Intervention,
) -> Result<Json<LicenseView>, ApiError> {
    app.desk.put_license(&id, intervention).await.map(Json)
}
