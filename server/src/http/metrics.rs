//! Counts requests and how long they take.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

const REQUESTS: &str = "licd_http_requests_total";
const SECONDS: &str = "licd_http_request_seconds";
pub(super) const REFUSED: &str = "licd_http_connections_refused_total";

/// What a metric is.
#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Every metric of the server, with its help text. docs/OPERATIONS.md explains them.
const METRICS: &[(Kind, &str, &str)] = &[
    (Kind::Counter, REQUESTS, "Requests answered, by route, method and status."),
    (Kind::Histogram, SECONDS, "Seconds to answer a request, by route."),
    (Kind::Counter, REFUSED, "Connections closed at once because every place was taken."),
    (Kind::Counter, "licd_market_calls_total", "Calls of the marketplace, by activity and result."),
    (Kind::Counter, "licd_client_licenses_total", "Programs that asked for a license, by code."),
    (
        Kind::Counter,
        "licd_client_returns_total",
        "Machines that gave their own place back, by code.",
    ),
    (Kind::Counter, "licd_client_usage_total", "Programs' reports of usage, by code."),
    (Kind::Counter, "licd_logins_total", "Buyers who came back from a login, by result."),
    (Kind::Counter, "licd_licenses_issued_total", "Licenses signed."),
    (Kind::Gauge, "licd_applications", "Accepted applications not served yet, by state."),
    (Kind::Counter, "licd_applications_held_total", "Applications that had to be held, by code."),
    (Kind::Gauge, "licd_orders", "Orders that wait to be read."),
    (Kind::Counter, "licd_order_reads_total", "Attempts to read an order, by result."),
    (Kind::Gauge, "licd_uploads", "Licenses not delivered, by state."),
    (Kind::Counter, "licd_uploads_total", "Attempts to upload a license, by result."),
    (
        Kind::Gauge,
        "licd_refund_seconds_left",
        "Until the next unread order is paid back; 7200: none.",
    ),
    (Kind::Gauge, "licd_license_wait_seconds", "How long the buyer has waited who waits longest."),
    (Kind::Gauge, "licd_usage_records", "Records of usage not delivered, by state."),
    (Kind::Counter, "licd_usage_calls_total", "Calls with usage records, by result."),
    (
        Kind::Counter,
        "licd_alert_deliveries_total",
        "Attempts to tell an alert, by target and result.",
    ),
    (Kind::Gauge, "licd_marketplace_gate", "0 open, 1 resting after failures, 2 closed."),
    (Kind::Histogram, "licd_commands_per_commit", "Writes that shared a transaction."),
];

/// Tells the recorder what everything means.
pub(super) fn describe() {
    for (kind, name, help) in METRICS {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *help),
            Kind::Gauge => metrics::describe_gauge!(*name, *help),
            Kind::Histogram => metrics::describe_histogram!(*name, *help),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_find_every_metric_explained() {
        let page = include_str!("../../../docs/OPERATIONS.md");
        for (_, name, _) in METRICS {
            assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/OPERATIONS.md");
        }
    }
}
