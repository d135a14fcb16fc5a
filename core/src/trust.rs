//! The keys that a reader trusts: each with its purposes, products, lifetime and state
//! (FORMAT.md, section 6).

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{
    Refusal, Timestamp, json,
    jws::{DocType, Sealed},
    key::{InvalidKey, KeyId, PublicKey},
    refusal::KeyLimit,
    refusal::Warning,
};

/// Whether a key may still be relied on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum KeyState {
    /// It signs and verifies.
    #[default]
    Active,
    /// It verifies what it signed up to this moment.
    Retired(Timestamp),
    /// It verifies nothing but the documents with these digests (SHA-256, lower-case hex).
    Revoked(Vec<String>),
}

/// A public key and what it is trusted for.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// The documents that it may sign.
    pub purposes: Vec<DocType>,
    /// The products that it may sign for; absent: all.
    pub products: Option<Vec<String>>,
    /// First moment at which a document that it signs may have been issued.
    pub not_before: Option<Timestamp>,
    /// Last moment at which a document that it signs may have been issued.
    pub expires: Option<Timestamp>,
    /// Whether it may still be relied on.
    pub state: KeyState,
}

impl TrustedKey {
    /// A key without limits but its purposes.
    #[must_use]
    pub const fn new(key: PublicKey, purposes: Vec<DocType>) -> Self {
        Self {
            key,
            purposes,
            products: None,
            not_before: None,
            expires: None,
            state: KeyState::Active,
        }
    }

    /// The key as a JWK with our members.
    #[must_use]
    pub fn to_jwk(&self) -> Value {
        let mut jwk = self.key.jwk();
        let mut put = |name: &str, value: Value| jwk.insert(name.to_owned(), value);
        put("lic_typ", self.purposes.iter().map(|doc| doc.typ()).collect());
        if let Some(products) = &self.products {
            put("products", json!(products));
        }
        if let Some(at) = self.not_before {
            put("nbf", json!(at));
        }
        if let Some(at) = self.expires {
            put("exp", json!(at));
        }
        match &self.state {
            KeyState::Active => {}
            KeyState::Retired(at) => {
                put("state", json!("retired"));
                put("retired_at", json!(at));
            }
            KeyState::Revoked(keep) => {
                put("state", json!("revoked"));
                if !keep.is_empty() {
                    put("keep", json!(keep));
                }
            }
        }
        Value::Object(jwk)
    }

    fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, TrustError> {
        let key = PublicKey::from_jwk(jwk)?;
        if jwk.get("kid").is_some_and(|kid| kid.as_str() != Some(key.kid().as_str())) {
            return Err(TrustError::KidMismatch(key.kid()));
        }
        let purposes = match jwk.get("lic_typ") {
            None => vec![DocType::License],
            // Purposes of a later edition are not ours to use.
            Some(list) => {
                texts(list, "lic_typ")?.iter().filter_map(|word| word.parse().ok()).collect()
            }
        };
        let moment = |name: &'static str| {
            jwk.get(name)
                .map(|at| at.as_i64().map(Timestamp::from_secs).ok_or(TrustError::Member(name)))
                .transpose()
        };
        let state = match jwk.get("state").map(Value::as_str) {
            None | Some(Some("active")) => KeyState::Active,
            Some(Some("retired")) => {
                KeyState::Retired(moment("retired_at")?.ok_or(TrustError::Member("retired_at"))?)
            }
            Some(Some("revoked")) => KeyState::Revoked(
                jwk.get("keep").map(|list| texts(list, "keep")).transpose()?.unwrap_or_default(),
            ),
            Some(_) => return Err(TrustError::Member("state")),
        };
        Ok(Self {
            key,
            purposes,
            products: jwk.get("products").map(|list| texts(list, "products")).transpose()?,
            not_before: moment("nbf")?,
            expires: moment("exp")?,
            state,
        })
    }

    /// The limits that need no more than the document's text.
    fn may_sign(&self, doc: DocType, text: &str) -> Result<(), Refusal> {
        let refuse = |limit| Err(Refusal::KeyNotAllowed { kid: self.key.kid(), limit });
        if !self.purposes.contains(&doc) {
            return refuse(KeyLimit::Purpose(doc));
        }
        match &self.state {
            KeyState::Revoked(keep) if !keep.contains(&document_digest(text)) => {
                refuse(KeyLimit::Revoked)
            }
            _ => Ok(()),
        }
    }

    /// The limits that need the document's own words.
    fn may_say(&self, issued: Timestamp, product: Option<&str>) -> Result<(), Refusal> {
        let refuse = |limit| Err(Refusal::KeyNotAllowed { kid: self.key.kid(), limit });
        if let (Some(products), Some(product)) = (&self.products, product)
            && !products.iter().any(|allowed| allowed == product)
        {
            return refuse(KeyLimit::Product);
        }
        if self.not_before.is_some_and(|from| issued < from)
            || self.expires.is_some_and(|until| issued > until)
        {
            return refuse(KeyLimit::Lifetime);
        }
        match self.state {
            KeyState::Retired(at) if issued > at => refuse(KeyLimit::Retired),
            _ => Ok(()),
        }
    }
}

