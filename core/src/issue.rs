//! Signing: private keys and the documents made with them. Behind the feature `issuer`, so that
//! no customer's program contains it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use ed25519_dalek::Signer as _;
use serde::Serialize;
use serde_json::json;

pub use crate::keyfile::{Encrypt, KeyFile, KeyFileError, private_key_of_pem, private_key_to_pem};
use crate::{
    Timestamp,
    armor::STRING_LIMIT,
    jws::{DocType, header},
    key::{KeyId, PublicKey},
    trust::document_digest,
};

/// Whatever holds a private key: a file, an HSM, a key service.
pub trait Signer: Send + Sync {
    /// The public half.
    fn public(&self) -> &PublicKey;

    /// Signs `message` with the key's one algorithm.
    ///
    /// # Errors
    /// [`SignError`] where the holder of the key cannot sign.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// The key's id.
    fn kid(&self) -> KeyId {
        self.public().kid()
    }
}

/// Why nothing was signed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The payload is larger than readers accept.
    #[error("the {0} would be larger than readers accept")]
    TooLarge(DocType),
    /// The holder of the key refused.
    #[error("the key cannot sign: {0}")]
    Key(String),
}

/// A private key in memory; it is wiped when dropped.
pub struct SigningKey {
    pub(crate) secret: Secret,
    public: PublicKey,
}

pub(crate) enum Secret {
    Ed25519(Box<ed25519_dalek::SigningKey>),
    #[cfg(feature = "rsa")]
    Rsa(Box<rsa::RsaPrivateKey>, crate::key::Alg),
}

impl SigningKey {
    /// Makes the Ed25519 key of 32 random bytes.
    #[must_use]
    pub fn ed25519_from_seed(seed: [u8; 32]) -> Self {
        let secret = ed25519_dalek::SigningKey::from_bytes(&seed);
        let public = PublicKey::ed25519(secret.verifying_key().as_bytes())
            .expect("a key derived from a seed is canonical and of full order");
        Self { secret: Secret::Ed25519(Box::new(secret)), public }
    }

    /// Takes an RSA key for one of the RSA algorithms.
    ///
    /// # Errors
    /// [`crate::key::InvalidKey`] for a key that readers would refuse, or under 3072 bits.
    #[cfg(feature = "rsa")]
    pub fn rsa(
        secret: rsa::RsaPrivateKey,
        alg: crate::key::Alg,
    ) -> Result<Self, crate::key::InvalidKey> {
        use rsa::traits::PublicKeyParts;

        if secret.n().bits() < 3072 {
            return Err(crate::key::InvalidKey::RsaSize);
        }
        let public = PublicKey::rsa(secret.to_public_key(), alg)?;
        Ok(Self { secret: Secret::Rsa(Box::new(secret), alg), public })
    }
}

impl Signer for SigningKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.secret {
            Secret::Ed25519(key) => Ok(key.sign(message).to_vec()),
            #[cfg(feature = "rsa")]
            Secret::Rsa(key, alg) => sign_rsa(key, *alg, message),
        }
    }
}

/// Deterministic PKCS#1 v1.5, and PSS with a salt derived from key and message, so that no random
/// source is needed here.
#[cfg(feature = "rsa")]
fn sign_rsa(
    key: &rsa::RsaPrivateKey,
    alg: crate::key::Alg,
    message: &[u8],
) -> Result<Vec<u8>, SignError> {
    use rsa::rand_core::{CryptoRng, Error, RngCore};
    use rsa::{
        sha2::{Digest, Sha256},
        signature::{SignatureEncoding, Signer as _},
        traits::{PrivateKeyParts, SignatureScheme as _},
    };

    struct Salt([u8; 32]);
    impl RngCore for Salt {
        fn next_u32(&mut self) -> u32 {
            let mut bytes = [0; 4];
            self.fill_bytes(&mut bytes);
            u32::from_le_bytes(bytes)
        }
        fn next_u64(&mut self) -> u64 {
            let mut bytes = [0; 8];
            self.fill_bytes(&mut bytes);
            u64::from_le_bytes(bytes)
        }
        fn fill_bytes(&mut self, target: &mut [u8]) {
            for chunk in target.chunks_mut(32) {
                self.0 = Sha256::digest(self.0).into();
                chunk.copy_from_slice(&self.0[..chunk.len()]);
            }
        }
        fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), Error> {
            self.fill_bytes(target);
            Ok(())
        }
    }
    impl CryptoRng for Salt {}

    if alg == crate::key::Alg::Rs256 {
        let signer = rsa::pkcs1v15::SigningKey::<Sha256>::new(key.clone());
        return Ok(signer.sign(message).to_vec());
    }
    let digest = Sha256::digest(message);
    let seed = Sha256::new().chain_update(key.d().to_bytes_be()).chain_update(digest).finalize();
    rsa::Pss::new_with_salt::<Sha256>(32)
        .sign(Some(&mut Salt(seed.into())), key, &digest)
        .map_err(|error| SignError::Key(error.to_string()))
}

