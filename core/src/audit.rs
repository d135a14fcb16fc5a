//! The audit chain: what a server did, link by link, each with the hash of the one before it. Here
//! is how a link is hashed and how a chain is verified; who writes it is the server's business.

mod chain;

use std::collections::BTreeMap;
use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de};
use sha2::{Digest, Sha256};

pub use chain::{Anchor, Auditor, Break, Chain, Fault, InvalidAnchor, Report};

use crate::{Timestamp, json};

/// One thing that was done: words by name. `action`, `by` and `outcome` are always there, beside
/// them the ids of whom it concerned.
pub type Entry = BTreeMap<String, String>;

/// SHA-256, written as 64 small hex digits.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct LinkHash([u8; 32]);

impl LinkHash {
    /// What the first link of a chain has before it.
    pub const NONE: Self = Self([0; 32]);

    /// The bytes as they are stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for LinkHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for LinkHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for LinkHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The text is no hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a hash has 64 small hex digits")]
pub struct InvalidHash;

impl FromStr for LinkHash {
    type Err = InvalidHash;

    /// Accepts one spelling only, so that equal hashes are equal text.
    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(InvalidHash),
        };
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() {
            return Err(InvalidHash);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for LinkHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LinkHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// One link: everything that one transaction of one server did.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Link {
    /// Whose chain it belongs to.
    pub server: String,
    /// 1, 2, 3 … without a gap.
    pub seq: u64,
    /// By that server's clock.
    #[cfg_attr(feature = "openapi", schema(value_type = i64))]
    pub at: Timestamp,
    /// What was done, in the order it was done.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub entries: Vec<Entry>,
    /// The hash of the link before it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub previous: LinkHash,
    /// The hash of this one.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub hash: LinkHash,
}

impl Link {
    /// Reads one line of an export; a member that stands twice or is not known is refused.
    ///
    /// # Errors
    /// Text that is no link.
    pub fn parse(line: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_value(json::object(line.as_bytes())?.into())
    }

    /// The hash that its content asks for.
    #[must_use]
    pub fn expected(&self) -> LinkHash {
        let entries =
            serde_json::to_string(&self.entries).expect("maps of texts have no way to fail");
        hash(&self.server, self.seq, self.at, &entries, &self.previous)
    }
}

/// The hash of a link: SHA-256 over its members but `hash` as RFC 8785 writes them. `entries` is
/// their JSON in that form: no white space, members sorted by name.
#[must_use]
pub fn hash(server: &str, seq: u64, at: Timestamp, entries: &str, previous: &LinkHash) -> LinkHash {
    let server = serde_json::Value::from(server);
    let at = at.as_secs();
    let head = format!(r#"{{"at":{at},"entries":"#);
    let tail = format!(r#","previous":"{previous}","seq":{seq},"server":{server}}}"#);
    let digest = Sha256::new().chain_update(head).chain_update(entries).chain_update(tail);
    LinkHash(digest.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reproduced with `jq -jcS 'del(.hash)' | sha256sum`.
    const VECTOR: &str = r#"{"server":"0f1e2d3c4b5a69788796a5b4c3d2e1f0","seq":2,"at":1795132800,
        "entries":[{"outcome":"served","by":"marketplace","action":"application.accept",
        "instance":"实例 \"1\"","event":"e/1\u0007"},{"action":"instance.freeze","by":"token:t-1",
        "outcome":"done","instance":"i-2"}],
        "previous":"00000000000000000000000000000000000000000000000000000000000000ff",
        "hash":"HASH"}"#;
    const HASH: &str = "c7e4dbf0ecb8cad3c05822a3e4e2797f569ad02d1091a14fe54fd0b0f9e7d7bc";

    #[test]
    fn the_canonical_form_is_that_of_the_vector() {
        let link = Link::parse(&VECTOR.replace("HASH", HASH)).unwrap();
        assert_eq!(link.expected().to_string(), HASH);
        let mut other = link.clone();
        other.entries[1].insert("instance".to_owned(), "i-3".to_owned());
        assert_ne!(other.expected(), link.expected());
        let mut other = link.clone();
        other.entries.swap(0, 1);
        assert_ne!(other.expected(), link.expected());
        let text = serde_json::to_string(&link).unwrap();
        assert_eq!(Link::parse(&text).unwrap(), link);
    }

    #[test]
    fn text_that_is_no_link_is_refused() {
        let good = VECTOR.replace("HASH", HASH);
        assert!(Link::parse(&good).is_ok());
        for (from, to) in [
            (r#""seq":2"#, r#""seq":2,"seq":3"#),
            (r#""seq":2"#, r#""seq":2,"note":"""#),
            (r#""seq":2"#, r#""seq":-2"#),
            (r#""by":"token:t-1""#, r#""by":"token:t-1","by":"server""#),
            (r#""by":"token:t-1""#, r#""by":1"#),
            ("00ff", "00FF"),
            ("00ff", "0ff"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good);
            assert!(Link::parse(&bad).is_err(), "{to}");
        }
        assert!(Link::parse("").is_err());
    }
}
