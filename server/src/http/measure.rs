//! Counts requests and how long they take.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

const REQUESTS: &str = "licd_http_requests_total";
const SECONDS: &str = "licd_http_request_seconds";

/// Help texts of the metrics of this module's family.
pub(super) fn describe() {
    metrics::describe_counter!(REQUESTS, "Requests answered, by route, method and status.");
    metrics::describe_histogram!(SECONDS, "Time to answer a request, by route.");
    metrics::describe_counter!(
        "licd_http_connections_refused_total",
        "Connections closed at once because every place was taken."
    );
}

/// Counts one request. Labels are routes, never paths: strangers choose paths.
pub(super) async fn count(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "unknown".to_owned());
    let method = method_label(request.method().as_str());

    let response = next.run(request).await;

    let duration = started.elapsed();
    let status = response.status().as_u16();
    metrics::counter!(REQUESTS, "route" => route.clone(), "method" => method, "status" => status.to_string())
        .increment(1);
    metrics::histogram!(SECONDS, "route" => route.clone()).record(duration);
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(route, method, status, duration_ms, "answered a request");
    response
}

/// Methods that we serve by name; a stranger's invention does not become a label.
fn method_label(method: &str) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "DELETE"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}
