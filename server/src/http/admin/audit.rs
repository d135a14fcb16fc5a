//! `/api/v1/audit`

use axum::Json;
use axum::extract::State;
use license_core::audit::Link;

use super::super::{App, query::Parameters};
use crate::desk::AuditFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(app): State<App>,
    Parameters(filter): Parameters<AuditFilter>,
) -> Result<Json<Vec<Link>>, ApiError> {
    app.desk.audit(&filter).await.map(Json)
}
