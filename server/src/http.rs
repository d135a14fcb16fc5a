//! The public and the admin listener: routes, handlers, limits, and their start and stop.

mod admin;
mod body;
mod client_ip;
mod jose;
mod layers;
mod limits;
mod listener;
mod metrics;
mod problem;
mod public;
mod query;
mod security_headers;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::app::App;
use crate::net::Network;
pub(crate) use listener::{BoundListeners, RunningListeners};
pub(crate) use tls::load as tls;

/// The state of every handler.
#[derive(Clone)]
pub(crate) struct HttpState {
    /// The use cases.
    pub(crate) app: App,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Arc<[Network]>,
    /// Renders the metrics.
    pub(crate) metrics: PrometheusHandle,
}

/// How often recorded durations are merged into histograms.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Installs the recorder of metrics. Called once in a process.
pub(crate) fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    let buckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
    let commands = Matcher::Full("licd_commands_per_commit".to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets(&buckets)?
        .set_buckets_for_metric(commands, &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0])?
        .install_recorder()?;
    metrics::describe();
    Ok(handle)
}

/// Merges recorded durations into histograms for as long as the process lives.
///
/// The exporter does so only when it renders: without this task a server whose metrics are never
/// read keeps every single duration, and its memory grows without end.
pub(crate) async fn run_metrics_upkeep(metrics: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP_INTERVAL).await;
        metrics.run_upkeep();
    }
}

#[cfg(test)]
mod tests;
