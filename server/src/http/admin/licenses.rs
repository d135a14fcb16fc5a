//! `/api/v1/licenses`

use axum::Json;
use axum::extract::State;
use license_core::api::LicenseView;

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
