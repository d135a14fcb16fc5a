//! `clientSecret` as it travels: encrypted with the public key that the seller gave. Decrypting
//! needs the private key and is the caller's part.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::call::fields::{Fields, refused, too_long};
use crate::code::Rejection;

/// The longest `clientSecret`: no page prints a length; an RSA-8192 block in hex has as many.
pub const CIPHERTEXT_LIMIT: usize = 2048;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Encrypted bytes. They are no secret, but no log needs them.
#[derive(Clone, Eq, PartialEq)]
pub struct Ciphertext(Vec<u8>);

impl Ciphertext {
    /// The bytes, as RSA takes them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// base64 in either alphabet, or hex: no page says how the bytes are written. Hex of an RSA
    /// block is never one in base64: it is half as long again.
    pub(super) fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        const NAME: &str = "clientSecret";
        let text = fields.long(NAME)?;
        if text.chars().count() > CIPHERTEXT_LIMIT {
            return Err(too_long(NAME, CIPHERTEXT_LIMIT, "characters", "个字符"));
        }
        // Some encoders break lines.
        let text: String = text.split_ascii_whitespace().collect();
        let is_hex = text.len() >= 768 && text.len().is_multiple_of(256);
        if let Some(bytes) = is_hex.then(|| hex::decode(&text).ok()).flatten() {
            return Ok(Self(bytes));
        }
        STANDARD
            .decode(&text)
            .or_else(|_| URL_SAFE.decode(&text))
            .map(Self)
            .map_err(|_| refused(NAME, "is neither base64 nor hex", "不是base64或hex"))
    }
}

impl fmt::Debug for Ciphertext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ciphertext({} bytes)", self.0.len())
    }
}
