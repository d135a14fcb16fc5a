//! The authentication center: authorize, token, userinfo, logout. Its user is logged in already.

use std::collections::HashMap;

use axum::http::header;
use serde_json::json;

use crate::api_message::{ApiAnswer, ApiRequest};
use crate::endpoint::percent_encoded;
use crate::events::MarketEvent;
use crate::faults::Api;
use crate::lock::locked;
use crate::oauth::{LoginRequest, OauthRefusal, SCOPE, TOKEN_LIFE, TokenPair};
use crate::simulator::Simulator;

pub(super) fn api_of(path: &str) -> Option<Api> {
    Some(match path {
        "/api/v1/oauth2/authorize" => Api::Authorize,
        "/api/v1/oauth2/token" => Api::Token,
        "/api/v1/oauth2/userinfo" => Api::UserInfo,
        "/api/v1/oauth2/logout" => Api::Logout,
        _ => return None,
    })
}

impl Simulator {
    /// The login page of a user who is logged in: he comes back at once.
    pub(super) fn authorize(&self, request: &ApiRequest<'_>) -> ApiAnswer {
        let query = query(request);
        let member = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let (client, redirect) = (member("client_id"), member("redirect_uri"));
        if let Err(refusal) = locked(&self.oauth).admits(client, redirect) {
            return self.deny(request, 400, refusal);
        }
        // From here on the browser carries errors back (RFC 6749, 4.1.2.1).
        let back = |members: &str| {
            let joint = if redirect.contains('?') { '&' } else { '?' };
            let state = percent_encoded(member("state"));
            let state = query.get("state").map(|_| format!("&state={state}")).unwrap_or_default();
            ApiAnswer::redirect(format!("{redirect}{joint}{members}{state}"))
        };
        if query.contains_key("response_type") && member("response_type") != "code" {
            return back("error=unsupported_response_type");
        }
        if query.contains_key("scope") && member("scope") != SCOPE {
            return back("error=invalid_scope");
        }
        let challenge = query.get("code_challenge").cloned();
        if challenge.is_some() && member("code_challenge_method") != "S256" {
            return back("error=invalid_request");
        }
        let Ok(code) = self.token_text() else { return back("error=server_error") };
        let (client, redirect) = (client.to_owned(), redirect.to_owned());
        self.report(MarketEvent::Login { step: "authorize", client: client.clone() });
        let login = LoginRequest { client, redirect: redirect.clone(), challenge };
        locked(&self.oauth).grant(code.clone(), login, self.now());
        back(&format!("code={code}"))
    }

    pub(super) fn token(&self, request: &ApiRequest<'_>) -> ApiAnswer {
        let kind = request.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            return self.deny(request, 400, ("invalid_request", "the body is no form"));
        }
        let form: HashMap<String, String> = pairs(std::str::from_utf8(request.body).unwrap_or(""));
        let (Ok(access), Ok(refresh)) = (self.token_text(), self.token_text()) else {
            return self.deny(request, 500, ("server_error", "no random numbers"));
        };
        let now = self.now();
        let grant = form.get("grant_type").map(String::as_str).unwrap_or_default();
        let (step, tokens) = {
            let mut oauth = locked(&self.oauth);
            match grant {
                "authorization_code" => {
                    ("token", oauth.exchange(&form, TokenPair { access, refresh }, now))
                }
                "refresh_token" => ("refresh", oauth.renew(&form, access, now)),
                _ => ("token", Err(("unsupported_grant_type", "grant_type is not known"))),
            }
        };
        match tokens {
            Ok(tokens) => {
                let client = form.get("client_id").cloned().unwrap_or_default();
                self.report(MarketEvent::Login { step, client });
                let answer = json!({
                    "access_token": tokens.access, "token_type": "Bearer",
                    "expires_in": TOKEN_LIFE, "scope": SCOPE, "refresh_token": tokens.refresh,
                });
                ApiAnswer::json(200, &answer)
            }
            Err(refusal) => self.deny(request, 400, refusal),
        }
    }

    pub(super) fn user_info(&self, request: &ApiRequest<'_>) -> ApiAnswer {
        let bearer = request.headers.get(header::AUTHORIZATION);
        let bearer = bearer.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let known = bearer.is_some_and(|token| locked(&self.oauth).knows(token.trim(), self.now()));
        if !known {
            return self.deny(request, 401, ("invalid_token", "the token is not known, or over"));
        }
        self.report(MarketEvent::Login { step: "userinfo", client: String::new() });
        let user = json!({
            "name": "张三", "email": "mock_user_01@example.com", "mobile": "13800000000",
            "role": "admin", "organizationName": "示例工业软件(深圳)有限公司",
            "userId": "mock-user-1", "userName": "mock_user_01", "tenant": "mock-tenant",
        });
        ApiAnswer::json(200, &user)
    }

    pub(super) fn log_out(&self, request: &ApiRequest<'_>) -> ApiAnswer {
        let query = query(request);
        let to =
            ["redirect_url", "redirect_uri", "service"].iter().find_map(|name| query.get(*name));
        self.report(MarketEvent::Login { step: "logout", client: String::new() });
        ApiAnswer::redirect(to.cloned().unwrap_or_else(|| "/login".to_owned()))
    }

    fn deny(
        &self,
        request: &ApiRequest<'_>,
        status: u16,
        (error, text): OauthRefusal,
    ) -> ApiAnswer {
        let write = |error: &str, text: &str| {
            json!({ "error": error, "error_description": text }).to_string().into_bytes()
        };
        self.refuse(request, status, error, text, &write)
    }

    fn token_text(&self) -> std::io::Result<String> {
        Ok(hex::encode(self.sources.random::<20>()?))
    }
}

fn query(request: &ApiRequest<'_>) -> HashMap<String, String> {
    axum::extract::Query::try_from_uri(request.uri).map(|query| query.0).unwrap_or_default()
}

/// A form is written as a query is.
fn pairs(form: &str) -> HashMap<String, String> {
    let uri = format!("/?{form}").parse::<axum::http::Uri>().ok();
    let query = uri.and_then(|uri| axum::extract::Query::try_from_uri(&uri).ok());
    query.map(|query| query.0).unwrap_or_default()
}