/// Signs a document.
///
/// # Errors
/// [`SignError::TooLarge`] beyond the payload's limit; what the signer says.
pub fn seal(
    doc: DocType,
    payload: &impl Serialize,
    signer: &dyn Signer,
) -> Result<String, SignError> {
    let payload = serde_json::to_vec(payload).map_err(|error| SignError::Key(error.to_string()))?;
    if payload.len() > doc.payload_limit() {
        return Err(SignError::TooLarge(doc));
    }
    let public = signer.public();
    let mut text = header(public.alg(), public.kid(), doc);
    text.push('.');
    B64.encode_string(&payload, &mut text);
    let signature = signer.sign(text.as_bytes())?;
    text.push('.');
    B64.encode_string(signature, &mut text);
    Ok(text)
}

/// Whether a license is short enough to travel as text.
#[must_use]
pub const fn fits_string(document: &str) -> bool {
    document.len() <= STRING_LIMIT
}

/// Signs the server's answer to a question.
///
/// # Errors
/// As [`seal`].
pub fn receipt(
    issuer: &str,
    now: Timestamp,
    nonce: &str,
    answered: &str,
    lists: ListSequences,
    signer: &dyn Signer,
) -> Result<String, SignError> {
    let mut payload = json!({
        "iss": issuer, "iat": now, "nonce": nonce, "sha": document_digest(answered),
    });
    if let Some(seq) = lists.revocation {
        payload["rev"] = json!(seq);
    }
    if let Some(seq) = lists.trust {
        payload["tru"] = json!(seq);
    }
    seal(DocType::Receipt, &payload, signer)
}

/// The sequence numbers of the newest lists, for a receipt to name.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListSequences {
    /// Of the revocation list.
    pub revocation: Option<u64>,
    /// Of the trust list.
    pub trust: Option<u64>,
}

/// The next sequence number: above the previous one and never behind the clock, so that a server
/// restored from a backup does not fall behind its readers (FORMAT.md, section 3).
#[must_use]
pub fn next_seq(previous: Option<u64>, now: Timestamp) -> u64 {
    let clock = u64::try_from(now.as_secs()).unwrap_or_default();
    previous.map_or(clock, |previous| clock.max(previous.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::{KeyRing, TrustedKey};

    fn key() -> SigningKey {
        SigningKey::ed25519_from_seed([7; 32])
    }

    #[test]
    fn what_is_sealed_opens() {
        let ring =
            KeyRing::new(vec![TrustedKey::new(key().public().clone(), vec![DocType::License])])
                .unwrap();
        let payload = json!({"iss": "licd", "iat": 1});
        let text = seal(DocType::License, &payload, &key()).unwrap();
        let opened = ring.open(DocType::License, &text, Timestamp::from_secs(2)).unwrap();
        assert_eq!(serde_json::Value::Object(opened.payload), payload);

        let lease = seal(DocType::Lease, &payload, &key()).unwrap();
        let at = Timestamp::from_secs(2);
        assert_eq!(
            ring.open(DocType::License, &lease, at).unwrap_err().code().as_str(),
            "SIGNATURE_INVALID"
        );
        assert_eq!(
            ring.open(DocType::Lease, &lease, at).unwrap_err().code().as_str(),
            "KEY_NOT_ALLOWED"
        );
    }

    #[test]
    fn too_large_is_refused_before_signing() {
        let payload = json!({"iss": "x".repeat(16 * 1024)});
        assert_eq!(
            seal(DocType::License, &payload, &key()),
            Err(SignError::TooLarge(DocType::License))
        );
    }

    #[test]
    fn sequences_rise() {
        let now = Timestamp::from_secs(100);
        assert_eq!(next_seq(None, now), 100);
        assert_eq!(next_seq(Some(50), now), 100);
        assert_eq!(next_seq(Some(100), now), 101);
    }

    #[cfg(feature = "rsa")]
    #[test]
    fn rsa_signs_both_ways() {
        use crate::key::Alg;

        let mut rng = rsa::rand_core::OsRng;
        let secret = rsa::RsaPrivateKey::new(&mut rng, 3072).unwrap();
        for alg in [Alg::Ps256, Alg::Rs256] {
            let key = SigningKey::rsa(secret.clone(), alg).unwrap();
            let signature = key.sign(b"message").unwrap();
            assert!(key.public().verifies(b"message", &signature));
            assert!(!key.public().verifies(b"massage", &signature));
        }
    }
}
