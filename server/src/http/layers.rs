//! The middleware around the routes of both listeners.

use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use super::{limits, metrics, problem, security_headers};

/// Puts the layers around a listener's routes. `secure`: this listener terminates TLS.
///
/// A later layer wraps the earlier ones, so a request passes them from the bottom up: security
/// headers, metrics, time limit, panics, routes.
pub(super) fn wrap<S>(router: Router<S>, secure: bool) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let router = router
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        // Innermost: a panic becomes a 500 that the layers outside of it count and decorate.
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::from_fn(limits::answer_in_time))
        // Outside of the time limit: a request that was given up counts as a 503.
        .layer(middleware::from_fn(metrics::count))
        // Outermost: refusals of the layers within carry the headers too.
        .layer(middleware::from_fn(security_headers::add_headers));
    if secure {
        router.layer(middleware::from_fn(security_headers::add_transport_header))
    } else {
        router
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use axum::http::{Request, header};
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::super::problem::MEDIA_TYPE;
    use super::*;

    async fn panics() -> &'static str {
        std::future::ready(()).await;
        panic!("on purpose")
    }

    async fn sleeps() -> &'static str {
        tokio::time::sleep(Duration::from_hours(1)).await;
        "late"
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_a_500_and_a_slow_answer_a_503() {
        let router = Router::new().route("/panics", get(panics)).route("/sleeps", get(sleeps));
        let router = wrap(router, true);
        for (path, status) in [("/panics", 500), ("/sleeps", 503)] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{path}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
            assert!(response.headers().contains_key(header::RETRY_AFTER));
            assert!(response.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
        }
    }
}
