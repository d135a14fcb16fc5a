//! Where alerts leave the server: a webhook over HTTPS, a command of this machine. What is sent,
//! when and how often is decided elsewhere.

mod command;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use command::Command;
pub(crate) use webhook::Webhook;

use crate::config::Alerts;
use crate::store::AlertTarget;

/// For a whole delivery, from the look-up of a name to the end of the answer.
const TIME: Duration = Duration::from_secs(10);

/// What is configured.
#[derive(Clone, Default)]
pub(crate) struct Outlets {
    webhook: Option<Arc<Webhook>>,
    command: Option<Arc<Command>>,
}

impl Outlets {
    pub(crate) fn new(config: &Alerts) -> anyhow::Result<Self> {
        let webhook = Webhook::new(config)?.map(Arc::new);
        Ok(Self { webhook, command: Command::new(&config.command).map(Arc::new) })
    }

    /// To whom alerts are told.
    pub(crate) fn targets(&self) -> Vec<AlertTarget> {
        let webhook = self.webhook.as_ref().map(|_| AlertTarget::Webhook);
        let command = self.command.as_ref().map(|_| AlertTarget::Command);
        webhook.into_iter().chain(command).collect()
    }

    /// Sends one message; why it was not taken, without any address or argument.
    pub(crate) async fn send(
        &self,
        target: AlertTarget,
        body: Vec<u8>,
        now: i64,
    ) -> Result<(), String> {
        match (target, &self.webhook, &self.command) {
            (AlertTarget::Webhook, Some(webhook), _) => {
                let webhook = Arc::clone(webhook);
                let sent = tokio::task::spawn_blocking(move || webhook.send(&body, now)).await;
                sent.unwrap_or_else(|error| Err(error.to_string()))
            }
            (AlertTarget::Command, _, Some(command)) => command.run(&body).await,
            _ => Err("it is no longer configured".to_owned()),
        }
    }
}
