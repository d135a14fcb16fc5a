//! Who a buyer is: a browser is sent to the buyer's authentication centre and comes back with a
//! code, which is exchanged here; the seller's page gets a code of ours, and the seller's own
//! server asks with it. Tokens and persons are in no log and no address.

mod commands;
mod oauth_state;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use koogallery::oauth::{self, Centre};
use license_core::{Code, api};
use serde::Deserialize;
use tokio::sync::Semaphore;

pub(crate) use commands::{KeepLogin, TakeLogin, UseState};
use oauth_state::State;

use super::audit::By;
use super::{App, Context, views};
use crate::alerts::AlertKind;
use crate::config::{Config, Login};
use crate::error::ApiError;
use crate::outbound::oauth::{Exchange, LoginError, OauthClient};
use crate::store::KitDoor;

/// Logins that ask a centre at once: each holds a thread for up to 20 s.
const AT_ONCE: usize = 32;
/// The longest text that the seller's page may have back.
const STATE_LIMIT: usize = 256;

/// What logins need; there where they are configured.
pub(crate) struct Logins {
    config: Login,
    /// What the centre sends browsers back to.
    redirect_uri: String,
    centres: Arc<OauthClient>,
    places: Arc<Semaphore>,
}

/// Which application, and where the browser goes afterwards.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LoginStart {
    /// Tenant id or code, where several tenants have this application.
    tenant: Option<String>,
    /// Where several instances have it.
    instance: Option<String>,
    /// One of the configured pages; the first where none is named.
    return_to: Option<String>,
    /// Comes back to that page as it is.
    state: Option<String>,
}

/// What a browser brings back from the centre.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LoginReturn {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// Where a browser is sent, and what it keeps until it comes back.
pub(crate) struct Departure {
    pub(crate) address: String,
    pub(crate) cookie: String,
}

impl Logins {
    pub(crate) fn new(config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(public_url) = &config.login.public_url else { return Ok(None) };
        Ok(Some(Self {
            redirect_uri: format!("{public_url}/v1/login/callback"),
            centres: Arc::new(OauthClient::new(&config.login, &config.koogallery)?),
            config: config.login.clone(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }))
    }

    /// Never anything but what is configured: no open redirect.
    fn return_to(&self, asked: Option<&str>) -> Result<&str, ApiError> {
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
    fn cookie(&self, browser: &str) -> String {
        let url = self.config.public_url.as_deref().unwrap_or_default();
        let secure = if url.starts_with("https://") { "; Secure" } else { "" };
        let after_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
        let prefix = after_scheme.find('/').map_or("", |at| &after_scheme[at..]);
        let age = oauth_state::SECONDS;
        format!(
            "{COOKIE}={browser}; Path={prefix}/v1/login; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"
        )
    }
}

/// Its name.
pub(crate) const COOKIE: &str = "licd_login";

impl App {
    fn logins(&self) -> Result<&Logins, ApiError> {
        self.logins.as_ref().ok_or_else(|| {
            ApiError::new(
                Code::NotFound,
                "Logins are not configured here: see [login] of the server's configuration.",
                "本服务器未配置登录：见配置文件 [login]。",
            )
        })
    }

    /// Sends a browser to the authentication centre. `browser` is what an earlier login left there.
    pub(crate) async fn start_login(
        &self,
        application: &str,
        asked: &LoginStart,
        browser: Option<&str>,
    ) -> Result<Departure, ApiError> {
        let logins = self.logins()?;
        let return_to = logins.return_to(asked.return_to.as_deref())?;
        let own = asked.state.as_deref().unwrap_or_default();
        if own.chars().count() > STATE_LIMIT {
            return Err(ApiError::new(
                Code::RequestInvalid,
                format!("`state` has at most {STATE_LIMIT} characters."),
                format!("state 最多 {STATE_LIMIT} 个字符。"),
            ));
        }
        let door =
            self.door(application, asked.instance.as_deref(), asked.tenant.as_deref()).await?;
        let centre = centre(&door)?;
        // Several logins of one browser at once share its mark.
        let browser = browser.filter(|mark| oauth_state::is_mark(mark));
        let browser = browser.map_or_else(|| random(&self.context), str::to_owned);
        let verifier = logins.config.pkce.then(|| random(&self.context));
        let challenge = verifier.as_deref().map(oauth::challenge);
        let state = State {
            instance_id: door.instance_id,
            tenant_id: door.tenant_id,
            app_id: door.app_id,
            verifier,
            return_to: return_to.to_owned(),
            own: own.to_owned(),
            browser: browser.clone(),
            expires: self.context.now().as_secs() + oauth_state::SECONDS,
        };
        let state = state.seal(&self.context);
        let address = centre.authorize_address(
            &door.client_id,
            &logins.redirect_uri,
            &state,
            challenge.as_deref(),
        );
        Ok(Departure { address, cookie: logins.cookie(&browser) })
    }

    /// Where a browser that logs out is sent.
    pub(crate) async fn logout(
        &self,
        application: &str,
        asked: &LoginStart,
    ) -> Result<String, ApiError> {
        let return_to = self.logins()?.return_to(asked.return_to.as_deref())?;
        let door =
            self.door(application, asked.instance.as_deref(), asked.tenant.as_deref()).await?;
        Ok(centre(&door)?.logout_address(&door.client_id, return_to))
    }

    /// A browser comes back; the answer is where it goes on. An error is told to the seller's page
    /// only where the login is certainly one that began here, in this browser.
    pub(crate) async fn finish_login(
        &self,
        back: &LoginReturn,
        browser: Option<&str>,
    ) -> Result<String, ApiError> {
        let logins = self.logins()?;
        let now = self.context.now().as_secs();
        let state = back.state.as_deref().and_then(|text| State::open(&self.context, text));
        let state =
            state.filter(|state| state.expires > now && state.is_of(browser)).ok_or_else(stale)?;
        let digest = self.context.digest("login state", back.state.as_deref().unwrap_or_default());
        let fresh = self.writer.write(UseState { digest, expires: state.expires }).await?;
        if !fresh {
            return Err(stale());
        }
        let outcome = self.identify(logins, &state, back).await;
        let (result, member) = match &outcome {
            Ok(code) => ("ok", ("code", code.as_str())),
            Err(word) => ("failed", ("error", *word)),
        };
        metrics::counter!("licd_logins_total", "result" => result).increment(1);
        Ok(state.address(member))
    }

    /// A code of ours, or OAuth's word for why there is none.
    async fn identify(
        &self,
        logins: &Logins,
        state: &State,
        back: &LoginReturn,
    ) -> Result<String, &'static str> {
        if let Some(error) = back.error.as_deref().filter(|error| !error.is_empty()) {
            // A stranger's word is not passed on.
            return Err(if error == "access_denied" { "access_denied" } else { "server_error" });
        }
        let code = back.code.as_deref().filter(|code| !code.is_empty()).ok_or("server_error")?;
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(error = %error, "a login could not be finished");
            "server_error"
        };
        let door = self
            .door(&state.app_id, Some(&state.instance_id), Some(&state.tenant_id))
            .await
            .map_err(|error| failed(&error))?;
        let secret = self.kit_keys.unseal(&self.context.secret, &door.client_secret);
        let secret = secret.map_err(|cause| {
            let alert = AlertKind::KitSecretUnreadable.about("");
            self.context.raise(alert.with("cause", format!("{cause:?}")));
            "server_error"
        })?;
        let Ok(place) = Arc::clone(&logins.places).try_acquire_owned() else {
            return Err("temporarily_unavailable");
        };
        let unfinished = |cause: LoginError| match cause {
            LoginError::Broken(error) => failed(&error),
            cause => {
                tracing::warn!(cause = %cause, "a login could not be finished");
                match cause {
                    LoginError::Refused(_) => "access_denied",
                    LoginError::Unreachable(_) => "temporarily_unavailable",
                    LoginError::Unreadable(_) | LoginError::Broken(_) => "server_error",
                }
            }
        };
        let centre = Centre::parse(&door.domain_name)
            .map_err(|error| unfinished(LoginError::Unreachable(error.to_string())))?;
        let exchange = Exchange {
            centre,
            client_id: door.client_id.clone(),
            client_secret: secret,
            code: code.to_owned(),
            redirect_uri: logins.redirect_uri.clone(),
            verifier: state.verifier.clone(),
        };
        let user = logins.centres.exchange(exchange, place).await.map_err(unfinished)?;
        let code = random(&self.context);
        let digest = self.context.digest("login code", &code);
        let kept = self.writer.write(KeepLogin { digest, door, user }).await;
        kept.map(|()| code).map_err(|error| failed(&error))
    }

