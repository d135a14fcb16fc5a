//! `/api/v1/releases`

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use license_core::api::{ReleasePublish, ReleaseView, ReleaseWithdraw};
use serde::Deserialize;

use super::super::{
    App,
    body::Payload,
    query::Parameters,
    signed::{self, ReleaseQuery},
};
use super::BODY_BYTES;
use crate::error::ApiError;

/// Which releases to list.
#[derive(Deserialize)]
pub(super) struct Filter {
    product: Option<String>,
}

pub(super) async fn list(
    State(app): State<App>,
    Parameters(filter): Parameters<Filter>,
) -> Result<Json<Vec<ReleaseView>>, ApiError> {
    app.desk.releases(filter.product.as_deref()).await.map(Json)
}

/// The list as programs get it, for an issuer who signs the next one elsewhere.
pub(super) async fn signed(
    State(app): State<App>,
    headers: HeaderMap,
    Parameters(query): Parameters<ReleaseQuery>,
) -> Result<Response, ApiError> {
    Ok(signed::answer(
        &headers,
        app.desk.release_list(&query.product, &query.platform, &query.channel).await?,
    ))
}

pub(super) async fn publish(
    State(app): State<App>,
    Payload(publish): Payload<ReleasePublish, BODY_BYTES>,
) -> Result<(StatusCode, Json<Vec<ReleaseView>>), ApiError> {
    let releases = app.desk.publish_release(publish).await?;
    Ok((StatusCode::CREATED, Json(releases)))
}

pub(super) async fn withdraw(
    State(app): State<App>,
    Payload(release): Payload<ReleaseWithdraw, BODY_BYTES>,
) -> Result<Json<ReleaseWithdraw>, ApiError> {
    app.desk.withdraw_release(release).await.map(Json)
}
