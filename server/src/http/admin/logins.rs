//! `/api/v1/logins`: redeeming the code of a finished login.

use axum::Json;
use axum::extract::State;
use axum::routing::post;
use license_core::api::{LoginRedeem, LoginView};

use super::route::MAX_BODY_BYTES;
use super::route::{OPERATOR, Route};
use super::schema::of;
use crate::app::login;
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::body::JsonBody;

pub(super) const ROUTES: &[Route] =
    &[Route::post("/api/v1/logins/redeem", OPERATOR, || post(redeem))
        .summary("Who came back from a login with this code; answered once")
        .body(of::<LoginRedeem>)
        .answers(200, of::<LoginView>)];

async fn redeem(
    State(state): State<HttpState>,
    JsonBody(asked): JsonBody<LoginRedeem, MAX_BODY_BYTES>,
) -> Result<Json<LoginView>, ApiError> {
    login::redeem(&state.app, &asked.code).await.map(Json)
}
