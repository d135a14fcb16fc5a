//! `POST /v1/client/licenses`: a program asks for its license.

use axum::Json;
use axum::extract::State;
use license_core::api::{LicenseAnswer, LicenseRequest};

use crate::app::client_license;
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::body::JsonBody;
use crate::http::client_ip::ClientAddress;

const MAX_BODY_BYTES: usize = 16 * 1024;

pub(super) async fn ask(
    State(state): State<HttpState>,
    ClientAddress(caller): ClientAddress,
    JsonBody(request): JsonBody<LicenseRequest, MAX_BODY_BYTES>,
) -> Result<Json<LicenseAnswer>, ApiError> {
    client_license::request(&state.app, request, caller).await.map(Json)
}
