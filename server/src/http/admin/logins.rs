//! `/api/v1/logins`

use axum::Json;
use axum::extract::State;
use license_core::api::{LoginRedeem, LoginView};

use super::super::{App, body::Payload};
use super::BODY_BYTES;
use crate::error::ApiError;

pub(super) async fn redeem(
    State(app): State<App>,
    Payload(asked): Payload<LoginRedeem, BODY_BYTES>,
) -> Result<Json<LoginView>, ApiError> {
    app.desk.redeem_login(&asked.code).await.map(Json)
}
