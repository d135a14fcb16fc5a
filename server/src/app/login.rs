//! Login of a buyer by OAuth: the browser goes to the buyer's authentication center and comes back
//! with a code, which is exchanged here; the seller's page gets a code of ours, which the seller's
//! server redeems. Tokens and persons are in no log and no address.

mod commands;
mod oauth_state;
pub(crate) mod setup;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use koogallery::oauth::{self, CenterUrl};
use license_core::{Code, api};
use serde::Deserialize;

use super::audit::entry::Actor;
use super::context::Context;
use super::{App, views};
use crate::alerts::AlertKind;
use crate::error::ApiError;
use crate::outbound::oauth::{Exchange, LoginError};
use crate::store::KitDoor;
use commands::{RedeemLogin, StoreLogin, UseState};
use oauth_state::LoginState;
use setup::{LoginSetup, STATE_LIFETIME};

/// The longest text that the seller's page may have back.
const MAX_STATE_LENGTH: usize = 256;

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
pub(crate) struct LoginRedirect {
    pub(crate) address: String,
    pub(crate) cookie: String,
}

fn setup(app: &App) -> Result<&LoginSetup, ApiError> {
    app.logins.as_ref().ok_or_else(|| {
        ApiError::new(
            Code::NotFound,
            "Logins are not configured here: see [login] of the server's configuration.",
            "本服务器未配置登录：见配置文件 [login]。",
        )
    })
}

/// Sends a browser to the authentication center. `browser` is what an earlier login left there.
pub(crate) async fn start(
    app: &App,
    application: &str,
    asked: &LoginStart,
    browser: Option<&str>,
) -> Result<LoginRedirect, ApiError> {
    let logins = setup(app)?;
    let return_to = logins.return_to(asked.return_to.as_deref())?;
    let own = asked.state.as_deref().unwrap_or_default();
    if own.chars().count() > MAX_STATE_LENGTH {
        return Err(ApiError::new(
            Code::RequestInvalid,
            format!("`state` has at most {MAX_STATE_LENGTH} characters."),
            format!("state 最多 {MAX_STATE_LENGTH} 个字符。"),
        ));
    }
    let door =
        find_application(app, application, asked.instance.as_deref(), asked.tenant.as_deref())
            .await?;
    let centre = centre(&door)?;
    // Several logins of one browser at once share its mark.
    let browser = browser.filter(|mark| oauth_state::is_mark(mark));
    let browser = browser.map_or_else(|| random(&app.context), str::to_owned);
    let verifier = logins.config.pkce.then(|| random(&app.context));
    let challenge = verifier.as_deref().map(oauth::challenge);
    let state = LoginState {
        instance_id: door.instance_id,
        tenant_id: door.tenant_id,
        app_id: door.app_id,
        verifier,
        return_to: return_to.to_owned(),
        own: own.to_owned(),
        browser: browser.clone(),
        expires: app.context.now().as_secs() + STATE_LIFETIME,
    };
    let state = state.seal(&app.context);
    let address = centre.authorize_address(
        &door.client_id,
        &logins.redirect_uri,
        &state,
        challenge.as_deref(),
    );
    Ok(LoginRedirect { address, cookie: logins.cookie(&browser) })
}

/// Where a browser that logs out is sent.
pub(crate) async fn logout(
    app: &App,
    application: &str,
    asked: &LoginStart,
) -> Result<String, ApiError> {
    let return_to = setup(app)?.return_to(asked.return_to.as_deref())?;
    let door =
        find_application(app, application, asked.instance.as_deref(), asked.tenant.as_deref())
            .await?;
    Ok(centre(&door)?.logout_address(&door.client_id, return_to))
}

