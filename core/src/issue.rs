//! Signing documents. Behind the feature `issuer`, so that no customer's program contains it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde::Serialize;
use serde_json::json;

pub use crate::keyfile::{Encrypt, KeyFile, KeyFileError, private_key_of_pem, private_key_to_pem};
pub use crate::signer::{SignError, Signer, SigningKey};
use crate::{
    Timestamp,
    armor::STRING_LIMIT,
    jws::{DocType, header},
    trust::document_digest,
};

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
