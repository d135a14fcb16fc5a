//! The way to a buyer's authentication centre: strictly verified TLS, an address that was looked
//! at after its name was resolved, little time and little room. Blocking; called away from the
//! async workers.

use std::time::Duration;

use koogallery::oauth::{self, Centre, OauthError, UserInfo};
use ureq::Agent;

use crate::config::{Koogallery, Login};
use crate::outside::{Checked, Inside, Permitted, agent, trust};

/// For one request with its answer.
const TOTAL: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
const ANSWER_LIMIT: u64 = 64 * 1024;

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
        let tls = trust(koogallery.ca_file.as_deref(), "koogallery.ca_file")?;
        let checked = Checked {
            inside: Permitted::Networks(login.private_centres.clone()),
            hint: "login.private_centres permits networks",
        };
        let agent = agent(tls, TOTAL, false, checked);
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
        other => Inside::of(other).map_or_else(|| other.to_string(), ToString::to_string),
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
