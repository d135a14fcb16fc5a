//! What every request of either listener passes through, from the outside in.

use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use super::{App, limits, measure, problem, security};

/// Puts the layers around a listener's routes. `secure`: TLS ends here.
pub(super) fn wrap(router: Router<App>, secure: bool) -> Router<App> {
    let router = router
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        // Inside of the counting, so that a panic counts as the 500 that it becomes.
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::from_fn(limits::answer_in_time))
        .layer(middleware::from_fn(measure::count))
        .layer(middleware::from_fn(security::add_headers));
    if secure { router.layer(middleware::from_fn(security::add_transport_header)) } else { router }
}
