//! Public keys, their algorithms and their ids.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// A signature algorithm, by its JOSE name. A key has one, for ever (FORMAT.md, section 2).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum Alg {
    /// Ed25519, verified strictly.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// RSA-PSS with SHA-256 and a salt of 32 bytes.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSA PKCS#1 v1.5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
}

impl Alg {
    /// The name in a document's header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Ps256 => "PS256",
            Self::Rs256 => "RS256",
        }
    }
}

/// Names the key that signed a document: the first sixteen characters of the base64url
/// RFC 7638 thumbprint of its public key (FORMAT.md, section 2).
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyId([u8; Self::LEN]);

/// The text names no key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a key id has sixteen base64url characters")]
pub struct InvalidKeyId;

impl KeyId {
    const LEN: usize = 16;

    /// The id as it stands in a header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII is ever stored")
    }

    fn of_thumbprint(canonical_jwk: &str) -> Self {
        let text = B64.encode(Sha256::digest(canonical_jwk));
        let mut id = [0; Self::LEN];
        id.copy_from_slice(&text.as_bytes()[..Self::LEN]);
        Self(id)
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    /// Accepts one spelling only, so that equal keys are equal text wherever they are stored.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let id = <[u8; Self::LEN]>::try_from(s.as_bytes()).map_err(|_| InvalidKeyId)?;
        if !id.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            return Err(InvalidKeyId);
        }
        Ok(Self(id))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Why a public key was refused when it was read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// A member that the key needs is missing or not base64url.
    #[error("the key's member `{0}` is missing or not base64url")]
    Member(&'static str),
    /// The key type or the curve is not one of ours.
    #[error("key type `{0}` is not supported")]
    Unsupported(String),
    /// The algorithm is missing or does not go with the key.
    #[error("the key needs an `alg` that goes with it (EdDSA, PS256 or RS256)")]
    Alg,
    /// A point that is not on the curve, of small order or not canonical.
    #[error("the public key is weak or not a key")]
    Weak,
    /// An RSA key outside of 2048 to 4096 bits, or with an exponent other than 65537.
    #[error("RSA keys have 2048 to 4096 bits and the exponent 65537")]
    RsaSize,
}

#[derive(Clone)]
enum Kind {
    Ed25519(ed25519_dalek::VerifyingKey),
    #[cfg(feature = "rsa")]
    Rsa(Box<rsa::RsaPublicKey>),
}

/// A public key together with its algorithm and id.
#[derive(Clone)]
pub struct PublicKey {
    kind: Kind,
    alg: Alg,
    id: KeyId,
}

impl PublicKey {
    /// Takes the 32 bytes of an Ed25519 public key.
    ///
    /// # Errors
    /// [`InvalidKey::Weak`] for what is no point, not canonical or of small order.
    pub fn ed25519(bytes: &[u8; 32]) -> Result<Self, InvalidKey> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| InvalidKey::Weak)?;
        // Decoding forgives a y of 2^255-19 and above; the bytes must be the point's own.
        let canonical = key.to_edwards().compress().to_bytes() == *bytes;
        if key.is_weak() || !canonical {
            return Err(InvalidKey::Weak);
        }
        let x = B64.encode(bytes);
        let id = KeyId::of_thumbprint(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        Ok(Self { kind: Kind::Ed25519(key), alg: Alg::EdDsa, id })
    }

    /// Takes an RSA public key for one of the RSA algorithms.
    ///
    /// # Errors
    /// [`InvalidKey::RsaSize`] outside of the sizes allowed, [`InvalidKey::Alg`] for `EdDSA`.
    #[cfg(feature = "rsa")]
    pub fn rsa(key: rsa::RsaPublicKey, alg: Alg) -> Result<Self, InvalidKey> {
        use rsa::traits::PublicKeyParts;

        if alg == Alg::EdDsa {
            return Err(InvalidKey::Alg);
        }
        let bits = key.n().bits();
        if !(2048..=4096).contains(&bits) || *key.e() != rsa::BigUint::from(65_537_u32) {
            return Err(InvalidKey::RsaSize);
        }
        let n = B64.encode(key.n().to_bytes_be());
        let id = KeyId::of_thumbprint(&format!(r#"{{"e":"AQAB","kty":"RSA","n":"{n}"}}"#));
        Ok(Self { kind: Kind::Rsa(Box::new(key)), alg, id })
    }

    /// Reads the key's own members of a JWK (RFC 7517, RFC 8037).
    ///
    /// # Errors
    /// What is missing or wrong; an RSA key without `alg` is refused.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, InvalidKey> {
        let text = |name: &'static str| {
            jwk.get(name).and_then(Value::as_str).ok_or(InvalidKey::Member(name))
        };
        let bytes =
            |name: &'static str| B64.decode(text(name)?).map_err(|_| InvalidKey::Member(name));
        let alg = jwk.get("alg").map(|alg| alg.as_str().ok_or(InvalidKey::Alg)).transpose()?;
        if jwk.contains_key("d") {
            return Err(InvalidKey::Unsupported("private".to_owned()));
        }
        match text("kty")? {
            "OKP" if text("crv")? == "Ed25519" => {
                if alg.is_some_and(|alg| alg != Alg::EdDsa.as_str()) {
                    return Err(InvalidKey::Alg);
                }
                let x = <[u8; 32]>::try_from(bytes("x")?).map_err(|_| InvalidKey::Member("x"))?;
                Self::ed25519(&x)
            }
            #[cfg(feature = "rsa")]
            "RSA" => {
                let alg = match alg {
                    Some("PS256") => Alg::Ps256,
                    Some("RS256") => Alg::Rs256,
                    _ => return Err(InvalidKey::Alg),
                };
                let n = rsa::BigUint::from_bytes_be(&bytes("n")?);
                let e = rsa::BigUint::from_bytes_be(&bytes("e")?);
                if n.bits() > 4096 || e != rsa::BigUint::from(65_537_u32) {
                    return Err(InvalidKey::RsaSize);
                }
                let key = rsa::RsaPublicKey::new(n, e).map_err(|_| InvalidKey::RsaSize)?;
                Self::rsa(key, alg)
            }
            other => Err(InvalidKey::Unsupported(other.to_owned())),
        }
    }

    /// The key's own members of a JWK, with `alg` and `kid`.
    #[must_use]
    pub fn jwk(&self) -> Map<String, Value> {
        let mut jwk = Map::new();
        let mut put = |name: &str, value: String| jwk.insert(name.to_owned(), Value::String(value));
        match &self.kind {
            Kind::Ed25519(key) => {
                put("kty", "OKP".to_owned());
                put("crv", "Ed25519".to_owned());
                put("x", B64.encode(key.as_bytes()));
            }
            #[cfg(feature = "rsa")]
            Kind::Rsa(key) => {
                use rsa::traits::PublicKeyParts;
                put("kty", "RSA".to_owned());
                put("n", B64.encode(key.n().to_bytes_be()));
                put("e", B64.encode(key.e().to_bytes_be()));
            }
        }
        put("alg", self.alg.as_str().to_owned());
        put("kid", self.id.to_string());
        put("use", "sig".to_owned());
        jwk
    }

    /// The key's id.
    #[must_use]
    pub const fn kid(&self) -> KeyId {
        self.id
    }

    /// The key's one algorithm.
    #[must_use]
    pub const fn alg(&self) -> Alg {
        self.alg
    }

    /// Whether `signature` is this key's over `message`; any wrong length is simply wrong.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.kind {
            Kind::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            #[cfg(feature = "rsa")]
            Kind::Rsa(key) => verifies_rsa(key, self.alg, message, signature),
        }
    }
}

