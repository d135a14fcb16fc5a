//! The signed lists and the public keys: documents that programs fetch and verify themselves.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::super::{App, query::Parameters};
use crate::desk::SignedDocument;
use crate::error::ApiError;

/// Which releases are asked for.
#[derive(Deserialize)]
pub(in crate::http) struct ReleaseQuery {
    product: String,
    #[serde(default = "every_platform")]
    platform: String,
    #[serde(default = "stable")]
    channel: String,
}

fn every_platform() -> String {
    "*".to_owned()
}

fn stable() -> String {
    "stable".to_owned()
}

/// `GET /v1/client/releases`
pub(in crate::http) async fn releases(
    State(app): State<App>,
    headers: HeaderMap,
    Parameters(query): Parameters<ReleaseQuery>,
) -> Result<Response, ApiError> {
    let list = app.desk.release_list(&query.product, &query.platform, &query.channel).await?;
    Ok(document(&headers, list))
}

/// `GET /v1/client/trust`
pub(in crate::http) async fn trust(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    Ok(document(&headers, app.desk.trust_list().await?))
}

/// `GET /v1/client/revocations`
pub(in crate::http) async fn revocations(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    Ok(document(&headers, app.desk.revocation_list().await?))
}

/// `GET /.well-known/jwks.json`
pub(in crate::http) async fn jwks(State(app): State<App>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/jwk-set+json"),
        // Verifiers may keep it; a key is announced long before it signs.
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, app.desk.jwks().to_owned()).into_response()
}

/// The document alone, or 304 where the caller has it. Kept copies are asked about every time: a
/// change shows at once.
fn document(asked: &HeaderMap, signed: SignedDocument) -> Response {
    let etag = format!("\"{}\"", signed.etag.trim_matches('"'));
    let known = asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag == etag);
    let headers = [(header::ETAG, etag), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(header::CONTENT_TYPE, "application/jose")], signed.document).into_response()
}
