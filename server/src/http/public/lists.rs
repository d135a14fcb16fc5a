//! The signed lists and the public keys: documents that programs fetch and verify themselves.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::super::{
    App,
    query::Parameters,
    signed::{self, ReleaseQuery},
};
use crate::error::ApiError;

/// `GET /v1/client/releases`
pub(in crate::http) async fn releases(
    State(app): State<App>,
    headers: HeaderMap,
    Parameters(query): Parameters<ReleaseQuery>,
) -> Result<Response, ApiError> {
    let list = app.desk.release_list(&query.product, &query.platform, &query.channel).await?;
    Ok(signed::answer(&headers, list))
}

/// `GET /v1/client/trust`
pub(in crate::http) async fn trust(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    Ok(signed::answer(&headers, app.desk.trust_list().await?))
}

/// `GET /v1/client/revocations`
pub(in crate::http) async fn revocations(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    Ok(signed::answer(&headers, app.desk.revocation_list().await?))
}

/// `GET /.well-known/jwks.json`
pub(in crate::http) async fn jwks(State(app): State<App>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/jwk-set+json"),
        // Verifiers may keep it; a key is announced long before it signs.
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, app.desk.jwks().await).into_response()
}
