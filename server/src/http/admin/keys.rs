//! `/api/v1/keys`

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::super::App;

pub(super) async fn list(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "application/jwk-set+json")], app.desk.jwks().await).into_response()
}
