//! A webhook: one POST, signed, to an address that was looked at after its name was resolved.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use ureq::Agent;

use super::agent::{GuardedResolver, InternalAccess, InternalAddress, agent, trust};
use crate::config::{Alerts, Secret};

/// What is read of an answer; what it says does not matter.
const MAX_ANSWER_BYTES: u64 = 2048;

/// Where alerts are posted to.
pub(crate) struct Webhook {
    agent: Agent,
    url: Secret,
    secret: Secret,
}

impl Webhook {
    /// `None` where none is configured.
    pub(crate) fn new(config: &Alerts, timeout: Duration) -> anyhow::Result<Option<Self>> {
        let (Some(url), Some(secret)) = (&config.webhook, &config.webhook_secret) else {
            return Ok(None);
        };
        let tls = trust(config.ca_file.as_deref(), "alerts.ca_file")?;
        let none = || InternalAccess::Networks(Vec::new());
        let guard = GuardedResolver {
            inside: if config.allow_private { InternalAccess::All } else { none() },
            hint: "alerts.allow_private = true permits it",
        };
        let agent = agent(tls, timeout, true, guard);
        Ok(Some(Self { agent, url: url.clone(), secret: secret.clone() }))
    }

    /// Posts a message; an answer of the 200s means that it was taken.
    pub(crate) fn send(&self, body: &[u8], now: i64) -> Result<(), String> {
        let sent = self
            .agent
            .post(self.url.expose())
            .header("Content-Type", "application/json")
            .header("Licd-Timestamp", now.to_string())
            .header("Licd-Signature", signature(&self.secret, now, body))
            .send(body);
        let mut answer = sent.map_err(|error| words(&error))?;
        let status = answer.status();
        // Read so that the receiver can finish; a longer answer is cut off.
        let _ = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
        if status.is_success() { Ok(()) } else { Err(format!("HTTP {}", status.as_u16())) }
    }
}

/// What a receiver computes as well: the time is part of it, so that an old message cannot be
/// played again.
pub(crate) fn signature(secret: &Secret, timestamp: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(format!("{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// The cause without the address, which may hold a token.
fn words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "the name of the webhook is not known".to_owned(),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "the address cannot be used".to_owned(),
        other => InternalAddress::of(other).map_or_else(|| other.to_string(), ToString::to_string),
    }
}

#[cfg(test)]
mod tests;
