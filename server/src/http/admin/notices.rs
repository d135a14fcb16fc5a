//! `/api/v1/notices`: order lines that the marketplace notified of.

use axum::Json;
use axum::extract::State;
use axum::routing::get;
use license_core::api::NoticeView;

use super::route::{Route, VIEWER};
use super::schema::list_of;
use crate::app::notices::{self, NoticeFilter};
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::query::QueryParameters;

pub(super) const ROUTES: &[Route] = &[Route::get("/api/v1/notices", VIEWER, || get(list))
    .summary("Orders that the marketplace notified us of, newest first")
    .query(&["order_id", "state", "limit"])
    .answers(200, list_of::<NoticeView>)];

async fn list(
    State(state): State<HttpState>,
    QueryParameters(filter): QueryParameters<NoticeFilter>,
) -> Result<Json<Vec<NoticeView>>, ApiError> {
    notices::list(&state.app, &filter).await.map(Json)
}
