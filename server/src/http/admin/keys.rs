//! `/api/v1/keys`

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::super::HttpState;

pub(super) async fn list(State(state): State<HttpState>) -> Response {
    ([(header::CONTENT_TYPE, "application/jwk-set+json")], state.app.jwks().await).into_response()
}
