//! `GET /healthz` and `GET /readyz`: for load balancers and service managers.

use axum::Json;
use axum::extract::State;
use license_core::Code;
use serde_json::{Value, json};

use super::super::HttpState;
use crate::error::ApiError;

/// The process answers.
pub(in crate::http) async fn alive() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// The database is reachable and the keys are loaded.
pub(in crate::http) async fn ready(
    State(state): State<HttpState>,
) -> Result<Json<Value>, ApiError> {
    match state.app.ready().await {
        Ok(()) => Ok(Json(json!({ "status": "ok" }))),
        Err(cause) => {
            tracing::warn!(cause, "not ready to serve");
            Err(ApiError::plain(Code::ServiceUnavailable).retry_after(5))
        }
    }
}
