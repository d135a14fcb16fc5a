//! `POST /v1/client/licenses`: a program asks for its license.

use axum::Json;
use axum::extract::State;
use license_core::api::{LicenseAnswer, LicenseRequest};

use super::super::{HttpState, body::Payload, client_ip::ClientAddress};
use crate::app::client_license;
use crate::error::ApiError;

const BODY_BYTES: usize = 16 * 1024;

pub(in crate::http) async fn ask(
    State(state): State<HttpState>,
    ClientAddress(caller): ClientAddress,
    Payload(request): Payload<LicenseRequest, BODY_BYTES>,
) -> Result<Json<LicenseAnswer>, ApiError> {
    client_license::request(&state.app, request, caller).await.map(Json)
}
