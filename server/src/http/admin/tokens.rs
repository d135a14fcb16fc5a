//! `/api/v1/tokens`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use license_core::Code;
use license_core::api::{TokenCreate, TokenCreated};

use super::super::{HttpState, body::Payload};
use super::BODY_BYTES;
use crate::app::{Role, TokenView};
use crate::error::ApiError;

pub(super) async fn list(State(state): State<HttpState>) -> Result<Json<Vec<TokenView>>, ApiError> {
    state.app.tokens().await.map(Json)
}

pub(super) async fn create(
    State(state): State<HttpState>,
    Payload(wanted): Payload<TokenCreate, BODY_BYTES>,
) -> Result<(StatusCode, Json<TokenCreated>), ApiError> {
    let role: Role = wanted.role.as_str().parse().map_err(|()| {
        ApiError::new(
            Code::RequestInvalid,
            "The role must be viewer, operator or admin.",
            "角色必须是 viewer、operator 或 admin。",
        )
    })?;
    let created = state.app.create_token(role, &wanted.name).await?;
    Ok((StatusCode::CREATED, Json(created)))
}
