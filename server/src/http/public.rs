//! The public listener's routes: the marketplace, customers' programs, logins, health.

mod health;
mod kit;
mod licenses;
mod lists;
mod login;
mod machines;
mod market;
mod usage;

use axum::Router;
use axum::routing::{get, post};

use super::{HttpState, layers};

pub(super) fn router(state: HttpState, secure: bool) -> Router {
    let router = Router::new()
        .route("/koogallery", post(market::call).merge(market::queries()))
        .route("/v1/client/licenses", post(licenses::ask))
        .route("/v1/client/machines/release", post(machines::release))
        .route("/v1/client/usage", post(usage::report))
        .route("/v1/client/releases", get(lists::releases))
        .route("/v1/client/trust", get(lists::trust))
        .route("/v1/client/revocations", get(lists::revocations))
        .route("/v1/login/callback", get(login::callback))
        .route("/v1/login/{application}", get(login::start))
        .route("/v1/login/{application}/logout", get(login::logout))
        .route("/.well-known/jwks.json", get(lists::jwks))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .merge(kit::routes());
    layers::wrap(router, secure).with_state(state)
}
