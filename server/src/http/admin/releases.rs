//! `/api/v1/releases`: published releases and their signed list.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use license_core::api::{ReleasePublish, ReleaseView, ReleaseWithdraw};
use serde::Deserialize;

use super::route::MAX_BODY_BYTES;
use super::route::{ADMIN, Route, VIEWER};
use super::schema::{list_of, of};
use crate::app::releases;
use crate::app::signed_lists;
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::body::JsonBody;
use crate::http::jose::{self, ReleaseQuery};
use crate::http::query::QueryParameters;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/v1/releases", VIEWER, || get(list))
        .summary("Releases that were published")
        .query(&["product"])
        .answers(200, list_of::<ReleaseView>),
    Route::post("/api/v1/releases", ADMIN, || post(publish))
        .summary("Publish a release, or a list that was signed elsewhere")
        .body(of::<ReleasePublish>)
        .answers(201, list_of::<ReleaseView>),
    Route::post("/api/v1/releases/withdraw", ADMIN, || post(withdraw))
        .summary("Take a release back whose list the server signs")
        .body(of::<ReleaseWithdraw>)
        .answers(200, of::<ReleaseWithdraw>),
    Route::get("/api/v1/releases/signed", VIEWER, || get(signed))
        .summary("The signed list in force (application/jose), to extend it elsewhere")
        .query(&["product", "platform", "channel"]),
];

/// Which releases to list.
#[derive(Deserialize)]
struct ReleaseFilter {
    product: Option<String>,
}

async fn list(
    State(state): State<HttpState>,
    QueryParameters(filter): QueryParameters<ReleaseFilter>,
) -> Result<Json<Vec<ReleaseView>>, ApiError> {
    releases::list(&state.app, filter.product.as_deref()).await.map(Json)
}

/// The list as programs get it, for an issuer who signs the next one elsewhere.
async fn signed(
    State(state): State<HttpState>,
    headers: HeaderMap,
    QueryParameters(query): QueryParameters<ReleaseQuery>,
) -> Result<Response, ApiError> {
    Ok(jose::answer(
        &headers,
        signed_lists::release_list(&state.app, &query.product, &query.platform, &query.channel)
            .await?,
    ))
}

async fn publish(
    State(state): State<HttpState>,
    JsonBody(publish): JsonBody<ReleasePublish, MAX_BODY_BYTES>,
) -> Result<(StatusCode, Json<Vec<ReleaseView>>), ApiError> {
    let releases = releases::publish(&state.app, publish).await?;
    Ok((StatusCode::CREATED, Json(releases)))
}

async fn withdraw(
    State(state): State<HttpState>,
    JsonBody(release): JsonBody<ReleaseWithdraw, MAX_BODY_BYTES>,
) -> Result<Json<ReleaseWithdraw>, ApiError> {
    releases::withdraw(&state.app, release).await.map(Json)
}
