//! Signed documents: JWS compact serialisation under a profile in which the header is compared,
//! never interpreted (FORMAT.md, section 2).

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde_json::{Map, Value};

use crate::{
    Refusal, json,
    key::{Alg, KeyId, PublicKey},
};

/// What a document is; a key is trusted for some of these (FORMAT.md, section 3).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum DocType {
    /// Permission to set one machine's clock floor back.
    Clock,
    /// A floating seat for a time.
    Lease,
    /// Who may use what, where, until when.
    License,
    /// A server's answer, bound to the question.
    Receipt,
    /// The releases of a product.
    Release,
    /// Licenses that are no longer valid.
    Revocation,
    /// The keys to be trusted.
    Trust,
}

impl DocType {
    /// Every type.
    pub const ALL: [Self; 7] = [
        Self::Clock,
        Self::Lease,
        Self::License,
        Self::Receipt,
        Self::Release,
        Self::Revocation,
        Self::Trust,
    ];

    /// The header's `typ`.
    #[must_use]
    pub const fn typ(self) -> &'static str {
        match self {
            Self::Clock => "clock+jwt",
            Self::Lease => "lease+jwt",
            Self::License => "license+jwt",
            Self::Receipt => "receipt+jwt",
            Self::Release => "release+jwt",
            Self::Revocation => "revocation+jwt",
            Self::Trust => "trust+jwt",
        }
    }

    /// The word for people, `license`.
    #[must_use]
    pub fn purpose(self) -> &'static str {
        self.typ().trim_end_matches("+jwt")
    }

    /// The members that this reader knows, as `crit` may demand (FORMAT.md, section 2).
    pub(crate) const fn members(self) -> &'static [&'static str] {
        match self {
            Self::Clock => &["jti", "dev", "flr"],
            Self::Lease => {
                &["sub", "jti", "lic", "prd", "exp", "ctr", "dev", "prc", "bor", "ent", "nonce"]
            }
            Self::License => &[
                "sub", "jti", "nbf", "exp", "prd", "cus", "knd", "trl", "ent", "ver", "mnt", "grc",
                "sea", "dev",
            ],
            Self::Receipt => &["nonce", "sha", "rev", "tru"],
            Self::Release => &["prd", "chn", "plt", "seq", "exp", "min", "rel"],
            Self::Revocation => &["seq", "exp", "licenses"],
            Self::Trust => &["seq", "exp", "keys", "roots"],
        }
    }

    /// Whether this reader knows every member that `crit` names.
    pub(crate) fn knows_critical(self, payload: &Map<String, Value>) -> bool {
        let Some(critical) = payload.get("crit") else { return true };
        critical.as_array().is_some_and(|names| {
            names.iter().all(|name| {
                name.as_str().is_some_and(|name| {
                    matches!(name, "iss" | "iat" | "crit") || self.members().contains(&name)
                })
            })
        })
    }

    /// How many bytes a payload may have.
    #[must_use]
    pub const fn payload_limit(self) -> usize {
        match self {
            Self::Clock | Self::Lease | Self::License | Self::Receipt => 16 * 1024,
            Self::Release | Self::Trust => 256 * 1024,
            Self::Revocation => 4 * 1024 * 1024,
        }
    }
}

/// The word names no document type.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no document type")]
pub struct UnknownDocType(String);

impl FromStr for DocType {
    type Err = UnknownDocType;

    /// Reads `license+jwt`, and `license` for short.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|doc| doc.typ() == text || doc.purpose() == text)
            .ok_or_else(|| UnknownDocType(text.to_owned()))
    }
}

impl fmt::Display for DocType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.typ())
    }
}

/// The header of every document of `alg`, `kid` and `doc`, as base64url.
pub(crate) fn header(alg: Alg, kid: KeyId, doc: DocType) -> String {
    let (alg, typ) = (alg.as_str(), doc.typ());
    B64.encode(format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"{typ}"}}"#))
}

/// A document that was taken apart; its signature is not verified yet.
pub struct Sealed<'a> {
    header: &'a str,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
    kid: KeyId,
}

impl<'a> Sealed<'a> {
    /// Takes a document apart.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] where it is no compact JWS, [`Refusal::SignatureInvalid`] where the
    /// header cannot be one of ours.
    pub fn parse(doc: DocType, text: &'a str) -> Result<Self, Refusal> {
        // Longest header and signature of the profile, with room for what will be refused anyway.
        if text.len() > doc.payload_limit() / 3 * 4 + 2048 {
            return Err(Refusal::Malformed("larger than any license"));
        }
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::Malformed("not three parts joined by dots"));
        };
        let decode = |part: &str| {
            B64.decode(part).map_err(|_| Refusal::Malformed("not canonical base64url"))
        };
        let header_bytes = decode(header)?;
        let payload_bytes = decode(payload)?;
        let signature = decode(signature)?;
        if payload_bytes.is_empty() || signature.is_empty() {
            return Err(Refusal::Malformed("a part is empty"));
        }
        if payload_bytes.len() > doc.payload_limit() {
            return Err(Refusal::Malformed("payload over the limit"));
        }
        // Only to look the key up: the whole header is compared once the key is known.
        let members =
            json::object(&header_bytes).map_err(|_| Refusal::Malformed("header is no JSON"))?;
        let kid = members
            .get("kid")
            .and_then(Value::as_str)
            .and_then(|kid| kid.parse().ok())
            .ok_or(Refusal::SignatureInvalid)?;
        let signed = &text[..header.len() + 1 + payload.len()];
        Ok(Self { header, signed, payload: payload_bytes, signature, kid })
    }

    /// The key that is said to have signed.
    #[must_use]
    pub const fn kid(&self) -> KeyId {
        self.kid
    }

    /// Compares the header with the one that `key` and `doc` require, then verifies.
    ///
    /// # Errors
    /// [`Refusal::SignatureInvalid`].
    pub fn verify(&self, key: &PublicKey, doc: DocType) -> Result<(), Refusal> {
        let genuine = self.header == header(key.alg(), key.kid(), doc)
            && key.verifies(self.signed.as_bytes(), &self.signature);
        if genuine { Ok(()) } else { Err(Refusal::SignatureInvalid) }
    }

    /// The payload under the strict profile. For text whose signature was not verified this is
    /// what somebody claims, nothing more.
    ///
    /// # Errors
    /// [`Refusal::Malformed`].
    pub fn payload(&self) -> Result<Map<String, Value>, Refusal> {
        json::object(&self.payload).map_err(|_| Refusal::Malformed("payload breaks the profile"))
    }
}
