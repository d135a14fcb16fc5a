//! What `listen` serves: the marketplace, programs that ask for licenses, health.

mod health;
mod licenses;
mod lists;
mod market;

use axum::Router;
use axum::routing::{get, post};

use super::{App, layers};

pub(super) fn router(app: App, secure: bool) -> Router {
    let router = Router::new()
        .route("/koogallery", post(market::call).merge(market::queries()))
        .route("/v1/client/licenses", post(licenses::ask))
        .route("/v1/client/releases", get(lists::releases))
        .route("/v1/client/trust", get(lists::trust))
        .route("/v1/client/revocations", get(lists::revocations))
        .route("/.well-known/jwks.json", get(lists::jwks))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready));
    layers::wrap(router, secure).with_state(app)
}
