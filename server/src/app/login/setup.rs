//! What logins are configured with: the pages that browsers may return to, the cookie, the OAuth
//! client, and how many exchanges may run at once.

use std::sync::Arc;

use license_core::Code;
use tokio::sync::Semaphore;

use crate::config::{Config, Login};
use crate::error::ApiError;
use crate::outbound::oauth::OauthClient;

/// Token exchanges at the same time: each holds a thread for up to 20 s.
const MAX_EXCHANGES: usize = 32;
/// How long a buyer may take to log in, in seconds: lifetime of the sealed state and of the cookie.
pub(crate) const STATE_LIFETIME: i64 = 600;
/// The cookie that binds a login to one browser.
pub(crate) const LOGIN_COOKIE: &str = "licd_login";

/// What every login needs; made where logins are configured.
pub(crate) struct LoginSetup {
    pub(super) config: Login,
    /// Where the authentication centre sends browsers back to.
    pub(super) redirect_uri: String,
    pub(super) oauth: Arc<OauthClient>,
    /// One permit for each token exchange under way.
    pub(super) exchanges: Arc<Semaphore>,
}

impl LoginSetup {
    pub(crate) fn new(config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(public_url) = &config.login.public_url else { return Ok(None) };
        Ok(Some(Self {
            redirect_uri: format!("{public_url}/v1/login/callback"),
            oauth: Arc::new(OauthClient::new(&config.login, &config.koogallery)?),
            config: config.login.clone(),
            exchanges: Arc::new(Semaphore::new(MAX_EXCHANGES)),
        }))
    }

    /// Never anything but what is configured: no open redirect.
    pub(super) fn return_to(&self, asked: Option<&str>) -> Result<&str, ApiError> {
        let known = &self.config.return_urls;
        let found = match asked {
            None => known.first(),
            Some(asked) => known.iter().find(|url| *url == asked),
        };
        found.map(String::as_str).ok_or_else(|| {
            ApiError::new(
                Code::RequestInvalid,
                "`return_to` is none of the pages in login.return_urls.",
                "return_to 不在 login.return_urls 所列页面之内。",
            )
        })
    }

    /// The cookie that binds a login to one browser.
    pub(super) fn cookie(&self, browser: &str) -> String {
        let url = self.config.public_url.as_deref().unwrap_or_default();
        let secure = if url.starts_with("https://") { "; Secure" } else { "" };
        let after_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
        let prefix = after_scheme.find('/').map_or("", |at| &after_scheme[at..]);
        let age = STATE_LIFETIME;
        format!(
            "{LOGIN_COOKIE}={browser}; Path={prefix}/v1/login; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"
        )
    }
}
