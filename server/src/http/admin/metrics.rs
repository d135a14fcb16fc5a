//! `/metrics`: the metrics in the text format of Prometheus.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::route::{Access, Route};
use crate::http::HttpState;

pub(super) const ROUTES: &[Route] = &[Route::get("/metrics", Access::Open, || get(show))
    .summary("Metrics as Prometheus reads them: counts and times, no names")];

async fn show(State(state): State<HttpState>) -> Response {
    let text = state.metrics.render();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
