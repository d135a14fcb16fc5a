//! `/api/v1/usage`: records of metered usage.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use license_core::api::{UsagePush, UsageView};

use super::route::MAX_BODY_BYTES;
use super::route::{OPERATOR, Route, VIEWER};
use super::schema::{list_of, of};
use crate::app::usage::{self, UsageFilter};
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::body::JsonBody;
use crate::http::query::{PathName, QueryParameters};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/v1/usage", VIEWER, || get(list))
        .summary("Usage on its way to the marketplace")
        .query(&["instance_id", "state", "after", "limit"])
        .answers(200, list_of::<UsageView>),
    Route::post("/api/v1/usage", OPERATOR, || post(push))
        .summary("Accept usage for the marketplace: one record or up to 1,000, all or none")
        .body(of::<UsagePush>)
        .answers(202, list_of::<UsageView>),
    Route::post("/api/v1/usage/{id}/retry", OPERATOR, || post(retry))
        .summary("Send a record of usage again now")
        .answers(200, of::<UsageView>),
];

async fn list(
    State(state): State<HttpState>,
    QueryParameters(filter): QueryParameters<UsageFilter>,
) -> Result<Json<Vec<UsageView>>, ApiError> {
    usage::list(&state.app, &filter).await.map(Json)
}

/// 202 after the commit: a worker sends it to the marketplace later.
async fn push(
    State(state): State<HttpState>,
    JsonBody(push): JsonBody<UsagePush, MAX_BODY_BYTES>,
) -> Result<(StatusCode, Json<Vec<UsageView>>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(usage::accept(&state.app, push).await?)))
}

async fn retry(
    State(state): State<HttpState>,
    PathName(id): PathName,
) -> Result<Json<UsageView>, ApiError> {
    usage::retry(&state.app, &id).await.map(Json)
}
