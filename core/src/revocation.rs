//! Licenses that are no longer valid, as a signed list (FORMAT.md, section 7).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Refusal, Timestamp, jws::DocType, key::KeyId, trust::KeyRing};

/// How a license was stopped.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RevocationStatus {
    /// For good.
    Revoked,
    /// For the time being.
    Suspended,
}

/// A revocation list that was verified.
#[derive(Clone, Debug)]
pub struct Revocations {
    /// The key that signed it.
    pub kid: KeyId,
    /// Its sequence number: readers keep the highest for each key.
    pub seq: u64,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From then on a newer list should be fetched.
    pub expires: Timestamp,
    entries: BTreeMap<String, RevocationStatus>,
}

impl Revocations {
    /// Verifies a list.
    ///
    /// # Errors
    /// As [`KeyRing::open`]; [`Refusal::Malformed`] for a list that cannot be used.
    pub fn open(document: &str, keys: &KeyRing, now: Timestamp) -> Result<Self, Refusal> {
        #[derive(Deserialize)]
        struct Members {
            seq: u64,
            exp: Timestamp,
            licenses: Vec<(String, RevocationStatus)>,
        }
        let opened = keys.open(DocType::Revocation, document, now)?;
        let members: Members = serde_json::from_value(Value::Object(opened.payload))
            .map_err(|_| Refusal::Malformed("the revocation list cannot be used"))?;
        Ok(Self {
            kid: opened.kid,
            seq: members.seq,
            issued_at: opened.issued_at,
            expires: members.exp,
            entries: members.licenses.into_iter().collect(),
        })
    }

    /// Whether and how a license was stopped.
    #[must_use]
    pub fn status_of(&self, license_id: &str) -> Option<RevocationStatus> {
        self.entries.get(license_id).copied()
    }

    /// How many licenses are on the list.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no license is on the list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The payload of a revocation list.
#[must_use]
pub fn payload(
    issuer: &str,
    seq: u64,
    issued_at: Timestamp,
    expires: Timestamp,
    entries: &[(String, RevocationStatus)],
) -> Value {
    json!({ "iss": issuer, "iat": issued_at, "seq": seq, "exp": expires, "licenses": entries })
}
