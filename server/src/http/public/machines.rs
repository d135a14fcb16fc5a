//! `POST /v1/client/machines/release`: a machine gives its own seat back.

use axum::Json;
use axum::extract::State;
use license_core::api::{MachineReturn, MachineReturned};

use crate::app::machines;
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::body::JsonBody;

/// The longest license as the text of its file, with room.
const MAX_BODY_BYTES: usize = 64 * 1024;

pub(super) async fn release(
    State(state): State<HttpState>,
    JsonBody(question): JsonBody<MachineReturn, MAX_BODY_BYTES>,
) -> Result<Json<MachineReturned>, ApiError> {
    machines::return_seat(&state.app, &question).await.map(Json)
}
