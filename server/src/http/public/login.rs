//! `/v1/login/…`: browsers of buyers, on their way to the authentication centre and back.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::{
    HttpState,
    query::{Name, Parameters},
};
use crate::app::login;
use crate::app::login::setup::LOGIN_COOKIE;
use crate::app::login::{LoginReturn, LoginStart};
use crate::error::ApiError;

/// `GET /v1/login/{application}`
pub(in crate::http) async fn start(
    State(state): State<HttpState>,
    Name(application): Name,
    Parameters(asked): Parameters<LoginStart>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let departure = login::start(&state.app, &application, &asked, mark(&headers)).await?;
    let headers = [(header::LOCATION, departure.address), (header::SET_COOKIE, departure.cookie)];
    Ok((StatusCode::FOUND, headers).into_response())
}

/// `GET /v1/login/callback`
pub(in crate::http) async fn callback(
    State(state): State<HttpState>,
    Parameters(back): Parameters<LoginReturn>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let address = login::finish(&state.app, &back, mark(&headers)).await?;
    Ok((StatusCode::FOUND, [(header::LOCATION, address)]).into_response())
}

/// `GET /v1/login/{application}/logout`
pub(in crate::http) async fn logout(
    State(state): State<HttpState>,
    Name(application): Name,
    Parameters(asked): Parameters<LoginStart>,
) -> Result<Response, ApiError> {
    let address = login::logout(&state.app, &application, &asked).await?;
    Ok((StatusCode::FOUND, [(header::LOCATION, address)]).into_response())
}

/// What an earlier beginning left in this browser.
fn mark(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == LOGIN_COOKIE).then_some(value))
}
