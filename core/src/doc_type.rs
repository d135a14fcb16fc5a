//! The types of documents: the header's word, the members that this reader knows, and the size limit
//! (FORMAT.md, sections 2 and 3).

use std::{fmt, str::FromStr};

use serde_json::{Map, Value};

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
