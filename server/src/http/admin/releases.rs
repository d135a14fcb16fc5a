//! `/api/v1/releases`

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use license_core::api::{ReleasePublish, ReleaseView, ReleaseWithdraw};
use serde::Deserialize;

use super::super::{
    HttpState,
    body::Payload,
    jose::{self, ReleaseQuery},
    query::Parameters,
};
use super::BODY_BYTES;
use crate::error::ApiError;

/// Which releases to list.
#[derive(Deserialize)]
pub(super) struct Filter {
    product: Option<String>,
}

pub(super) async fn list(
    State(state): State<HttpState>,
    Parameters(filter): Parameters<Filter>,
) -> Result<Json<Vec<ReleaseView>>, ApiError> {
    state.app.releases(filter.product.as_deref()).await.map(Json)
}

/// The list as programs get it, for an issuer who signs the next one elsewhere.
pub(super) async fn signed(
    State(state): State<HttpState>,
    headers: HeaderMap,
    Parameters(query): Parameters<ReleaseQuery>,
) -> Result<Response, ApiError> {
    Ok(jose::answer(
        &headers,
        state.app.release_list(&query.product, &query.platform, &query.channel).await?,
    ))
}

pub(super) async fn publish(
    State(state): State<HttpState>,
    Payload(publish): Payload<ReleasePublish, BODY_BYTES>,
) -> Result<(StatusCode, Json<Vec<ReleaseView>>), ApiError> {
    let releases = state.app.publish_release(publish).await?;
    Ok((StatusCode::CREATED, Json(releases)))
}

pub(super) async fn withdraw(
    State(state): State<HttpState>,
    Payload(release): Payload<ReleaseWithdraw, BODY_BYTES>,
) -> Result<Json<ReleaseWithdraw>, ApiError> {
    state.app.withdraw_release(release).await.map(Json)
}
