//! `GET /healthz` and `GET /readyz`: for load balancers and service managers.

use axum::Json;
use axum::extract::State;
use license_core::Code;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::http::HttpState;

/// The process answers.
pub(super) async fn alive() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// The database is reachable and the keys are loaded.
pub(super) async fn ready(State(state): State<HttpState>) -> Result<Json<Value>, ApiError> {
    match state.app.ready().await {
        Ok(()) => Ok(Json(json!({ "status": "ok" }))),
        Err(cause) => {
            tracing::warn!(cause, "not ready to serve");
            Err(ApiError::plain(Code::ServiceUnavailable).retry_after(5))
        }
    }
}
