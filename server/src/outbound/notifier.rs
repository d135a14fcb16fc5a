//! Delivers alerts to the configured webhook and program. What is sent, when and how often is
//! decided by the application.

use std::sync::Arc;
use std::time::Duration;

use super::program::Program;
use super::webhook::Webhook;
use crate::config::Alerts;

/// One delivery, from resolving the name to the end of the answer.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// The configured receivers.
#[derive(Clone, Default)]
pub(crate) struct Notifier {
    webhook: Option<Arc<Webhook>>,
    program: Option<Arc<Program>>,
}

impl Notifier {
    pub(crate) fn new(config: &Alerts) -> anyhow::Result<Self> {
        let webhook = Webhook::new(config, DELIVERY_TIMEOUT)?.map(Arc::new);
        let program = Program::new(&config.command, DELIVERY_TIMEOUT).map(Arc::new);
        Ok(Self { webhook, program })
    }

    pub(crate) const fn has_webhook(&self) -> bool {
        self.webhook.is_some()
    }

    pub(crate) const fn has_program(&self) -> bool {
        self.program.is_some()
    }

    /// Posts a message; the error names no address.
    pub(crate) async fn post(&self, body: Vec<u8>, now: i64) -> Result<(), String> {
        let Some(webhook) = self.webhook.clone() else { return Err(NOT_CONFIGURED.to_owned()) };
        let sent = tokio::task::spawn_blocking(move || webhook.send(&body, now)).await;
        sent.unwrap_or_else(|panic| Err(panic.to_string()))
    }

    /// Runs the program with a message; the error names no argument.
    pub(crate) async fn run(&self, body: &[u8]) -> Result<(), String> {
        match &self.program {
            Some(program) => program.run(body).await,
            None => Err(NOT_CONFIGURED.to_owned()),
        }
    }
}

/// A delivery that was queued before the configuration changed.
const NOT_CONFIGURED: &str = "it is no longer configured";
