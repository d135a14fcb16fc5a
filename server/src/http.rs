//! The two listeners: what they serve, to whom, and how they start and stop.

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
pub(crate) use listener::{Bound, Running};
pub(crate) use tls::load as tls;

/// What every handler can reach.
#[derive(Clone)]
pub(crate) struct HttpState {
    /// Decides and keeps everything.
    pub(crate) app: App,
    /// Whose `X-Forwarded-For` counts.
    pub(crate) trusted_proxies: Arc<[Network]>,
    /// Renders the metrics.
    pub(crate) metrics: PrometheusHandle,
}

/// How often what was measured is added up.
const ADDED_UP: Duration = Duration::from_secs(5);

/// Starts to count. Called once in a process.
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

/// Adds up what was measured, for as long as the process lives. Until somebody reads the metrics
/// each single duration is kept otherwise, and a server that nobody asks grows without end.
pub(crate) async fn add_up(metrics: PrometheusHandle) {
    loop {
        tokio::time::sleep(ADDED_UP).await;
        metrics.run_upkeep();
    }
}

#[cfg(test)]
mod tests;
