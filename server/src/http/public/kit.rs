//! `POST /koogallery/produceAPI/…`: every call of the joint-operation kit.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use koogallery::answer::Answer;
use koogallery::code::ResultCode;
use koogallery::kit::signature::{NONCE, SIGN, TIMESTAMP};
use koogallery::kit::{KitInterface, LIMIT};
use koogallery::{Edition, Presented};

use super::market;
use crate::app::joint_kit::{self, KitCredentials};
use crate::http::HttpState;

/// One route for each call in each edition.
pub(super) fn routes() -> Router<HttpState> {
    let mut router = Router::new();
    for &interface in KitInterface::ALL {
        for edition in [Edition::V1, Edition::V2] {
            let path = format!("/koogallery{}", interface.path(edition));
            let call = move |state, request| call(interface, edition, state, request);
            router = router.route(&path, post(call));
        }
    }
    router
}

/// The app gets the headers and the body as they came: the signature covers their bytes.
async fn call(
    interface: KitInterface,
    edition: Edition,
    State(state): State<HttpState>,
    request: Request,
) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    let body = market::read(&parts.headers, body, LIMIT).await?;
    let shown = KitCredentials {
        presented: Presented {
            signature: header(&parts.headers, SIGN),
            timestamp: header(&parts.headers, TIMESTAMP),
            nonce: header(&parts.headers, NONCE),
        },
        token: header(&parts.headers, koogallery::auth_token::NAME),
    };
    let call = async move { joint_kit::call(&state.app, interface, edition, &shown, &body).await };
    let answer = market::detached(call).await;
    Ok(market::json(answer.unwrap_or_else(|| Answer::of(ResultCode::Internal).to_json())))
}

/// A header that is absent or no text counts as empty: the signature check refuses it.
fn header(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().trim().to_owned()
}
