//! `/api/v1/audit`

use axum::Json;
use axum::extract::State;
use license_core::audit::Link;

use super::super::{HttpState, query::Parameters};
use crate::app::AuditFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(state): State<HttpState>,
    Parameters(filter): Parameters<AuditFilter>,
) -> Result<Json<Vec<Link>>, ApiError> {
    state.app.audit(&filter).await.map(Json)
}
