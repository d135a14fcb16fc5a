//! The names and help texts of all metrics, and the middleware that measures requests.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

const REQUESTS: &str = "licd_http_requests_total";
const REQUEST_SECONDS: &str = "licd_http_request_seconds";
pub(super) const REFUSED_CONNECTIONS: &str = "licd_http_connections_refused_total";

/// How a metric is recorded.
#[derive(Clone, Copy)]
enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

/// Every metric of the server, with its help text. docs/OPERATIONS.md explains them.
const METRICS: &[(MetricKind, &str, &str)] = &[
    (MetricKind::Counter, REQUESTS, "Requests answered, by route, method and status."),
    (MetricKind::Histogram, REQUEST_SECONDS, "Seconds to answer a request, by route."),
    (
        MetricKind::Counter,
        REFUSED_CONNECTIONS,
        "Connections closed at once because every place was taken.",
    ),
    (
        MetricKind::Counter,
        "licd_market_calls_total",
        "Calls of the marketplace, by activity and result.",
    ),
    (
        MetricKind::Counter,
        "licd_client_licenses_total",
        "Programs that asked for a license, by code.",
    ),
    (
        MetricKind::Counter,
        "licd_client_returns_total",
        "Machines that gave their own place back, by code.",
    ),
    (MetricKind::Counter, "licd_client_usage_total", "Programs' reports of usage, by code."),
    (MetricKind::Counter, "licd_logins_total", "Buyers who came back from a login, by result."),
    (MetricKind::Counter, "licd_licenses_issued_total", "Licenses signed."),
    (MetricKind::Gauge, "licd_applications", "Accepted applications not served yet, by state."),
    (
        MetricKind::Counter,
        "licd_applications_held_total",
        "Applications that had to be held, by code.",
    ),
    (MetricKind::Gauge, "licd_orders", "Orders that wait to be read."),
    (MetricKind::Counter, "licd_order_reads_total", "Attempts to read an order, by result."),
    (MetricKind::Gauge, "licd_uploads", "Licenses not delivered, by state."),
    (MetricKind::Counter, "licd_uploads_total", "Attempts to upload a license, by result."),
    (
        MetricKind::Gauge,
        "licd_refund_seconds_left",
        "Until the next unread order is paid back; 7200: none.",
    ),
    (
        MetricKind::Gauge,
        "licd_license_wait_seconds",
        "How long the buyer has waited who waits longest.",
    ),
    (MetricKind::Gauge, "licd_usage_records", "Records of usage not delivered, by state."),
    (MetricKind::Counter, "licd_usage_calls_total", "Calls with usage records, by result."),
    (
        MetricKind::Counter,
        "licd_alert_deliveries_total",
        "Attempts to tell an alert, by target and result.",
    ),
    (MetricKind::Gauge, "licd_marketplace_gate", "0 open, 1 resting after failures, 2 closed."),
    (MetricKind::Histogram, "licd_commands_per_commit", "Writes that shared a transaction."),
];

/// Gives the recorder the help texts.
pub(super) fn describe() {
    for (kind, name, help) in METRICS {
        match kind {
            MetricKind::Counter => metrics::describe_counter!(*name, *help),
            MetricKind::Gauge => metrics::describe_gauge!(*name, *help),
            MetricKind::Histogram => metrics::describe_histogram!(*name, *help),
        }
    }
}

/// Counts one request. Labels are routes, never paths: a client could make a new series by each
/// path that it invents.
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
    metrics::histogram!(REQUEST_SECONDS, "route" => route.clone()).record(duration);
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(route, method, status, duration_ms, "answered a request");
    response
}

/// A method that is served, or `other`: a client must not make a new series by its invention.
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
