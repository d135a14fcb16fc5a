//! `POST /v1/client/machines/release`: a machine gives its own place back.

use axum::Json;
use axum::extract::State;
use license_core::api::{MachineReturn, MachineReturned};

use super::super::{HttpState, body::Payload};
use crate::app::machines;
use crate::error::ApiError;

/// The longest license, as the text of its file, with room.
const BODY_BYTES: usize = 64 * 1024;

pub(in crate::http) async fn release(
    State(state): State<HttpState>,
    Payload(question): Payload<MachineReturn, BODY_BYTES>,
) -> Result<Json<MachineReturned>, ApiError> {
    machines::return_seat(&state.app, &question).await.map(Json)
}
