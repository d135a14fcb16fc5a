//! The state parameter of a login. It travels with the browser, sealed, so that a login that begins
//! costs no row; only used states are stored.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde::{Deserialize, Serialize};

use crate::app::context::Context;

const SEAL_PURPOSE: &str = "login state";
/// A sealed state is shorter; nothing longer is looked at.
const MAX_SEALED_LENGTH: usize = 8192;

#[derive(Deserialize, Serialize)]
pub(super) struct LoginState {
    pub(super) instance_id: String,
    pub(super) tenant_id: String,
    pub(super) app_id: String,
    /// Of RFC 7636, where the centre is to take it.
    pub(super) verifier: Option<String>,
    pub(super) return_to: String,
    /// What the seller's page wants back; may be empty.
    pub(super) own: String,
    /// The mark of the browser that began.
    pub(super) browser: String,
    pub(super) expires: i64,
}

impl LoginState {
    pub(super) fn seal(&self, context: &Context) -> String {
        let plain = serde_json::to_vec(self).expect("texts and numbers always serialize");
        B64.encode(context.secret.seal(context.random(), SEAL_PURPOSE, &plain))
    }

    pub(super) fn open(context: &Context, text: &str) -> Option<Self> {
        if text.len() > MAX_SEALED_LENGTH {
            return None;
        }
        let plain = context.secret.unseal(SEAL_PURPOSE, &B64.decode(text).ok()?)?;
        serde_json::from_slice(&plain).ok()
    }

    /// Whether this browser began.
    pub(super) fn is_of(&self, browser: Option<&str>) -> bool {
        // Sealed and random: there is nothing to learn from how long a comparison takes.
        browser == Some(self.browser.as_str())
    }

    /// The seller's page with one member more, and with its own state.
    pub(super) fn address(&self, (name, value): (&str, &str)) -> String {
        let join = if self.return_to.contains('?') { '&' } else { '?' };
        // Ours have no character that is special in an address.
        let mut address = format!("{}{join}{name}={value}", self.return_to);
        if !self.own.is_empty() {
            address.push_str("&state=");
            address.push_str(&escaped(&self.own));
        }
        address
    }
}

/// Whether a text can be a mark of ours.
pub(super) fn is_mark(text: &str) -> bool {
    text.len() == 43 && B64.decode(text).is_ok()
}

/// All but the unreserved characters of RFC 3986.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sellers_page_gets_what_is_its_own() {
        let mut state = LoginState {
            instance_id: String::new(),
            tenant_id: String::new(),
            app_id: String::new(),
            verifier: None,
            return_to: "https://shop.example.com/in".to_owned(),
            own: String::new(),
            browser: "b".to_owned(),
            expires: 0,
        };
        assert_eq!(state.address(("code", "c")), "https://shop.example.com/in?code=c");
        state.return_to.push_str("?x=1");
        state.own = "a&b=中".to_owned();
        assert_eq!(
            state.address(("error", "e")),
            "https://shop.example.com/in?x=1&error=e&state=a%26b%3D%E4%B8%AD"
        );
        assert!(state.is_of(Some("b")) && !state.is_of(Some("c")) && !state.is_of(None));
        assert!(is_mark(&"A".repeat(43)) && !is_mark("A") && !is_mark(&";".repeat(43)));
    }
}
