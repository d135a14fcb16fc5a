//! `/api/v1/instances`

use axum::Json;
use axum::extract::State;
use axum::routing::{get, post};
use license_core::api::{InstanceDetail, InstanceView};

use super::Caller;
use super::route::{OPERATOR, Route, VIEWER};
use super::schema::{list_of, of};
use crate::app::instances;
use crate::app::instances::InstanceFilter;
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::query::{Name, Parameters};

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
    Parameters(filter): Parameters<InstanceFilter>,
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
    Name(id): Name,
) -> Result<Json<InstanceDetail>, ApiError> {
    let mut detail = instances::find(&state.app, &id).await?;
    conceal(&mut detail.instance, caller);
    for license in &mut detail.licenses {
        license.document = None;
    }
    Ok(Json(detail))
}

/// Whoever may call it may see the new code.
async fn rotate_code(
    State(state): State<HttpState>,
    Name(id): Name,
) -> Result<Json<InstanceDetail>, ApiError> {
    let mut detail = instances::rotate_code(&state.app, &id).await?;
    for license in &mut detail.licenses {
        license.document = None;
    }
    Ok(Json(detail))
}

/// The activation code is a shared credential: whoever has it can take the customer's places.
fn conceal(instance: &mut InstanceView, caller: Caller) {
    if !caller.sees_credentials() {
        instance.activation_code.clear();
    }
}
