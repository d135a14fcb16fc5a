//! `/api/v1/logins`

use axum::Json;
use axum::extract::State;
use license_core::api::{LoginRedeem, LoginView};

use super::super::{HttpState, body::Payload};
use super::BODY_BYTES;
use crate::error::ApiError;

pub(super) async fn redeem(
    State(state): State<HttpState>,
    Payload(asked): Payload<LoginRedeem, BODY_BYTES>,
) -> Result<Json<LoginView>, ApiError> {
    state.app.redeem_login(&asked.code).await.map(Json)
}
