//! `/api/v1/audit`: the links of the audit chains.

use axum::Json;
use axum::extract::State;
use axum::routing::get;
use license_core::audit::Link;

use super::route::{OPERATOR, Route};
use super::schema::list_of;
use crate::app::audit::{self, AuditFilter};
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::query::QueryParameters;

pub(super) const ROUTES: &[Route] = &[Route::get("/api/v1/audit", OPERATOR, || get(list))
    .summary("What was done and by whom: the links of the audit chains")
    .query(&["server", "since", "until", "after", "limit"])
    .answers(200, list_of::<Link>)];

async fn list(
    State(state): State<HttpState>,
    QueryParameters(filter): QueryParameters<AuditFilter>,
) -> Result<Json<Vec<Link>>, ApiError> {
    audit::list(&state.app, &filter).await.map(Json)
}