/// A browser comes back; the answer is where it goes on. An error is passed to the seller's page
/// only where the login is certainly one that began here, in this browser.
pub(crate) async fn finish(
    app: &App,
    back: &LoginReturn,
    browser: Option<&str>,
) -> Result<String, ApiError> {
    let logins = setup(app)?;
    let now = app.context.now().as_secs();
    let state = back.state.as_deref().and_then(|text| LoginState::open(&app.context, text));
    let state =
        state.filter(|state| state.expires > now && state.is_of(browser)).ok_or_else(stale)?;
    let digest = app.context.digest("login state", back.state.as_deref().unwrap_or_default());
    let fresh = app.writer.write(UseState { digest, expires: state.expires }).await?;
    if !fresh {
        return Err(stale());
    }
    let outcome = identify(app, logins, &state, back).await;
    let (result, member) = match &outcome {
        Ok(code) => ("ok", ("code", code.as_str())),
        Err(word) => ("failed", ("error", *word)),
    };
    metrics::counter!("licd_logins_total", "result" => result).increment(1);
    Ok(state.address(member))
}

/// A code of ours, or OAuth's word for why there is none.
async fn identify(
    app: &App,
    logins: &LoginSetup,
    state: &LoginState,
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
    let door =
        find_application(app, &state.app_id, Some(&state.instance_id), Some(&state.tenant_id))
            .await
            .map_err(|error| failed(&error))?;
    let secret = app.kit_keys.unseal(&app.context.secret, &door.client_secret);
    let secret = secret.map_err(|cause| {
        let alert = AlertKind::KitSecretUnreadable.about("");
        app.context.raise(alert.with("cause", format!("{cause:?}")));
        "server_error"
    })?;
    let Ok(permit) = Arc::clone(&logins.exchanges).try_acquire_owned() else {
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
    let centre = CenterUrl::parse(&door.domain_name)
        .map_err(|error| unfinished(LoginError::Unreachable(error.to_string())))?;
    let exchange = Exchange {
        centre,
        client_id: door.client_id.clone(),
        client_secret: secret,
        code: code.to_owned(),
        redirect_uri: logins.redirect_uri.clone(),
        verifier: state.verifier.clone(),
    };
    let user = logins.oauth.exchange(exchange, permit).await.map_err(unfinished)?;
    let code = random(&app.context);
    let digest = app.context.digest("login code", &code);
    let kept = app.writer.write(StoreLogin { digest, door, user }).await;
    kept.map(|()| code).map_err(|error| failed(&error))
}

/// Returns who logged in with this code, once.
pub(crate) async fn redeem(app: &App, code: &str) -> Result<api::LoginView, ApiError> {
    let digest = app.context.digest("login code", code);
    let sealed = app.writer.write(RedeemLogin { digest, by: Actor::caller() }).await?;
    let sealed = sealed.ok_or_else(|| {
        ApiError::new(
            Code::NotFound,
            "This code is not known: it was used before, or is older than two minutes.",
            "此 code 无效：已被使用，或已超过两分钟。",
        )
    })?;
    commands::open(&app.context, &sealed)
        .ok_or_else(|| ApiError::internal(&"a kept login cannot be opened"))
}

/// The one application that is meant.
async fn find_application(
    app: &App,
    application: &str,
    instance: Option<&str>,
    tenant: Option<&str>,
) -> Result<KitDoor, ApiError> {
    let mut doors = app.store.read().await?.kit_doors(application, instance, tenant).await?;
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

fn centre(door: &KitDoor) -> Result<CenterUrl, ApiError> {
    CenterUrl::parse(&door.domain_name)
        .map_err(|error| ApiError::internal(&format!("a tenant's domainName: {error}")))
}

fn random(context: &Context) -> String {
    B64.encode(context.random::<32>())
}

/// One refusal for every defect of a state, so that it reveals nothing.
fn stale() -> ApiError {
    metrics::counter!("licd_logins_total", "result" => "stale").increment(1);
    ApiError::new(
        Code::RequestInvalid,
        "This login cannot be continued: it began more than ten minutes ago, in another browser, \
         or was finished before. Begin again at the seller's page.",
        "此登录无法继续：已超过十分钟、来自其他浏览器，或已完成。请从商家页面重新登录。",
    )
}
