//! `/metrics`

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::super::HttpState;

pub(super) async fn show(State(state): State<HttpState>) -> Response {
    let text = state.metrics.render();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
