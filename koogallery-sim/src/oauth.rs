//! The authentication center's state: known applications, issued codes, issued tokens.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Seconds that a code, an access token and a refresh token live.
const CODE_LIFE: i64 = 300;
pub(crate) const TOKEN_LIFE: i64 = 7_200;
const REFRESH_LIFE: i64 = 30 * 86_400;
pub(crate) const SCOPE: &str = "get_user_info";

/// A seller's application, as `applicationSync` announces it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientApplication {
    /// Its `client_id`.
    #[serde(rename = "client_id")]
    pub id: String,
    /// Its `client_secret`.
    #[serde(rename = "client_secret")]
    pub secret: String,
    /// Where logins may return to; none: anywhere.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
}

/// What the browser brought to the login page.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoginRequest {
    pub(crate) client: String,
    pub(crate) redirect: String,
    pub(crate) challenge: Option<String>,
}

/// An OAuth error: its word and why, for people.
pub(crate) type OauthRefusal = (&'static str, &'static str);

struct IssuedCode {
    login: LoginRequest,
    until: i64,
    used: bool,
}

struct IssuedToken {
    client: String,
    until: i64,
    /// The code it came from.
    code: String,
}

/// Tokens as they are answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TokenPair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// Clients, codes and tokens.
#[derive(Default)]
pub(crate) struct OauthServer {
    clients: Vec<ClientApplication>,
    codes: HashMap<String, IssuedCode>,
    access: HashMap<String, IssuedToken>,
    refresh: HashMap<String, IssuedToken>,
}

impl OauthServer {
    pub(crate) fn new(clients: Vec<ClientApplication>) -> Self {
        Self { clients, ..Self::default() }
    }

    /// Whether this client may send a browser back there.
    pub(crate) fn admits(&self, client: &str, redirect: &str) -> Result<(), OauthRefusal> {
        let known = self.clients.iter().find(|known| known.id == client);
        let known = known.ok_or(("invalid_client", "client_id is not known"))?;
        let uri = redirect.parse::<axum::http::Uri>().ok().filter(|uri| uri.host().is_some());
        let listed = known.redirect_uris.is_empty()
            || known.redirect_uris.iter().any(|listed| listed == redirect);
        if uri.is_none() || !listed {
            return Err(("invalid_request", "redirect_uri is not one of this client's"));
        }
        Ok(())
    }

    /// The user has logged in.
    pub(crate) fn grant(&mut self, code: String, login: LoginRequest, now: i64) {
        self.codes.insert(code, IssuedCode { login, until: now + CODE_LIFE, used: false });
    }

    fn authenticate(&self, id: &str, secret: &str) -> Result<(), OauthRefusal> {
        let known = self.clients.iter().any(|c| c.id == id && c.secret == secret);
        if known { Ok(()) } else { Err(("invalid_client", "client_id or client_secret is wrong")) }
    }

    /// `grant_type=authorization_code`: a code works once, and a second use takes back what the
    /// first gave (RFC 6749, 4.1.2).
    pub(crate) fn exchange(
        &mut self,
        form: &HashMap<String, String>,
        fresh: TokenPair,
        now: i64,
    ) -> Result<TokenPair, OauthRefusal> {
        let member = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let (client, code) = (member("client_id"), member("code"));
        self.authenticate(client, member("client_secret"))?;
        let granted = self.codes.get_mut(code).ok_or(("invalid_grant", "code is not known"))?;
        if granted.used {
            self.access.retain(|_, issued| issued.code != code);
            self.refresh.retain(|_, issued| issued.code != code);
            return Err(("invalid_grant", "code was used before"));
        }
        let login = &granted.login;
        if login.client != client || granted.until < now {
            return Err(("invalid_grant", "code is another client's, or over"));
        }
        if form.contains_key("redirect_uri") && login.redirect != member("redirect_uri") {
            return Err(("invalid_grant", "redirect_uri is not that of the login"));
        }
        if let Some(challenge) = &login.challenge
            && *challenge != URL_SAFE_NO_PAD.encode(Sha256::digest(member("code_verifier")))
        {
            return Err(("invalid_grant", "code_verifier does not fit the challenge"));
        }
        granted.used = true;
        let issued = |life| IssuedToken {
            client: client.to_owned(),
            until: now + life,
            code: code.to_owned(),
        };
        self.access.insert(fresh.access.clone(), issued(TOKEN_LIFE));
        self.refresh.insert(fresh.refresh.clone(), issued(REFRESH_LIFE));
        Ok(fresh)
    }

