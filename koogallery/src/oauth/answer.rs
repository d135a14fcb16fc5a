//! The authentication center's answers.

use std::fmt;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The most of a description that is kept.
const DESCRIPTION_LIMIT: usize = 200;

/// A token. Wiped when dropped, never shown.
#[derive(Clone, Eq, PartialEq)]
pub struct OauthToken(Zeroizing<String>);

impl OauthToken {
    /// Takes a token over.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The token itself, for the one request that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OauthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OauthToken(..)")
    }
}

/// What a code or a refresh token is exchanged for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tokens {
    /// For the user's data; lives two hours.
    pub access_token: OauthToken,
    /// For the next tokens, where there is one; lives 30 days.
    pub refresh_token: Option<OauthToken>,
    /// Seconds that the access token lives, where the centre says it.
    pub expires_in: Option<u64>,
    /// What it may be used for, where the centre says it.
    pub scope: Option<String>,
}

/// Who a token belongs to. Nothing of it is for logs.
#[derive(Clone, Eq, PartialEq)]
pub struct UserInfo {
    /// The name that `authSync` tells as well.
    pub user_name: Option<String>,
    /// The centre's id.
    pub user_id: Option<String>,
    /// The person's name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Mobile number.
    pub mobile: Option<String>,
    /// `user` or `admin`.
    pub role: Option<String>,
    /// The enterprise's name.
    pub organization_name: Option<String>,
    /// The enterprise.
    pub tenant: Option<String>,
    /// The whole answer.
    pub raw: Map<String, Value>,
}

impl fmt::Debug for UserInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserInfo(..)")
    }
}

/// Why there are no tokens, or no user.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OauthError {
    /// The centre refused, with RFC 6749's word (`invalid_grant`) and perhaps a text.
    #[error("the authentication centre refused ({status} {error}): {description}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its word.
        error: String,
        /// Its text, shortened; may be empty.
        description: String,
    },
    /// What came is not the answer that the guide describes.
    #[error("the authentication centre's answer ({status}) cannot be read: {what}")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Reads the answer to a request for tokens.
///
/// # Errors
///
/// [`OauthError`]; an answer that names an error is one whatever its status.
pub fn read_tokens(status: u16, body: &[u8]) -> Result<Tokens, OauthError> {
    let unreadable = |what| OauthError::Unreadable { status, what };
    let answer = object(status, body)?;
    let access_token =
        text(&answer, "access_token").ok_or_else(|| unreadable("it holds no access_token"))?;
    // Any other kind would have to be presented in another way.
    if text(&answer, "token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(unreadable("its token_type is not Bearer"));
    }
    if access_token.chars().any(|c| !c.is_ascii_graphic()) {
        return Err(unreadable("its access_token cannot be sent in a header"));
    }
    Ok(Tokens {
        access_token: OauthToken::new(access_token),
        refresh_token: text(&answer, "refresh_token").map(OauthToken::new),
        expires_in: match answer.get("expires_in") {
            Some(Value::Number(seconds)) => seconds.as_u64(),
            Some(Value::String(seconds)) => seconds.parse().ok(),
            _ => None,
        },
        scope: text(&answer, "scope"),
    })
}

/// Reads the answer to a request for a token's user.
///
/// # Errors
///
/// As [`read_tokens`].
pub fn read_user_info(status: u16, body: &[u8]) -> Result<UserInfo, OauthError> {
    let raw = object(status, body)?;
    let member = |name| text(&raw, name);
    let info = UserInfo {
        user_name: member("userName"),
        user_id: member("userId"),
        name: member("name"),
        email: member("email"),
        mobile: member("mobile"),
        role: member("role"),
        organization_name: member("organizationName"),
        tenant: member("tenant"),
        raw,
    };
    if info.user_name.is_none() && info.user_id.is_none() {
        return Err(OauthError::Unreadable { status, what: "it names no user" });
    }
    Ok(info)
}

fn object(status: u16, body: &[u8]) -> Result<Map<String, Value>, OauthError> {
    let unreadable = |what| OauthError::Unreadable { status, what };
    let Value::Object(mut answer) = crate::failure::parse(body) else {
        return Err(unreadable("it is no JSON object"));
    };
    if let Some(error) = text(&answer, "error") {
        let shorten = |text: String| text.chars().take(DESCRIPTION_LIMIT).collect();
        let description = text(&answer, "error_description").unwrap_or_default();
        return Err(OauthError::Refused {
            status,
            error: shorten(error),
            description: shorten(description),
        });
    }
    if !(200..300).contains(&status) {
        return Err(unreadable("it names no error"));
    }
    // The guide's table of a user's data has both members; they are empty where there is none.
    answer.retain(|name, value| {
        !["error", "error_description"].contains(&name.as_str())
            || !(value.is_null() || value == "")
    });
    Ok(answer)
}

/// A text or a number that is not empty.
fn text(answer: &Map<String, Value>, name: &str) -> Option<String> {
    match answer.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
