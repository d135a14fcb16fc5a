//! `/api/v1/releases`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use license_core::api::{ReleasePublish, ReleaseView};
use serde::Deserialize;

use super::super::{App, body::Payload, query::Parameters};
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

pub(super) async fn publish(
    State(app): State<App>,
    Payload(publish): Payload<ReleasePublish, BODY_BYTES>,
) -> Result<(StatusCode, Json<Vec<ReleaseView>>), ApiError> {
    let releases = app.desk.publish_release(publish).await?;
    Ok((StatusCode::CREATED, Json(releases)))
}