fn texts(list: &Value, name: &'static str) -> Result<Vec<String>, TrustError> {
    list.as_array()
        .and_then(|list| list.iter().map(|item| item.as_str().map(str::to_owned)).collect())
        .ok_or(TrustError::Member(name))
}

/// SHA-256 of a document's text in lower-case hex, as `keep` and receipts name it.
#[must_use]
pub fn document_digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write;
        write!(hex, "{byte:02x}").expect("writing to a String never fails");
        hex
    })
}

/// Why a list of keys was refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// Not JSON of the strict profile, or without `keys`.
    #[error("not a JWKS: an object with a list `keys` is needed")]
    NotAList,
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// A member of a key is wrong.
    #[error("the member `{0}` of a key is wrong")]
    Member(&'static str),
    /// The `kid` is not the key's thumbprint.
    #[error("the `kid` of key {0} is not its thumbprint")]
    KidMismatch(KeyId),
    /// Two keys have one id.
    #[error("two keys have the id {0}")]
    Twice(KeyId),
    /// There is no key at all.
    #[error("the list has no key")]
    Empty,
}

/// What is known of the signed list that the keys came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ListFacts {
    /// The root that signed it.
    pub kid: KeyId,
    /// Its sequence number.
    pub seq: u64,
    /// End of its validity.
    pub expires: Timestamp,
}

/// The keys that a reader accepts.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: Vec<TrustedKey>,
    roots: Vec<TrustedKey>,
    list: Option<ListFacts>,
}

/// A document whose signature was verified and whose key was allowed to sign it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Its payload.
    pub payload: Map<String, Value>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The key that signed it.
    pub kid: KeyId,
    /// What the reader should know besides.
    pub warnings: Vec<Warning>,
}

impl KeyRing {
    /// Takes keys from elsewhere.
    ///
    /// # Errors
    /// [`TrustError::Twice`], [`TrustError::Empty`].
    pub fn new(keys: Vec<TrustedKey>) -> Result<Self, TrustError> {
        if keys.is_empty() {
            return Err(TrustError::Empty);
        }
        for (i, key) in keys.iter().enumerate() {
            if keys[..i].iter().any(|other| other.key.kid() == key.key.kid()) {
                return Err(TrustError::Twice(key.key.kid()));
            }
        }
        Ok(Self { keys, roots: Vec::new(), list: None })
    }

    /// Reads a JWKS (RFC 7517) with our members.
    ///
    /// # Errors
    /// What is wrong with the list or one of its keys.
    pub fn from_jwks(text: &str) -> Result<Self, TrustError> {
        let set = json::object(text.trim_matches('\u{feff}').trim().as_bytes())
            .map_err(|_| TrustError::NotAList)?;
        Self::new(keys_in(set.get("keys"))?)
    }