#[cfg(feature = "rsa")]
fn verifies_rsa(key: &rsa::RsaPublicKey, alg: Alg, message: &[u8], signature: &[u8]) -> bool {
    use rsa::{sha2::Sha256, signature::Verifier, traits::PublicKeyParts};

    if signature.len() != key.size() {
        return false;
    }
    match alg {
        Alg::Ps256 => rsa::pss::Signature::try_from(signature).is_ok_and(|signature| {
            rsa::pss::VerifyingKey::<Sha256>::new(key.clone()).verify(message, &signature).is_ok()
        }),
        Alg::Rs256 => rsa::pkcs1v15::Signature::try_from(signature).is_ok_and(|signature| {
            rsa::pkcs1v15::VerifyingKey::<Sha256>::new(key.clone())
                .verify(message, &signature)
                .is_ok()
        }),
        Alg::EdDsa => false,
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.alg.as_str(), self.id)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.jwk() == other.jwk()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.3: the thumbprint of the key of A.1.
    #[test]
    fn key_id_is_the_rfc_8037_thumbprint() {
        let jwk = serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        });
        let key = PublicKey::from_jwk(jwk.as_object().unwrap()).unwrap();
        assert_eq!(key.kid().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"[..16]);
    }

    #[test]
    fn weak_and_foreign_keys_are_refused() {
        let mut small_order = [0; 32];
        small_order[0] = 1;
        assert_eq!(PublicKey::ed25519(&small_order), Err(InvalidKey::Weak));
        // y = 2^255-19 + 1: the identity again, spelled beyond the field's prime.
        let mut beyond = [0xff; 32];
        beyond[0] = 0xee;
        beyond[31] = 0x7f;
        assert_eq!(PublicKey::ed25519(&beyond), Err(InvalidKey::Weak));

        for jwk in [
            serde_json::json!({"kty": "OKP", "crv": "X25519", "x": "AA"}),
            serde_json::json!({"kty": "EC", "crv": "P-256"}),
            serde_json::json!({"kty": "oct", "k": "AA"}),
            serde_json::json!({"kty": "OKP", "crv": "Ed25519", "alg": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            serde_json::json!({"kty": "OKP", "crv": "Ed25519", "d": "AA",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            serde_json::json!({"kty": "OKP", "crv": "Ed25519"}),
        ] {
            assert!(PublicKey::from_jwk(jwk.as_object().unwrap()).is_err(), "{jwk}");
        }
    }

    #[test]
    fn key_ids_have_one_spelling() {
        assert!("kPrK_qmxVWaYVA9w".parse::<KeyId>().is_ok());
        for text in ["", "kPrK_qmxVWaYVA9", "kPrK_qmxVWaYVA9w=", "kPrK/qmxVWaYVA9w"] {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }
}
