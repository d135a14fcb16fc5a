//! `/api/v1/instances`: what was bought, and the licenses of one instance.

use axum::Json;
use axum::extract::State;
use axum::routing::{get, post};
use license_core::api::{InstanceDetail, InstanceView};

use super::Caller;
use super::route::{OPERATOR, Route, VIEWER};
use super::schema::{list_of, of};
use crate::app::instances::{self, InstanceFilter};
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::query::{PathName, QueryParameters};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/v1/instances", VIEWER, || get(list))
        .summary("Instances: what was bought, with the machines in use")
        .query(&["order_id", "product", "state", "after", "limit"])
        .answers(200, list_of::<InstanceView>),
    Route::get("/api/v1/instances/{id}", VIEWER, || get(show))
        .summary("One instance with its licenses and waiting applications")
        .answers(200, of::<InstanceDetail>),
    Route::post("/api/v1/instances/{id}/rotate-code", OPERATOR, || post(rotate_code))
        .summary("Give an instance another activation code; the earlier one opens nothing any more")
        .answers(200, of::<InstanceDetail>),
];

async fn list(
    State(state): State<HttpState>,
    caller: Caller,
    QueryParameters(filter): QueryParameters<InstanceFilter>,
) -> Result<Json<Vec<InstanceView>>, ApiError> {
    let mut instances = instances::list(&state.app, &filter).await?;
    for instance in &mut instances {
        conceal(instance, caller);
    }
    Ok(Json(instances))
}

async fn show(
    State(state): State<HttpState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<Json<InstanceDetail>, ApiError> {
    let mut detail = instances::find(&state.app, &id).await?;
    conceal(&mut detail.instance, caller);
    for license in &mut detail.licenses {
        license.document = None;
    }
    Ok(Json(detail))
}

/// Not concealed: the route asks for a role that sees credentials.
async fn rotate_code(
    State(state): State<HttpState>,
    PathName(id): PathName,
) -> Result<Json<InstanceDetail>, ApiError> {
    let mut detail = instances::rotate_code(&state.app, &id).await?;
    for license in &mut detail.licenses {
        license.document = None;
    }
    Ok(Json(detail))
}

/// Removes the activation code for viewers: it is a shared credential that opens the customer's
/// seats.
fn conceal(instance: &mut InstanceView, caller: Caller) {
    if !caller.sees_credentials() {
        instance.activation_code.clear();
    }
}
