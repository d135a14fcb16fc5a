//! A webhook: one POST, signed, to an address that was looked at after its name was resolved.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::Sha256;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::{TIME, is_internal};
use crate::config::{Alerts, Secret};

const CONNECT: Duration = Duration::from_secs(5);
/// What is read of an answer; what it says does not matter.
const ANSWER_LIMIT: u64 = 2048;
const HEADER_LIMIT: usize = 16 * 1024;

/// Where alerts are posted to.
pub(crate) struct Webhook {
    agent: Agent,
    url: Secret,
    secret: Secret,
}

impl Webhook {
    /// `None` where none is configured.
    pub(crate) fn new(config: &Alerts) -> anyhow::Result<Option<Self>> {
        let (Some(url), Some(secret)) = (&config.webhook, &config.webhook_secret) else {
            return Ok(None);
        };
        let tls = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(roots(config)?)));
        let settings = Agent::config_builder()
            .tls_config(tls.build())
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(HEADER_LIMIT)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(TIME))
            // Each time to an address that was looked at for this time.
            .max_idle_connections(0)
            // A proxy would resolve the name once more.
            .proxy(None)
            .user_agent(concat!("licd/", env!("CARGO_PKG_VERSION")))
            .build();
        let resolver = Checked { allow_private: config.allow_private };
        let agent = Agent::with_parts(settings, DefaultConnector::default(), resolver);
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
        let _ = answer.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec();
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
        ureq::Error::Other(error) if error.is::<Inside>() => Inside.to_string(),
        other => other.to_string(),
    }
}

/// The name leads inside.
#[derive(Debug, thiserror::Error)]
#[error(
    "its name leads to a private, local or reserved address; alerts.allow_private = true permits it"
)]
struct Inside;

/// Resolves names, and gives out only what may be connected to: it is these very addresses that
/// are connected to.
#[derive(Debug)]
struct Checked {
    allow_private: bool,
}

impl Resolver for Checked {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        // One address inside beside others is a trick as well.
        if !self.allow_private && found.iter().any(|address| is_internal(address.ip())) {
            return Err(ureq::Error::Other(Box::new(Inside)));
        }
        Ok(found)
    }
}

/// Whom to believe: Mozilla's roots, those of this machine, and the one that is configured.
fn roots(config: &Alerts) -> anyhow::Result<Vec<Certificate<'static>>> {
    let mut roots: Vec<Certificate<'static>> = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    for certificate in rustls_native_certs::load_native_certs().certs {
        roots.push(Certificate::from_der(&certificate).to_owned());
    }
    if let Some(path) = &config.ca_file {
        let named = || format!("alerts.ca_file: {} cannot be used", path.display());
        for certificate in CertificateDer::pem_file_iter(path).with_context(named)? {
            let certificate = certificate.with_context(named)?;
            roots.push(Certificate::from_der(&certificate).to_owned());
        }
    }
    Ok(roots)
}

#[cfg(test)]
mod tests;
