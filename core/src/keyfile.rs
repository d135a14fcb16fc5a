//! Private keys as files: PKCS#8 in PEM, encrypted with a passphrase by scrypt and AES-256
//! (RFC 5958, RFC 8018), with a few lines for people before it.

use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use pkcs8::{
    EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef, SecretDocument, pkcs5::pbes2,
};
use zeroize::Zeroizing;

use crate::{
    jws::DocType,
    signer::{Secret, Signer, SigningKey},
};

/// Why a key file could not be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file is encrypted and no passphrase was given.
    #[error("the key is encrypted: a passphrase is needed")]
    PassphraseNeeded,
    /// The passphrase does not open the file.
    #[error("the passphrase is wrong")]
    PassphraseWrong,
    /// The file holds no key of ours.
    #[error("not a private key in PKCS#8 PEM that can be used here")]
    NotAKey,
}

/// How a key is encrypted: the passphrase, and random bytes for the derivation.
pub struct Encrypt<'a> {
    /// The passphrase.
    pub passphrase: &'a str,
    /// Random salt of the key derivation.
    pub salt: [u8; 16],
    /// Random initialization vector of the cipher.
    pub iv: [u8; 16],
}

/// A private key with what its file says about it.
pub struct KeyFile {
    /// The key.
    pub key: SigningKey,
    /// The `iss` that is put into what it signs, where none is given.
    pub issuer: Option<String>,
    /// What it is meant to sign.
    pub purposes: Vec<DocType>,
}

const ISSUER: &str = "Issuer: ";
const PURPOSES: &str = "Purposes: ";

impl KeyFile {
    /// Reads a key file; the passphrase is needed only where it is encrypted.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn from_pem(text: &str, passphrase: Option<&str>) -> Result<Self, KeyFileError> {
        let start = text.find("-----BEGIN ").ok_or(KeyFileError::NotAKey)?;
        let (head, pem) = text.split_at(start);
        let line = |name| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        Ok(Self {
            key: SigningKey::from_pem(pem.trim_end(), passphrase)?,
            issuer: line(ISSUER).map(str::to_owned),
            purposes: line(PURPOSES)
                .map(|words| words.split(", ").filter_map(|word| word.parse().ok()).collect())
                .unwrap_or_default(),
        })
    }

    /// Writes a key file.
    ///
    /// # Errors
    /// [`KeyFileError::NotAKey`] where the key cannot be encoded.
    pub fn to_pem(&self, encrypt: Option<&Encrypt<'_>>) -> Result<Zeroizing<String>, KeyFileError> {
        let kid = self.key.kid();
        let mut text = Zeroizing::new(format!("Key id: {kid}\n"));
        if let Some(issuer) = &self.issuer {
            text.extend([ISSUER, &issuer.replace(['\r', '\n'], " "), "\n"]);
        }
        if !self.purposes.is_empty() {
            let words: Vec<_> = self.purposes.iter().map(|doc| doc.purpose()).collect();
            text.extend([PURPOSES, &words.join(", "), "\n"]);
        }
        text.push_str(&self.key.to_pem(encrypt)?);
        Ok(text)
    }
}

impl SigningKey {
    fn from_pem(pem: &str, passphrase: Option<&str>) -> Result<Self, KeyFileError> {
        let document = document_of_pem(pem, passphrase)?;
        let info =
            PrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| KeyFileError::NotAKey)?;
        match info.algorithm.oid.to_string().as_str() {
            "1.3.101.112" => {
                let key = ed25519_dalek::SigningKey::from_pkcs8_der(document.as_bytes())
                    .map_err(|_| KeyFileError::NotAKey)?;
                Ok(Self::ed25519_from_seed(key.to_bytes()))
            }
            #[cfg(feature = "rsa")]
            "1.2.840.113549.1.1.1" => {
                use rsa::pkcs8::DecodePrivateKey as _;
                let key = rsa::RsaPrivateKey::from_pkcs8_der(document.as_bytes())
                    .map_err(|_| KeyFileError::NotAKey)?;
                Self::rsa(key, crate::key::Alg::Ps256).map_err(|_| KeyFileError::NotAKey)
            }
            _ => Err(KeyFileError::NotAKey),
        }
    }

    fn to_pem(&self, encrypt: Option<&Encrypt<'_>>) -> Result<Zeroizing<String>, KeyFileError> {
        let document = match &self.secret {
            // Without the public half: the older form, which OpenSSL reads as well.
            Secret::Ed25519(key) => KeypairBytes { secret_key: key.to_bytes(), public_key: None }
                .to_pkcs8_der()
                .map_err(|_| KeyFileError::NotAKey)?,
            #[cfg(feature = "rsa")]
            Secret::Rsa(key, _) => {
                use rsa::pkcs8::EncodePrivateKey as _;
                let der = key.to_pkcs8_der().map_err(|_| KeyFileError::NotAKey)?;
                SecretDocument::try_from(der.as_bytes()).map_err(|_| KeyFileError::NotAKey)?
            }
        };
        pem_of_document(document, encrypt)
    }
}

