//! `/api/v1/tokens`: the tokens of the admin API.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use license_core::Code;
use license_core::api::{TokenCreate, TokenCreated};

use super::route::MAX_BODY_BYTES;
use super::route::{ADMIN, Route};
use super::schema::{list_of, of};
use crate::app::tokens::{self, TokenView};
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::body::JsonBody;
use crate::store::Role;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/v1/tokens", ADMIN, || get(list))
        .summary("Tokens by name and role; never the tokens themselves")
        .answers(200, list_of::<TokenView>),
    Route::post("/api/v1/tokens", ADMIN, || post(create))
        .summary("Make a token; the answer is the only time it is shown")
        .body(of::<TokenCreate>)
        .answers(201, of::<TokenCreated>),
];

async fn list(State(state): State<HttpState>) -> Result<Json<Vec<TokenView>>, ApiError> {
    tokens::list(&state.app).await.map(Json)
}

async fn create(
    State(state): State<HttpState>,
    JsonBody(wanted): JsonBody<TokenCreate, MAX_BODY_BYTES>,
) -> Result<(StatusCode, Json<TokenCreated>), ApiError> {
    let role: Role = wanted.role.as_str().parse().map_err(|()| {
        ApiError::new(
            Code::RequestInvalid,
            "The role must be viewer, operator or admin.",
            "角色必须是 viewer、operator 或 admin。",
        )
    })?;
    let created = tokens::create(&state.app, role, &wanted.name).await?;
    Ok((StatusCode::CREATED, Json(created)))
}
