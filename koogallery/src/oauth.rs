//! The joint-operation login ("Joint-operation login"): the addresses a browser is sent to at a
//! buyer's authentication center, and the requests and answers between the seller and it. No
//! I/O; tokens are wiped when dropped and never shown.

mod answer;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub use answer::{OauthError, OauthToken, Tokens, UserInfo, read_tokens, read_user_info};

/// The one scope that the guide names.
pub const SCOPE: &str = "get_user_info";

/// Where a browser asks for a code. Inferred: no page that could be read prints the path.
const AUTHORIZE: &str = "/api/v1/oauth2/authorize";
const TOKEN: &str = "/api/v1/oauth2/token";
const USER_INFO: &str = "/api/v1/oauth2/userinfo";
/// Inferred like [`AUTHORIZE`].
const LOGOUT: &str = "/api/v1/oauth2/logout";

/// An authentication center, by its address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CenterUrl {
    base: String,
    host: String,
}

/// Why an address is that of no authentication center.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidCenterUrl {
    /// It is no address with a scheme and a host, or holds more than host, port and path.
    #[error("it is no https address")]
    NoAddress,
    /// Plain http, and not to this machine.
    #[error("plain http is allowed to a loopback address only")]
    NotEncrypted,
}

impl CenterUrl {
    /// Takes `domainName`, as `tenantSync` tells it: https, or plain http to this machine.
    ///
    /// # Errors
    ///
    /// [`InvalidCenterUrl`].
    pub fn parse(domain_name: &str) -> Result<Self, InvalidCenterUrl> {
        let (scheme, rest) = domain_name.split_once("://").ok_or(InvalidCenterUrl::NoAddress)?;
        let odd = |c: char| c.is_control() || c.is_whitespace() || "?#@\\\"<>^`{|}".contains(c);
        if rest.contains(odd) || !rest.is_ascii() {
            return Err(InvalidCenterUrl::NoAddress);
        }
        let authority = rest.split('/').next().unwrap_or_default();
        let host = host(authority).ok_or(InvalidCenterUrl::NoAddress)?;
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => return Err(InvalidCenterUrl::NotEncrypted),
            _ => return Err(InvalidCenterUrl::NoAddress),
        }
        Ok(Self {
            base: format!("{scheme}://{}", rest.trim_end_matches('/')),
            host: host.to_owned(),
        })
    }

    /// The name or address that is connected to.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Where a browser is sent to log in. `challenge` is that of a verifier ([`challenge`]).
    #[must_use]
    pub fn authorize_address(
        &self,
        client_id: &str,
        redirect_uri: &str,
        state: &str,
        challenge: Option<&str>,
    ) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", SCOPE)
            .append_pair("state", state);
        if let Some(challenge) = challenge {
            query
                .append_pair("code_challenge", challenge)
                .append_pair("code_challenge_method", "S256");
        }
        format!("{}{AUTHORIZE}?{}", self.base, query.finish())
    }

    /// Where tokens are asked for, by POST.
    #[must_use]
    pub fn token_address(&self) -> String {
        format!("{}{TOKEN}", self.base)
    }

    /// Where a token's user is asked for, by GET with `Authorization: Bearer`.
    #[must_use]
    pub fn user_info_address(&self) -> String {
        format!("{}{USER_INFO}", self.base)
    }

    /// Where a browser is sent to log out; the centre sends it on to `redirect_url`.
    #[must_use]
    pub fn logout_address(&self, client_id: &str, redirect_url: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", client_id)
            .append_pair("redirect_url", redirect_url)
            .finish();
        format!("{}{LOGOUT}?{query}", self.base)
    }
}

impl fmt::Display for CenterUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

/// The host of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, port.strip_prefix(':').or(port.is_empty().then_some("443"))?)
        }
        None => authority.split_once(':').unwrap_or((authority, "443")),
    };
    let good = !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0);
    good.then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The challenge of a verifier, RFC 7636 "S256".
#[must_use]
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// The form that turns a code into tokens.
#[must_use]
pub fn token_form(
    client_id: &str,
    client_secret: &str,
    code: &str,
    redirect_uri: &str,
    verifier: Option<&str>,
) -> Zeroizing<String> {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", client_id),
        ("client_secret", client_secret),
        ("code", code),
        ("redirect_uri", redirect_uri),
    ];
    form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
    encode(&form)
}

/// The form that turns a refresh token into new tokens.
#[must_use]
pub fn refresh_form(
    client_id: &str,
    client_secret: &str,
    refresh_token: &OauthToken,
) -> Zeroizing<String> {
    encode(&[
        ("grant_type", "refresh_token"),
        ("client_id", client_id),
        ("client_secret", client_secret),
        ("refresh_token", refresh_token.expose()),
    ])
}

/// The header `Authorization` of a request for a token's user.
#[must_use]
pub fn authorization(access_token: &OauthToken) -> Zeroizing<String> {
    Zeroizing::new(format!("Bearer {}", access_token.expose()))
}

/// Reserves all the room at once: a text that grows leaves copies behind.
fn encode(form: &[(&str, &str)]) -> Zeroizing<String> {
    let room = form.iter().map(|(name, value)| name.len() + 3 * value.len() + 2).sum();
    let mut out = form_urlencoded::Serializer::new(String::with_capacity(room));
    for (name, value) in form {
        out.append_pair(name, value);
    }
    Zeroizing::new(out.finish())
}