/// The private key of a PEM file as PKCS#8, of whatever kind it is; text before it is skipped.
///
/// # Errors
/// [`KeyFileError`].
pub fn private_key_of_pem(
    text: &str,
    passphrase: Option<&str>,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let start = text.find("-----BEGIN ").ok_or(KeyFileError::NotAKey)?;
    Ok(Zeroizing::new(document_of_pem(text[start..].trim_end(), passphrase)?.as_bytes().to_vec()))
}

/// A PEM file of a private key in PKCS#8, of whatever kind it is.
///
/// # Errors
/// [`KeyFileError::NotAKey`] for what is no PKCS#8.
pub fn private_key_to_pem(
    pkcs8: &[u8],
    encrypt: Option<&Encrypt<'_>>,
) -> Result<Zeroizing<String>, KeyFileError> {
    let document = SecretDocument::try_from(pkcs8).map_err(|_| KeyFileError::NotAKey)?;
    pem_of_document(document, encrypt)
}

fn document_of_pem(pem: &str, passphrase: Option<&str>) -> Result<SecretDocument, KeyFileError> {
    let (label, document) = SecretDocument::from_pem(pem).map_err(|_| KeyFileError::NotAKey)?;
    match label {
        "PRIVATE KEY" => Ok(document),
        "ENCRYPTED PRIVATE KEY" => {
            let passphrase = passphrase.ok_or(KeyFileError::PassphraseNeeded)?;
            EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
                .map_err(|_| KeyFileError::NotAKey)?
                .decrypt(passphrase)
                .map_err(|_| KeyFileError::PassphraseWrong)
        }
        _ => Err(KeyFileError::NotAKey),
    }
}

fn pem_of_document(
    document: SecretDocument,
    encrypt: Option<&Encrypt<'_>>,
) -> Result<Zeroizing<String>, KeyFileError> {
    let (label, document) = match encrypt {
        None => ("PRIVATE KEY", document),
        Some(Encrypt { passphrase, salt, iv }) => {
            // Of the costs that OWASP recommends for scrypt the one with 16 MiB: OpenSSL opens
            // nothing over 32.
            let scrypt =
                pkcs8::pkcs5::scrypt::Params::new(14, 8, 5).map_err(|_| KeyFileError::NotAKey)?;
            let rule = pbes2::Parameters::generate_scrypt_aes256cbc(scrypt, salt, *iv);
            let info = PrivateKeyInfoRef::try_from(document.as_bytes())
                .map_err(|_| KeyFileError::NotAKey)?;
            let encrypted = info
                .encrypt_with_params(rule.map_err(|_| KeyFileError::NotAKey)?, passphrase)
                .map_err(|_| KeyFileError::NotAKey)?;
            ("ENCRYPTED PRIVATE KEY", encrypted)
        }
    };
    document.to_pem(label, LineEnding::LF).map_err(|_| KeyFileError::NotAKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> KeyFile {
        KeyFile {
            key: SigningKey::ed25519_from_seed([7; 32]),
            issuer: Some("某某科技".to_owned()),
            purposes: vec![DocType::License, DocType::Lease],
        }
    }

    #[test]
    fn reads_back_in_clear_and_encrypted() {
        let encrypt = Encrypt { passphrase: "correct horse", salt: [1; 16], iv: [2; 16] };
        for (encrypt, passphrase) in [(None, None), (Some(&encrypt), Some("correct horse"))] {
            let pem = file().to_pem(encrypt).unwrap();
            let read = KeyFile::from_pem(&pem, passphrase).unwrap();
            assert_eq!(read.key.kid(), file().key.kid());
            assert_eq!(read.issuer.as_deref(), Some("某某科技"));
            assert_eq!(read.purposes, file().purposes);
        }
        let pem = file().to_pem(Some(&encrypt)).unwrap();
        let refusal = |text: &str, passphrase| KeyFile::from_pem(text, passphrase).err();
        assert_eq!(refusal(&pem, None), Some(KeyFileError::PassphraseNeeded));
        assert_eq!(refusal(&pem, Some("wrong")), Some(KeyFileError::PassphraseWrong));
        assert_eq!(refusal("no key", None), Some(KeyFileError::NotAKey));
    }
}
