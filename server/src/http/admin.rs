//! What `admin_listen` serves: the admin API, its description, the metrics.

mod alerts;
mod audit;
mod auth;
mod codes;
mod instances;
mod keys;
mod kit;
mod licenses;
mod logins;
mod machines;
mod metrics;
mod notices;
mod openapi;
mod products;
mod releases;
mod routes;
mod tokens;
mod uploads;
mod usage;

use axum::{Router, middleware};

use super::{HttpState, layers};
pub(super) use auth::Caller;
#[cfg(test)]
pub(super) use routes::Access;
pub(super) use routes::ROUTES;

/// The largest body of the admin API: a release list that was signed elsewhere, with room.
const BODY_BYTES: usize = 512 * 1024;

pub(super) fn router(state: HttpState, secure: bool) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        router = router.route(route.path, (route.handler)());
    }
    // Behind the routing, so that the guard knows which route it guards.
    let router = router.route_layer(middleware::from_fn_with_state(state.clone(), auth::admit));
    layers::wrap(router, secure).with_state(state)
}
