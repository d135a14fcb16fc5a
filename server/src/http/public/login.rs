//! `/v1/login/…`: redirects of buyers' browsers to the authentication center and back.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::login::setup::LOGIN_COOKIE;
use crate::app::login::{self, LoginReturn, LoginStart};
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::query::{PathName, QueryParameters};

/// `GET /v1/login/{application}`
pub(super) async fn start(
    State(state): State<HttpState>,
    PathName(application): PathName,
    QueryParameters(asked): QueryParameters<LoginStart>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let departure = login::start(&state.app, &application, &asked, mark(&headers)).await?;
    let headers = [(header::LOCATION, departure.address), (header::SET_COOKIE, departure.cookie)];
    Ok((StatusCode::FOUND, headers).into_response())
}

/// `GET /v1/login/callback`
pub(super) async fn callback(
    State(state): State<HttpState>,
    QueryParameters(back): QueryParameters<LoginReturn>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let address = login::finish(&state.app, &back, mark(&headers)).await?;
    Ok((StatusCode::FOUND, [(header::LOCATION, address)]).into_response())
}

/// `GET /v1/login/{application}/logout`
pub(super) async fn logout(
    State(state): State<HttpState>,
    PathName(application): PathName,
    QueryParameters(asked): QueryParameters<LoginStart>,
) -> Result<Response, ApiError> {
    let address = login::logout(&state.app, &application, &asked).await?;
    Ok((StatusCode::FOUND, [(header::LOCATION, address)]).into_response())
}

/// The cookie that [`start`] set: it binds a login to the browser that began it.
fn mark(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == LOGIN_COOKIE).then_some(value))
}
