//! RSA decryption keys: made, stored and shown here. They sign nothing, and only the server decrypts.

use hmac::{Hmac, KeyInit, Mac};
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::rand_core::{CryptoRng, Error, RngCore};
use rsa::traits::PublicKeyParts as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::issue::{Encrypt, KeyFileError, private_key_of_pem, private_key_to_pem};

/// Marks the file of such a key.
const HEAD: &str = "Decrypts: ";

/// A private RSA key for OAEP.
pub struct DecryptionKey(rsa::RsaPrivateKey);

impl DecryptionKey {
    /// How long a new one is: the marketplace asks for at least so many bits.
    pub const BITS: usize = 3072;

    /// Makes the key of 32 random bytes.
    ///
    /// # Errors
    /// [`KeyFileError::NotAKey`] where no primes are found, which does not happen.
    pub fn generate(seed: [u8; 32]) -> Result<Self, KeyFileError> {
        let mut stream = Stream { seed: Zeroizing::new(seed), count: 0 };
        let made = rsa::RsaPrivateKey::new(&mut stream, Self::BITS);
        made.map(Self).map_err(|_| KeyFileError::NotAKey)
    }

    /// Whether a file says that it holds such a key.
    #[must_use]
    pub fn is_in(text: &str) -> bool {
        text.lines().take_while(|line| !line.starts_with("-----")).any(|l| l.starts_with(HEAD))
    }

    /// Reads a key file; the passphrase is needed only where it is encrypted.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn from_pem(text: &str, passphrase: Option<&str>) -> Result<Self, KeyFileError> {
        let der = private_key_of_pem(text, passphrase)?;
        rsa::RsaPrivateKey::from_pkcs8_der(&der).map(Self).map_err(|_| KeyFileError::NotAKey)
    }

    /// Writes a key file.
    ///
    /// # Errors
    /// [`KeyFileError::NotAKey`] where the key cannot be encoded.
    pub fn to_pem(&self, encrypt: Option<&Encrypt<'_>>) -> Result<Zeroizing<String>, KeyFileError> {
        let der = self.0.to_pkcs8_der().map_err(|_| KeyFileError::NotAKey)?;
        let pem = private_key_to_pem(der.as_bytes(), encrypt)?;
        let mut text = Zeroizing::new(format!("{HEAD}clientSecret (koogallery.kit_key)\n"));
        text.push_str(&pem);
        Ok(text)
    }

    /// The length of its modulus.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.0.n().bits()
    }

    /// The public half: `SubjectPublicKeyInfo` in DER.
    ///
    /// # Errors
    /// [`KeyFileError::NotAKey`] where the key cannot be encoded.
    pub fn public_der(&self) -> Result<Vec<u8>, KeyFileError> {
        let der = self.0.to_public_key().to_public_key_der().map_err(|_| KeyFileError::NotAKey)?;
        Ok(der.into_vec())
    }

    /// The public half in PEM.
    ///
    /// # Errors
    /// [`KeyFileError::NotAKey`] where the key cannot be encoded.
    pub fn public_pem(&self) -> Result<String, KeyFileError> {
        let public = self.0.to_public_key();
        public.to_public_key_pem(LineEnding::LF).map_err(|_| KeyFileError::NotAKey)
    }
}

/// As many bytes as primes take, from a seed: HMAC-SHA256 over a counter.
struct Stream {
    seed: Zeroizing<[u8; 32]>,
    count: u64,
}

impl RngCore for Stream {
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
            let mut mac =
                Hmac::<Sha256>::new_from_slice(&*self.seed).expect("HMAC takes keys of any length");
            mac.update(&self.count.to_be_bytes());
            self.count += 1;
            chunk.copy_from_slice(&mac.finalize().into_bytes()[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(target);
        Ok(())
    }
}

impl CryptoRng for Stream {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_of_its_seed_and_reads_back() {
        let key = DecryptionKey::generate([7; 32]).unwrap();
        assert_eq!(key.bits(), 3072);
        let encrypt = Encrypt { passphrase: "correct horse", salt: [1; 16], iv: [2; 16] };
        for (encrypt, passphrase) in [(None, None), (Some(&encrypt), Some("correct horse"))] {
            let pem = key.to_pem(encrypt).unwrap();
            assert!(DecryptionKey::is_in(&pem));
            let read = DecryptionKey::from_pem(&pem, passphrase).unwrap();
            assert_eq!(read.public_der().unwrap(), key.public_der().unwrap());
        }
        let pem = key.to_pem(Some(&encrypt)).unwrap();
        let refusal = |passphrase| DecryptionKey::from_pem(&pem, passphrase).err();
        assert_eq!(refusal(None), Some(KeyFileError::PassphraseNeeded));
        assert_eq!(refusal(Some("wrong")), Some(KeyFileError::PassphraseWrong));
        assert!(key.public_pem().unwrap().starts_with("-----BEGIN PUBLIC KEY-----\n"));
        assert!(!DecryptionKey::is_in(&key.public_pem().unwrap()));
    }
}
