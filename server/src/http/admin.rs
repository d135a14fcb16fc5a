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
mod route;
mod schema;
mod tokens;
mod uploads;
mod usage;

use axum::routing::get;
use axum::{Json, Router, middleware};
use serde_json::Value;

use super::{HttpState, layers};
pub(super) use auth::Caller;
pub(super) use route::{Access, Route};

/// The rows of each resource.
const RESOURCES: &[&[Route]] = &[
    DESCRIPTION,
    metrics::ROUTES,
    alerts::ROUTES,
    audit::ROUTES,
    codes::ROUTES,
    instances::ROUTES,
    keys::ROUTES,
    kit::ROUTES,
    licenses::ROUTES,
    logins::ROUTES,
    machines::ROUTES,
    notices::ROUTES,
    products::ROUTES,
    releases::ROUTES,
    tokens::ROUTES,
    uploads::ROUTES,
    usage::ROUTES,
];

const DESCRIPTION: &[Route] =
    &[Route::get("/openapi.json", Access::Open, || get(describe)).summary("This document")];

/// Every route of the listener: from these the router, its guards and the `OpenAPI` document are
/// made. A route that is not among them does not exist.
pub(super) fn routes() -> impl Iterator<Item = &'static Route> {
    RESOURCES.iter().copied().flatten()
}

async fn describe() -> Json<Value> {
    Json(openapi::document(routes()))
}

pub(super) fn router(state: HttpState, secure: bool) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let mut handler = (route.handler)();
        // Around the handler alone: a path under a method that it does not have is a 405 without
        // a token.
        if let Access::From(least) = route.access {
            let guard = middleware::from_fn_with_state((state.clone(), least), auth::admit);
            handler = handler.route_layer(guard);
        }
        router = router.route(route.path, handler);
    }
    layers::wrap(router, secure).with_state(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        let document = openapi::document(routes());
        let text = document.to_string();
        let references: Vec<&str> = text
            .split("\"#/components/schemas/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert!(references.len() > 20, "{}", references.len());
        for name in references {
            assert!(document["components"]["schemas"].get(name).is_some(), "{name} is missing");
        }
    }

    #[test]
    fn every_route_is_described() {
        let document = openapi::document(routes());
        for route in routes() {
            let method = route.method.as_str().to_lowercase();
            let operation = &document["paths"][route.path][&method];
            assert_eq!(operation["summary"], route.summary, "{method} {}", route.path);
            assert!(!route.summary.is_empty(), "{method} {}", route.path);
            let needs_token = route.access != Access::Open;
            assert_eq!(operation.get("security").is_some(), needs_token, "{}", route.path);
        }
    }
}
