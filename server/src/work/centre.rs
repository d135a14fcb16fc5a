//! The way to a buyer's authentication centre: strictly verified TLS, an address that was looked
//! at after its name was resolved, little time and little room. Blocking; called away from the
//! async workers.

use std::sync::Arc;
use std::time::Duration;

use koogallery::oauth::{self, Centre, OauthError, UserInfo};
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::inside::is_internal;
use super::marketplace::roots;
use crate::config::{Koogallery, Login, Network};

const CONNECT: Duration = Duration::from_secs(5);
/// For one request with its answer.
const TOTAL: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
const ANSWER_LIMIT: u64 = 64 * 1024;
const HEADER_LIMIT: usize = 16 * 1024;

/// Asks authentication centres.
pub(crate) struct Centres {
    agent: Agent,
}

/// One login to be finished.
pub(crate) struct Exchange<'a> {
    pub(crate) centre: &'a Centre,
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: &'a str,
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) verifier: Option<&'a str>,
}

/// Why nobody is known. Holds nothing of a person and no token.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum NobodyKnown {
    /// The centre refused; its word.
    #[error("the authentication centre refused: {0}")]
    Refused(String),
    /// It answered what nobody understands.
    #[error("the authentication centre's answer cannot be read: {0}")]
    Unreadable(String),
    /// It did not answer.
    #[error("the authentication centre does not answer: {0}")]
    Unreachable(String),
}

impl Centres {
    pub(crate) fn new(login: &Login, koogallery: &Koogallery) -> anyhow::Result<Self> {
        let roots = RootCerts::Specific(Arc::new(roots(koogallery)?));
        let settings = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(HEADER_LIMIT)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(TOTAL))
            // Each time to an address that was looked at for this time.
            .max_idle_connections(0)
            // A proxy would resolve the name once more.
            .proxy(None)
            .user_agent(concat!("licd/", env!("CARGO_PKG_VERSION")))
            .build();
        let resolver = Checked { allowed: login.private_centres.clone() };
        let agent = Agent::with_parts(settings, DefaultConnector::default(), resolver);
        Ok(Self { agent })
    }

    /// Turns a code into who it belongs to; the tokens are forgotten with this call.
    pub(crate) fn exchange(&self, exchange: &Exchange<'_>) -> Result<UserInfo, NobodyKnown> {
        let form = oauth::token_form(
            exchange.client_id,
            exchange.client_secret,
            exchange.code,
            exchange.redirect_uri,
            exchange.verifier,
        );
        let asked = self
            .agent
            .post(exchange.centre.token_address())
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Accept", "application/json")
            .send(form.as_bytes());
        let (status, body) = read(asked)?;
        let tokens = oauth::read_tokens(status, &body)?;
        let asked = self
            .agent
            .get(exchange.centre.user_info_address())
            .header("Accept", "application/json")
            .header("Authorization", oauth::authorization(&tokens.access_token).as_str())
            .call();
        let (status, body) = read(asked)?;
        Ok(oauth::read_user_info(status, &body)?)
    }
}

type Asked = Result<ureq::http::Response<ureq::Body>, ureq::Error>;

fn read(asked: Asked) -> Result<(u16, zeroize::Zeroizing<Vec<u8>>), NobodyKnown> {
    let unreachable = |error: ureq::Error| NobodyKnown::Unreachable(words(&error));
    let mut answer = asked.map_err(unreachable)?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec();
    Ok((status, zeroize::Zeroizing::new(body.map_err(unreachable)?)))
}

const UNTRUSTED: &str = "its certificate is not trusted, or TLS failed otherwise";

/// The cause without the address, which names a customer.
fn words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "its name is not known".to_owned(),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "its address cannot be used".to_owned(),
        ureq::Error::Other(error) if error.is::<Inside>() => Inside.to_string(),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        // rustls repeats the name that a certificate is not for; it may come wrapped.
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => UNTRUSTED.to_owned(),
        ureq::Error::Io(error)
            if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) =>
        {
            UNTRUSTED.to_owned()
        }
        other => other.to_string(),
    }
}

impl From<OauthError> for NobodyKnown {
    fn from(error: OauthError) -> Self {
        match error {
            // Its text may repeat what was sent.
            OauthError::Refused { status, error, .. } => {
                let word = error.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                Self::Refused(if word { error } else { format!("HTTP {status}") })
            }
            OauthError::Unreadable { status, what } => {
                Self::Unreadable(format!("HTTP {status}, {what}"))
            }
        }
    }
}

/// The name leads inside.
#[derive(Debug, thiserror::Error)]
#[error(
    "its name leads to a private, local or reserved address; login.private_centres permits networks"
)]
struct Inside;

/// Resolves names, and gives out only what may be connected to.
#[derive(Debug)]
struct Checked {
    allowed: Vec<Network>,
}

impl Resolver for Checked {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        let refused = |address: std::net::IpAddr| {
            is_internal(address) && !self.allowed.iter().any(|network| network.contains(address))
        };
        // One address inside beside others is a trick as well.
        if found.iter().any(|address| refused(address.ip())) {
            return Err(ureq::Error::Other(Box::new(Inside)));
        }
        Ok(found)
    }
}