    /// `grant_type=refresh_token`.
    pub(crate) fn renew(
        &mut self,
        form: &HashMap<String, String>,
        access: String,
        now: i64,
    ) -> Result<TokenPair, OauthRefusal> {
        let member = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let (client, refresh) = (member("client_id"), member("refresh_token"));
        self.authenticate(client, member("client_secret"))?;
        let known = self.refresh.get(refresh);
        let known = known.filter(|issued| issued.client == client && issued.until >= now);
        let known = known.ok_or(("invalid_grant", "refresh_token is not known, or over"))?;
        let until = now + TOKEN_LIFE;
        let issued = IssuedToken { client: client.to_owned(), until, code: known.code.clone() };
        self.access.insert(access.clone(), issued);
        Ok(TokenPair { access, refresh: refresh.to_owned() })
    }

    /// Whether this access token is in force.
    pub(crate) fn knows(&self, access: &str, now: i64) -> bool {
        self.access.get(access).is_some_and(|issued| issued.until >= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000;
    const BACK: &str = "https://seller.example.com/back";

    fn server(challenge: Option<&str>) -> OauthServer {
        let client = ClientApplication {
            id: "c".into(),
            secret: "s".into(),
            redirect_uris: vec![BACK.into()],
        };
        let mut server = OauthServer::new(vec![client]);
        let challenge = challenge.map(ToOwned::to_owned);
        let login = LoginRequest { client: "c".into(), redirect: BACK.into(), challenge };
        server.grant("code".into(), login, NOW);
        server
    }

    fn form(members: &[(&str, &str)]) -> HashMap<String, String> {
        let start = [("client_id", "c"), ("client_secret", "s"), ("code", "code")];
        let all = start.iter().chain(members);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn fresh() -> TokenPair {
        TokenPair { access: "a".into(), refresh: "r".into() }
    }

    #[test]
    fn a_code_works_once() {
        let mut server = server(None);
        assert!(server.exchange(&form(&[]), fresh(), NOW).is_ok());
        assert!(server.knows("a", NOW + TOKEN_LIFE) && !server.knows("a", NOW + TOKEN_LIFE + 1));
        let again = form(&[("refresh_token", "r")]);
        assert!(server.renew(&again, "b".into(), NOW).is_ok() && server.knows("b", NOW));
        assert_eq!(server.exchange(&form(&[]), fresh(), NOW).unwrap_err().0, "invalid_grant");
        assert!(!server.knows("a", NOW) && !server.knows("b", NOW), "taken back");
        assert!(server.renew(&again, "d".into(), NOW).is_err());
    }

    #[test]
    fn strangers_and_mismatches_are_refused() {
        for (members, error) in [
            ([("client_secret", "x")], "invalid_client"),
            ([("code", "x")], "invalid_grant"),
            ([("redirect_uri", "https://other.example.com")], "invalid_grant"),
        ] {
            let refused = server(None).exchange(&form(&members), fresh(), NOW).unwrap_err();
            assert_eq!(refused.0, error);
        }
        assert!(server(None).exchange(&form(&[]), fresh(), NOW + CODE_LIFE + 1).is_err());
        let server = server(None);
        assert_eq!(server.admits("c", BACK), Ok(()));
        assert_eq!(server.admits("x", BACK).unwrap_err().0, "invalid_client");
        assert_eq!(
            server.admits("c", "https://evil.example.com").unwrap_err().0,
            "invalid_request"
        );
    }

    /// The pair of RFC 7636, appendix B.
    #[test]
    fn a_challenge_needs_its_verifier() {
        let challenge = Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let right = [("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")];
        assert!(server(challenge).exchange(&form(&right), fresh(), NOW).is_ok());
        assert!(server(challenge).exchange(&form(&[]), fresh(), NOW).is_err());
        assert!(
            server(challenge).exchange(&form(&[("code_verifier", "x")]), fresh(), NOW).is_err()
        );
    }
}
