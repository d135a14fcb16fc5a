//! Decrypts the joint-operation kit's client secrets (RSA-OAEP) and seals texts at rest
//! (AES-256-GCM, under keys that are derived from the server's own secret).

use std::path::Path;

use anyhow::{Context as _, bail};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use license_core::issue::{KeyFileError, private_key_of_pem};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::signing;
use crate::config::Koogallery;

/// The marketplace asks for a key of at least so many bits.
const KEY_BITS: usize = 3072;

/// The private keys whose public halves the seller gave to the marketplace, the newest first.
pub(crate) struct KitKeys(Vec<KitKey>);

struct KitKey {
    rsa: OaepPrivateDecryptingKey,
    /// Of the private key: what is kept under it opens with this key file alone.
    digest: [u8; 32],
}

/// Why a secret was not opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum UnsealError {
    /// There is no key.
    NoKey,
    /// It was encrypted for another key, or altered.
    OtherKey,
    /// What was encrypted is no text.
    NoText,
}

impl KitKeys {
    pub(crate) fn open(config: &Koogallery) -> anyhow::Result<Self> {
        let passphrase = match &config.kit_key_passphrase_file {
            Some(path) => Some(signing::passphrase_in(path, "koogallery.kit_key_passphrase_file")?),
            None => None,
        };
        let passphrase = passphrase.as_ref().map(|text| text.as_str());
        config
            .kit_keys
            .iter()
            .map(|path| KitKey::read(path, passphrase))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Opens a text that was encrypted with a public half: OAEP with SHA-256, then with SHA-1.
    pub(crate) fn decrypt(&self, ciphertext: &[u8]) -> Result<Zeroizing<String>, UnsealError> {
        if self.0.is_empty() {
            return Err(UnsealError::NoKey);
        }
        for key in &self.0 {
            for algorithm in [&OAEP_SHA256_MGF1SHA256, &OAEP_SHA1_MGF1SHA1] {
                let mut plain = Zeroizing::new(vec![0; key.rsa.min_output_size()]);
                let Ok(opened) = key.rsa.decrypt(algorithm, ciphertext, &mut plain, None) else {
                    continue;
                };
                let text = std::str::from_utf8(opened).map_err(|_| UnsealError::NoText)?;
                return Ok(Zeroizing::new(text.to_owned()));
            }
        }
        Err(UnsealError::OtherKey)
    }

    /// Seals a text so that neither the database nor the key file opens it alone.
    pub(crate) fn seal(
        &self,
        secret: &ServerSecret,
        nonce: [u8; NONCE_LEN],
        text: &str,
    ) -> Result<Vec<u8>, UnsealError> {
        let key = self.0.first().ok_or(UnsealError::NoKey)?;
        Ok(secret.seal(nonce, &key.purpose(), text.as_bytes()))
    }

    /// Opens what [`KitKeys::seal`] made with any of the keys.
    pub(crate) fn unseal(
        &self,
        secret: &ServerSecret,
        sealed: &[u8],
    ) -> Result<Zeroizing<String>, UnsealError> {
        if self.0.is_empty() {
            return Err(UnsealError::NoKey);
        }
        let opened = self.0.iter().find_map(|key| secret.unseal(&key.purpose(), sealed));
        let opened = opened.ok_or(UnsealError::OtherKey)?;
        let text = std::str::from_utf8(&opened).map_err(|_| UnsealError::NoText)?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

impl KitKey {
    fn read(path: &Path, passphrase: Option<&str>) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .with_context(|| format!("koogallery.kit_key: {shown} cannot be read"))?;
        let der = match private_key_of_pem(&text, passphrase) {
            Ok(der) => der,
            Err(KeyFileError::PassphraseNeeded) => bail!(
                "koogallery.kit_key: {shown} is encrypted: name the file with its passphrase in \
                 koogallery.kit_key_passphrase_file"
            ),
            Err(KeyFileError::PassphraseWrong) => bail!(
                "koogallery.kit_key: the passphrase in koogallery.kit_key_passphrase_file does \
                 not open {shown}"
            ),
            Err(error) => bail!("koogallery.kit_key: {shown} cannot be used: {error}"),
        };
        let unusable = || {
            anyhow::anyhow!(
                "koogallery.kit_key: {shown} is no RSA key of at least {KEY_BITS} bits; make one \
                 with `licctl key generate --alg rsa3072`"
            )
        };
        let rsa = PrivateDecryptingKey::from_pkcs8(&der).map_err(|_| unusable())?;
        if rsa.key_size_bits() < KEY_BITS {
            return Err(unusable());
        }
        let rsa = OaepPrivateDecryptingKey::new(rsa).map_err(|_| unusable())?;
        Ok(Self { rsa, digest: Sha256::digest(&*der).into() })
    }

    fn purpose(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("client secret {}", hex::encode(self.digest)))
    }
}

/// The server's own secret. It lies in the database and never leaves it: indexes by digest and
/// sealed texts cannot be guessed or opened without it.
pub(crate) struct ServerSecret([u8; 32]);

impl ServerSecret {
    pub(crate) const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A digest that only this server can make, so that values cannot be tried on a stolen file.
    pub(crate) fn digest(&self, purpose: &str, text: &str) -> Vec<u8> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// Seals bytes under a key of their own for each purpose; the nonce comes first in the result.
    /// A nonce must be random and used once.
    pub(crate) fn seal(&self, nonce: [u8; NONCE_LEN], purpose: &str, plain: &[u8]) -> Vec<u8> {
        let mut sealed = plain.to_vec();
        self.key(purpose)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose.as_bytes()),
                &mut sealed,
            )
            .expect("AES-GCM seals everything that fits into memory");
        [&nonce, &*sealed].concat()
    }

    /// Opens what [`ServerSecret::seal`] made for the same purpose.
    pub(crate) fn unseal(&self, purpose: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut rest = Zeroizing::new(rest.to_vec());
        let length = self
            .key(purpose)
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(purpose.as_bytes()),
                &mut rest,
            )
            .ok()?
            .len();
        rest.truncate(length);
        Some(rest)
    }

    fn key(&self, purpose: &str) -> LessSafeKey {
        let key = Zeroizing::new(self.digest("vault", purpose));
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("the key has 32 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::config::Config;

    fn data(name: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
    }

    fn config(folder: &Path) -> Koogallery {
        let passphrase = folder.join("passphrase");
        std::fs::write(&passphrase, "correct-horse\n").unwrap();
        let mut config = Config::for_tests(folder).koogallery;
        config.kit_keys = vec![data("kit-key.pem")];
        config.kit_key_passphrase_file = Some(passphrase);
        config
    }

    fn ciphertext(hash: &str) -> Vec<u8> {
        let text = std::fs::read_to_string(data(&format!("kit-secret-{hash}.txt"))).unwrap();
        STANDARD.decode(text.trim()).unwrap()
    }

    #[test]
    fn what_openssl_encrypted_is_opened_with_either_hash() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KitKeys::open(&config(folder.path())).unwrap();
        for hash in ["sha256", "sha1"] {
            let opened = keys.decrypt(&ciphertext(hash)).unwrap();
            assert_eq!(*opened, format!("client-secret-{hash}"));
        }
        let mut altered = ciphertext("sha256");
        altered[100] ^= 1;
        assert_eq!(keys.decrypt(&altered), Err(UnsealError::OtherKey));
        assert_eq!(keys.decrypt(b"short"), Err(UnsealError::OtherKey));
        assert_eq!(keys.decrypt(&[]), Err(UnsealError::OtherKey));
        assert_eq!(KitKeys(Vec::new()).decrypt(&altered), Err(UnsealError::NoKey));
    }

    #[test]
    fn a_key_that_will_not_do_is_refused_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let good = config(folder.path());
        let wrong = folder.path().join("wrong");
        std::fs::write(&wrong, "other\n").unwrap();
        let ed25519 = folder.path().join("ed25519.pem");
        let key = license_core::issue::KeyFile {
            key: license_core::issue::SigningKey::ed25519_from_seed([7; 32]),
            issuer: None,
            purposes: Vec::new(),
        };
        std::fs::write(&ed25519, &*key.to_pem(None).unwrap()).unwrap();
        for (config, reason) in [
            (Koogallery { kit_key_passphrase_file: None, ..good.clone() }, "is encrypted"),
            (Koogallery { kit_key_passphrase_file: Some(wrong), ..good.clone() }, "does not open"),
            (Koogallery { kit_keys: vec![ed25519], ..good.clone() }, "is no RSA key of at least"),
        ] {
            let error = KitKeys::open(&config).err().unwrap().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_alone() {
        let folder = tempfile::tempdir().unwrap();
        let secret = ServerSecret::new([3; 32]);
        let sealed = secret.seal([1; NONCE_LEN], "one", b"plain");
        assert_ne!(sealed, secret.seal([2; NONCE_LEN], "one", b"plain"));
        assert!(!sealed.windows(5).any(|window| window == b"plain"));
        assert_eq!(secret.unseal("one", &sealed).unwrap().as_slice(), b"plain");
        assert!(secret.unseal("other", &sealed).is_none());
        assert!(ServerSecret::new([4; 32]).unseal("one", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(secret.unseal("one", &altered).is_none(), "byte {at}");
        }
        for end in 0..sealed.len() {
            assert!(secret.unseal("one", &sealed[..end]).is_none(), "{end} bytes");
        }

        let keys = KitKeys::open(&config(folder.path())).unwrap();
        let kept = keys.seal(&secret, [5; NONCE_LEN], "secret").unwrap();
        assert_eq!(*keys.unseal(&secret, &kept).unwrap(), "secret");
        assert_eq!(keys.unseal(&secret, &sealed), Err(UnsealError::OtherKey));
        assert_eq!(KitKeys(Vec::new()).unseal(&secret, &kept), Err(UnsealError::NoKey));
    }
}
