//! The signed lists and the public keys: documents that programs fetch and verify themselves.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::super::{
    HttpState,
    jose::{self, ReleaseQuery},
    query::Parameters,
};
use crate::app::signed_lists;
use crate::error::ApiError;

/// `GET /v1/client/releases`
pub(in crate::http) async fn releases(
    State(state): State<HttpState>,
    headers: HeaderMap,
    Parameters(query): Parameters<ReleaseQuery>,
) -> Result<Response, ApiError> {
    let list =
        signed_lists::release_list(&state.app, &query.product, &query.platform, &query.channel)
            .await?;
    Ok(jose::answer(&headers, list))
}

/// `GET /v1/client/trust`
pub(in crate::http) async fn trust(
    State(_state): State<HttpState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    Ok(jose::answer(&headers, signed_lists::trust_list()?))
}

/// `GET /v1/client/revocations`
pub(in crate::http) async fn revocations(
    State(state): State<HttpState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    Ok(jose::answer(&headers, signed_lists::revocation_list(&state.app).await?))
}

/// `GET /.well-known/jwks.json`
pub(in crate::http) async fn jwks(State(state): State<HttpState>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/jwk-set+json"),
        // Verifiers may keep it; a key is announced long before it signs.
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, state.app.jwks().await).into_response()
}
