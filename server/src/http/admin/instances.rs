//! `/api/v1/instances`

use axum::Json;
use axum::extract::State;
use license_core::api::{InstanceDetail, InstanceView};

use super::super::{
    HttpState,
    query::{Name, Parameters},
};
use super::Caller;
use crate::app::InstanceFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(state): State<HttpState>,
    caller: Caller,
    Parameters(filter): Parameters<InstanceFilter>,
) -> Result<Json<Vec<InstanceView>>, ApiError> {
    let mut instances = state.app.instances(&filter).await?;
    for instance in &mut instances {
        conceal(instance, caller);
    }
    Ok(Json(instances))
}

pub(super) async fn show(
    State(state): State<HttpState>,
    caller: Caller,
    Name(id): Name,
) -> Result<Json<InstanceDetail>, ApiError> {
    let mut detail = state.app.instance(&id).await?;
    conceal(&mut detail.instance, caller);
    for license in &mut detail.licenses {
        license.document = None;
    }
    Ok(Json(detail))
}

/// Whoever may call it may see the new code.
pub(super) async fn rotate_code(
    State(state): State<HttpState>,
    Name(id): Name,
) -> Result<Json<InstanceDetail>, ApiError> {
    let mut detail = state.app.rotate_code(&id).await?;
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
