//! Single encrypted fields ("V1.0 field encryption"): the buyer's telephone and e-mail in calls,
//! `userName` and `password` in answers.

use std::fmt;

use aes::{Aes128, Aes256};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::STANDARD_NO_PAD};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use cbc::{Decryptor, Encryptor};
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use crate::signature::AccessKey;

/// The characters in front of the base64, which are the initialization vector.
pub const IV_LENGTH: usize = 16;

/// How long the AES key is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encryption {
    /// `AES256_CBC_PKCS5Padding`: "1".
    Aes256,
    /// `AES128_CBC_PKCS5Padding`: every other number in the vendor's sample; "2" is sent.
    Aes128,
}

impl Encryption {
    /// Reads `encryptType`, as the vendor's sample does: "1" is the long key, another number the
    /// short one.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "1" => Some(Self::Aes256),
            _ if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => Some(Self::Aes128),
            _ => None,
        }
    }

    /// `encryptType`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aes256 => "1",
            Self::Aes128 => "2",
        }
    }
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A field that was not encrypted with this key, or not like this.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the field cannot be decrypted")]
pub struct Undecryptable;

/// Sixteen letters and digits out of as many random bytes.
#[must_use]
pub fn iv_from_random(random: [u8; IV_LENGTH]) -> [u8; IV_LENGTH] {
    const ALPHABET: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzAb";
    random.map(|byte| ALPHABET[usize::from(byte % 64)])
}

/// Encrypts a field under an initialization vector of ASCII characters that is used once.
#[must_use]
pub fn encrypt(
    key: &AccessKey,
    encryption: Encryption,
    iv: [u8; IV_LENGTH],
    plain: &str,
) -> String {
    let secret = secret(key);
    let sealed = match encryption {
        Encryption::Aes256 => Encryptor::<Aes256>::new_from_slices(&secret[..32], &iv)
            .expect("the lengths are the cipher's")
            .encrypt_padded_vec::<Pkcs7>(plain.as_bytes()),
        Encryption::Aes128 => Encryptor::<Aes128>::new_from_slices(&secret[..16], &iv)
            .expect("the lengths are the cipher's")
            .encrypt_padded_vec::<Pkcs7>(plain.as_bytes()),
    };
    format!("{}{}", String::from_utf8_lossy(&iv), STANDARD.encode(sealed))
}

/// Decrypts a field.
///
/// # Errors
///
/// [`Undecryptable`], whatever is wrong.
pub fn decrypt(
    key: &AccessKey,
    encryption: Encryption,
    field: &str,
) -> Result<Zeroizing<String>, Undecryptable> {
    let (iv, sealed) = field.split_at_checked(IV_LENGTH).ok_or(Undecryptable)?;
    let sealed = STANDARD_NO_PAD.decode(sealed.trim_end_matches('=')).map_err(|_| Undecryptable)?;
    let (secret, iv) = (secret(key), iv.as_bytes());
    let plain = match encryption {
        Encryption::Aes256 => Decryptor::<Aes256>::new_from_slices(&secret[..32], iv)
            .expect("the lengths are the cipher's")
            .decrypt_padded_vec::<Pkcs7>(&sealed),
        Encryption::Aes128 => Decryptor::<Aes128>::new_from_slices(&secret[..16], iv)
            .expect("the lengths are the cipher's")
            .decrypt_padded_vec::<Pkcs7>(&sealed),
    };
    let plain = Zeroizing::new(plain.map_err(|_| Undecryptable)?);
    let text = std::str::from_utf8(&plain).map_err(|_| Undecryptable)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The AES key: the first bytes that Java's generator `SHA1PRNG` gives when it is seeded with the
/// access key. The shorter key is a prefix of the longer one.
fn secret(key: &AccessKey) -> Zeroizing<[u8; 40]> {
    let mut state: [u8; 20] = Sha1::digest(key.bytes()).into();
    let mut out = Zeroizing::new([0; 40]);
    let first: [u8; 20] = Sha1::digest(state).into();
    // The state moves on by the output plus one, the carry running from the first byte on. Both
    // are signed bytes in Java, and so is what is carried.
    let mut carry = 1_i32;
    for (state, made) in state.iter_mut().zip(first) {
        let sum = i32::from(state.cast_signed()) + i32::from(made.cast_signed()) + carry;
        *state = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    out[..20].copy_from_slice(&first);
    out[20..].copy_from_slice(&Sha1::digest(state));
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn demo() -> AccessKey {
        AccessKey::of_vector("demo-access-key")
    }

    #[test]
    fn the_vectors_are_made_and_read() {
        assert_eq!(
            hex::encode(&secret(&demo())[..32]),
            "b0ea96ac421f5120582f329d24e60114bcf3aef574405f097ebc9f18259e1905"
        );
        for (encryption, expected) in [
            (Encryption::Aes256, "0123456789abcdef7JatqSDtVMGJzEvS1dY19g=="),
            (Encryption::Aes128, "0123456789abcdefHomYuTpzJQuppn95rwYNqg=="),
        ] {
            let field = encrypt(&demo(), encryption, *b"0123456789abcdef", "13800000000");
            assert_eq!(field, expected);
            assert_eq!(*decrypt(&demo(), encryption, expected).unwrap(), "13800000000");
        }
        assert_eq!(
            decrypt(&demo(), Encryption::Aes128, "0123456789abcdef7JatqSDtVMGJzEvS1dY19g=="),
            Err(Undecryptable)
        );
    }

    #[test]
    fn what_is_no_field_is_not_read() {
        for field in [
            "",
            "0123456789abcde",
            "0123456789abcdef",
            "0123456789abcdef=",
            "0123456789abcdefAAAA",
            "0123456789abcde中7JatqSDtVMGJzEvS1dY19g==",
            "0123456789abcdef7JatqSDtVMGJzEvS1dY19h==",
        ] {
            for encryption in [Encryption::Aes256, Encryption::Aes128] {
                assert_eq!(decrypt(&demo(), encryption, field), Err(Undecryptable), "{field}");
            }
        }
    }

    #[test]
    fn the_type_is_read_as_the_sample_reads_it() {
        assert_eq!(Encryption::from_text("1"), Some(Encryption::Aes256));
        assert_eq!(Encryption::from_text("2"), Some(Encryption::Aes128));
        assert_eq!(Encryption::from_text("128"), Some(Encryption::Aes128));
        assert_eq!(Encryption::from_text("AES"), None);
        assert_eq!(Encryption::from_text(""), None);
    }

    proptest! {
        #[test]
        fn every_text_reads_back(plain in "\\PC{0,60}", random: [u8; 16], long: bool) {
            let encryption = if long { Encryption::Aes256 } else { Encryption::Aes128 };
            let iv = iv_from_random(random);
            prop_assert!(iv.iter().all(u8::is_ascii_alphanumeric));
            let field = encrypt(&demo(), encryption, iv, &plain);
            prop_assert_eq!(&*decrypt(&demo(), encryption, &field).unwrap(), &plain);
        }
    }
}
