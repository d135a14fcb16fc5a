//! OAuth client for the login centers of buyers' enterprises: strictly verified TLS, guarded
//! addresses, bounded time and answers.

use std::sync::Arc;
use std::time::Duration;

use koogallery::oauth::{self, CenterUrl, OauthError, UserInfo};
use ureq::Agent;
use zeroize::Zeroizing;

use super::agent::{GuardedResolver, InternalAccess, InternalAddress, agent, trust};
use crate::config::{Koogallery, Login};

/// For one request with its answer.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// Exchanges authorization codes for the user they belong to.
pub(crate) struct OauthClient {
    agent: Agent,
}

/// One login to be finished.
pub(crate) struct Exchange {
    pub(crate) centre: CenterUrl,
    pub(crate) client_id: String,
    pub(crate) client_secret: Zeroizing<String>,
    pub(crate) code: String,
    pub(crate) redirect_uri: String,
    pub(crate) verifier: Option<String>,
}

/// Why a login failed. Holds nothing of a person and no token.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum LoginError {
    /// The centre refused; its word.
    #[error("the authentication centre refused: {0}")]
    Refused(String),
    /// It answered what nobody understands.
    #[error("the authentication centre's answer cannot be read: {0}")]
    Unreadable(String),
    /// The exchange itself broke, which is a fault of this program.
    #[error("the exchange failed: {0}")]
    Broken(String),
    /// It did not answer.
    #[error("the authentication centre does not answer: {0}")]
    Unreachable(String),
}

impl OauthClient {
    pub(crate) fn new(login: &Login, koogallery: &Koogallery) -> anyhow::Result<Self> {
        let tls = trust(koogallery.ca_file.as_deref(), "koogallery.ca_file")?;
        let guard = GuardedResolver {
            inside: InternalAccess::Networks(login.private_centres.clone()),
            hint: "login.private_centres permits networks",
        };
        let agent = agent(tls, EXCHANGE_TIMEOUT, false, guard);
        Ok(Self { agent })
    }

    /// Turns a code into the user it belongs to; the tokens are forgotten with this call. `slot` is
    /// held until the exchange has ended, also where the caller no longer waits for it.
    pub(crate) async fn exchange(
        self: &Arc<Self>,
        exchange: Exchange,
        slot: impl Send + 'static,
    ) -> Result<UserInfo, LoginError> {
        let this = Arc::clone(self);
        let asked = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            this.exchange_blocking(&exchange)
        });
        asked.await.unwrap_or_else(|panic| Err(LoginError::Broken(panic.to_string())))
    }

    fn exchange_blocking(&self, exchange: &Exchange) -> Result<UserInfo, LoginError> {
        let form = oauth::token_form(
            &exchange.client_id,
            &exchange.client_secret,
            &exchange.code,
            &exchange.redirect_uri,
            exchange.verifier.as_deref(),
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

type HttpResult = Result<ureq::http::Response<ureq::Body>, ureq::Error>;

fn read(asked: HttpResult) -> Result<(u16, Zeroizing<Vec<u8>>), LoginError> {
    let unreachable = |error: ureq::Error| LoginError::Unreachable(words(&error));
    let mut answer = asked.map_err(unreachable)?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
    Ok((status, Zeroizing::new(body.map_err(unreachable)?)))
}

const UNTRUSTED: &str = "its certificate is not trusted, or TLS failed otherwise";

/// The cause without the address, which names a customer.
fn words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "its name is not known".to_owned(),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "its address cannot be used".to_owned(),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        // rustls repeats the name that a certificate is not for; it may come wrapped.
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => UNTRUSTED.to_owned(),
        ureq::Error::Io(error)
            if error
                .get_ref()
                .is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>) =>
        {
            UNTRUSTED.to_owned()
        }
        other => InternalAddress::of(other).map_or_else(|| other.to_string(), ToString::to_string),
    }
}

impl From<OauthError> for LoginError {
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
