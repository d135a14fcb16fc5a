//! HTTP agents for addresses that a configuration or a tenant names: the trusted roots, and a guard
//! that refuses internal addresses after resolving the name (SSRF). The marketplace's client shares
//! the trusted roots alone.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::net::{Network, is_internal};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Whom to believe: Mozilla's roots, those of this machine, and those in the file that the
/// configuration names at `key`.
pub(crate) fn trust(ca_file: Option<&Path>, key: &str) -> anyhow::Result<TlsConfig> {
    let mut roots: Vec<Certificate<'static>> = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    for certificate in rustls_native_certs::load_native_certs().certs {
        roots.push(Certificate::from_der(&certificate).to_owned());
    }
    if let Some(path) = ca_file {
        let named = || format!("{key}: {} cannot be used", path.display());
        for certificate in CertificateDer::pem_file_iter(path).with_context(named)? {
            let certificate = certificate.with_context(named)?;
            roots.push(Certificate::from_der(&certificate).to_owned());
        }
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(roots))).build())
}

/// What may be connected to.
#[derive(Debug)]
pub(crate) struct GuardedResolver {
    /// Which addresses inside are meant.
    pub(crate) inside: InternalAccess,
    /// What the configuration has to say to permit more, for the message.
    pub(crate) hint: &'static str,
}

/// Addresses inside that may be connected to.
#[derive(Debug)]
pub(crate) enum InternalAccess {
    /// Every one.
    All,
    /// Those of these networks.
    Networks(Vec<Network>),
}

impl InternalAccess {
    fn contains(&self, address: std::net::IpAddr) -> bool {
        match self {
            Self::All => true,
            Self::Networks(networks) => networks.iter().any(|network| network.contains(address)),
        }
    }
}

/// An agent without redirects, proxies or kept connections: each request resolves the name anew and
/// connects to an address that was checked.
pub(crate) fn agent(
    tls: TlsConfig,
    time: Duration,
    https_only: bool,
    guard: GuardedResolver,
) -> Agent {
    let settings = Agent::config_builder()
        .tls_config(tls)
        .https_only(https_only)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(MAX_HEADER_BYTES)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(Some(time))
        // A connection that is kept would be used for a name without looking.
        .max_idle_connections(0)
        // A proxy would resolve the name once more.
        .proxy(None)
        .user_agent(concat!("licd/", env!("CARGO_PKG_VERSION")))
        .build();
    Agent::with_parts(settings, DefaultConnector::default(), guard)
}

/// The name leads inside.
#[derive(Debug, thiserror::Error)]
#[error("its name leads to a private, local or reserved address; {0}")]
pub(crate) struct InternalAddress(&'static str);

impl InternalAddress {
    /// What is wrong, if this is it.
    pub(crate) fn of(error: &ureq::Error) -> Option<&Self> {
        match error {
            ureq::Error::Other(error) => error.downcast_ref(),
            _ => None,
        }
    }
}

impl Resolver for GuardedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        let refused = |address| is_internal(address) && !self.inside.contains(address);
        // One address inside beside others is a trick as well.
        if found.iter().any(|address| refused(address.ip())) {
            return Err(ureq::Error::Other(Box::new(InternalAddress(self.hint))));
        }
        Ok(found)
    }
}
