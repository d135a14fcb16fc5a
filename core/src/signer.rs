//! Private keys that sign: the trait for every holder of one, and a key in memory.

use ed25519_dalek::Signer as _;

use crate::{
    jws::DocType,
    key::{KeyId, PublicKey},
};

/// A holder of a private key: a file, an HSM, a key service.
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
