//! Responses that are a signed document: `application/jose` with an `ETag`.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::app::signed_lists::SignedDocument;

/// Which release list is asked for.
#[derive(Deserialize)]
pub(super) struct ReleaseQuery {
    pub(super) product: String,
    #[serde(default = "every_platform")]
    pub(super) platform: String,
    #[serde(default = "stable")]
    pub(super) channel: String,
}

fn every_platform() -> String {
    "*".to_owned()
}

fn stable() -> String {
    "stable".to_owned()
}

/// The document, or 304 where `If-None-Match` names it. `no-cache` makes clients revalidate a
/// copy every time, so that a revocation is seen at once.
pub(super) fn answer(asked: &HeaderMap, signed: SignedDocument) -> Response {
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