    /// Tells the seller's server who came back with this code; once.
    pub(crate) async fn redeem_login(&self, code: &str) -> Result<api::LoginView, ApiError> {
        let digest = self.context.digest("login code", code);
        let sealed = self.writer.write(TakeLogin { digest, by: By::caller() }).await?;
        let sealed = sealed.ok_or_else(|| {
            ApiError::new(
                Code::NotFound,
                "This code is not known: it was used before, or is older than two minutes.",
                "此 code 无效：已被使用，或已超过两分钟。",
            )
        })?;
        commands::open(&self.context, &sealed)
            .ok_or_else(|| ApiError::internal(&"a kept login cannot be opened"))
    }

    /// The one application that is meant.
    async fn door(
        &self,
        application: &str,
        instance: Option<&str>,
        tenant: Option<&str>,
    ) -> Result<KitDoor, ApiError> {
        let mut doors = self.store.read().await?.kit_doors(application, instance, tenant).await?;
        if doors.len() > 1 {
            return Err(ApiError::new(
                Code::Conflict,
                "Several tenants or instances have this application: name one with `tenant` or \
                 `instance`.",
                "该应用对应多个企业或实例：请用 tenant 或 instance 参数指定。",
            ));
        }
        doors.pop().ok_or_else(|| views::not_found("application", "应用"))
    }
}

fn centre(door: &KitDoor) -> Result<Centre, ApiError> {
    Centre::parse(&door.domain_name)
        .map_err(|error| ApiError::internal(&format!("a tenant's domainName: {error}")))
}

fn random(context: &Context) -> String {
    B64.encode(context.random::<32>())
}

/// Whatever is wrong with a state is nobody's business.
fn stale() -> ApiError {
    metrics::counter!("licd_logins_total", "result" => "stale").increment(1);
    ApiError::new(
        Code::RequestInvalid,
        "This login cannot be continued: it began more than ten minutes ago, in another browser, \
         or was finished before. Begin again at the seller's page.",
        "此登录无法继续：已超过十分钟、来自其他浏览器，或已完成。请从商家页面重新登录。",
    )
}
