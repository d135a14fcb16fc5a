//! `/api/v1/codes`: the marketplace's authorization codes.

use axum::Json;
use axum::extract::State;
use axum::routing::get;
use license_core::api::CodeView;

use super::route::{OPERATOR, Route};
use super::schema::{list_of, of};
use crate::app::authorization_codes::{self, CodeFilter};
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::query::{PathName, QueryParameters};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/v1/codes", OPERATOR, || get(list))
        .summary("The marketplace's authorization codes that programs use here")
        .query(&["state", "instance_id", "after", "limit"])
        .answers(200, list_of::<CodeView>),
    Route::get("/api/v1/codes/{id}", OPERATOR, || get(show))
        .summary("One authorization code")
        .answers(200, of::<CodeView>),
];

async fn list(
    State(state): State<HttpState>,
    QueryParameters(filter): QueryParameters<CodeFilter>,
) -> Result<Json<Vec<CodeView>>, ApiError> {
    authorization_codes::list(&state.app, &filter).await.map(Json)
}

async fn show(
    State(state): State<HttpState>,
    PathName(code): PathName,
) -> Result<Json<CodeView>, ApiError> {
    authorization_codes::find(&state.app, &code).await.map(Json)
}