    /// Reads a trust list signed by one of `roots`. The keys that it names as roots may sign the
    /// next list.
    ///
    /// # Errors
    /// As [`KeyRing::open`]; [`Refusal::Malformed`] for a list that cannot be used.
    pub fn from_trust_list(document: &str, roots: &Self, now: Timestamp) -> Result<Self, Refusal> {
        let opened = roots.open(DocType::Trust, document, now)?;
        let malformed = |_| Refusal::Malformed("the trust list cannot be used");
        let number = |name: &str| {
            opened
                .payload
                .get(name)
                .and_then(Value::as_i64)
                .ok_or(Refusal::Malformed("the trust list lacks `seq` or `exp`"))
        };
        let facts = ListFacts {
            kid: opened.kid,
            seq: u64::try_from(number("seq")?)
                .map_err(|_| Refusal::Malformed("negative sequence number"))?,
            expires: Timestamp::from_secs(number("exp")?),
        };
        let mut ring =
            keys_in(opened.payload.get("keys")).and_then(Self::new).map_err(malformed)?;
        ring.roots = match opened.payload.get("roots") {
            None => roots.keys.clone(),
            Some(list) => keys_in(Some(list)).map_err(malformed)?,
        };
        ring.list = Some(facts);
        Ok(ring)
    }

    /// The keys as a JWKS.
    #[must_use]
    pub fn to_jwks(&self) -> Value {
        json!({ "keys": self.keys.iter().map(TrustedKey::to_jwk).collect::<Vec<_>>() })
    }

    /// Every key.
    #[must_use]
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// The roots that may sign the next trust list.
    #[must_use]
    pub fn roots(&self) -> &[TrustedKey] {
        &self.roots
    }

    /// The signed list that the keys came from.
    #[must_use]
    pub const fn list(&self) -> Option<ListFacts> {
        self.list
    }

    /// Verifies a document: known key, header, signature, key allowed, payload
    /// (FORMAT.md, section 9).
    ///
    /// # Errors
    /// The first check that fails.
    pub fn open(&self, doc: DocType, text: &str, now: Timestamp) -> Result<Opened, Refusal> {
        let sealed = Sealed::parse(doc, text)?;
        let trusted = self
            .keys
            .iter()
            .find(|trusted| trusted.key.kid() == sealed.kid())
            .ok_or(Refusal::KeyUnknown(sealed.kid()))?;
        sealed.verify(&trusted.key, doc)?;
        trusted.may_sign(doc, text)?;
        let payload = sealed.payload()?;
        if !doc.knows_critical(&payload) {
            return Err(Refusal::Malformed("it needs a newer program"));
        }
        let issued_at = payload
            .get("iat")
            .and_then(Value::as_i64)
            .map(Timestamp::from_secs)
            .ok_or(Refusal::Malformed("`iat` is missing"))?;
        if !payload.get("iss").is_some_and(Value::is_string) {
            return Err(Refusal::Malformed("`iss` is missing"));
        }
        trusted.may_say(issued_at, payload.get("prd").and_then(Value::as_str))?;

        let mut warnings = Vec::new();
        if let Some(list) = self.list {
            if issued_at > list.expires {
                return Err(Refusal::TrustListTooOld { expired: list.expires });
            }
            if now > list.expires {
                warnings.push(Warning::ListExpired);
            }
        }
        Ok(Opened { payload, issued_at, kid: sealed.kid(), warnings })
    }
}

fn keys_in(list: Option<&Value>) -> Result<Vec<TrustedKey>, TrustError> {
    list.and_then(Value::as_array)
        .ok_or(TrustError::NotAList)?
        .iter()
        .map(|key| TrustedKey::from_jwk(key.as_object().ok_or(TrustError::NotAList)?))
        .collect()
}
