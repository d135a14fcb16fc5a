//! The signed lists and the public keys, which programs fetch and verify.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use crate::app::signed_lists;
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::jose::{self, ReleaseQuery};
use crate::http::query::QueryParameters;

/// `GET /v1/client/releases`
pub(super) async fn releases(
    State(state): State<HttpState>,
    headers: HeaderMap,
    QueryParameters(query): QueryParameters<ReleaseQuery>,
) -> Result<Response, ApiError> {
    let list =
        signed_lists::release_list(&state.app, &query.product, &query.platform, &query.channel)
            .await?;
    Ok(jose::answer(&headers, list))
}

/// `GET /v1/client/trust`
pub(super) async fn trust(headers: HeaderMap) -> Result<Response, ApiError> {
    Ok(jose::answer(&headers, signed_lists::trust_list()?))
}

/// `GET /v1/client/revocations`
pub(super) async fn revocations(
    State(state): State<HttpState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    Ok(jose::answer(&headers, signed_lists::revocation_list(&state.app).await?))
}

/// `GET /.well-known/jwks.json`
pub(super) async fn jwks(State(state): State<HttpState>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/jwk-set+json"),
        // Verifiers may cache it: a key is announced long before it signs.
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, state.app.jwks().await).into_response()
}
