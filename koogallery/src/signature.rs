//! The basic interfaces' body signature, both ways ("V2.0 body signature"): `signature`,
//! `timestamp` and `nonce` in the URL's query. Keeping nonces is the caller's part.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::body::Body;
use crate::code::{Rejection, ResultCode};
use crate::mac::hmac;

/// The longest nonce that is taken; the vendor's samples have 64 characters.
pub const NONCE_LIMIT: usize = 256;

/// The fewest characters an access key may have.
pub const KEY_MINIMUM: usize = 16;

/// The key of one interface type. Never shown, wiped when dropped.
#[derive(Clone)]
pub struct AccessKey(Zeroizing<String>);

/// A key of fewer than [`KEY_MINIMUM`] characters.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an access key has at least {KEY_MINIMUM} characters")]
pub struct KeyTooShort;

impl AccessKey {
    /// Takes a key that can be trusted to verify anything.
    ///
    /// # Errors
    ///
    /// [`KeyTooShort`].
    pub fn new(key: impl Into<String>) -> Result<Self, KeyTooShort> {
        let key = Zeroizing::new(key.into());
        if key.chars().count() < KEY_MINIMUM {
            return Err(KeyTooShort);
        }
        Ok(Self(key))
    }

    /// Whether both are one value: a key must not be shared between interface types.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey(..)")
    }
}

/// What a call presents in its query; an absent parameter is empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Presented {
    /// Hex in either case.
    pub signature: String,
    /// Milliseconds since 1970 (13 digits), or seconds (at most 10).
    pub timestamp: String,
    /// Used once.
    pub nonce: String,
}

impl Presented {
    /// Reads a URL's query, without the question mark. The first of equal names counts.
    #[must_use]
    pub fn from_query(query: &str) -> Self {
        let mut presented = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match name.as_ref() {
                "signature" => &mut presented.signature,
                "timestamp" => &mut presented.timestamp,
                "nonce" => &mut presented.nonce,
                _ => continue,
            };
            if slot.is_empty() {
                *slot = value.into_owned();
            }
        }
        presented
    }

    /// Signs a body as the marketplace does, for playing its side.
    #[must_use]
    pub fn sign(key: &AccessKey, raw: &[u8], nonce: &str, timestamp_ms: i64) -> Self {
        Self {
            signature: sign(key, raw, nonce, timestamp_ms),
            timestamp: timestamp_ms.to_string(),
            nonce: nonce.to_owned(),
        }
    }

    /// The query that carries it, without the question mark.
    #[must_use]
    pub fn to_query(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("signature", &self.signature)
            .append_pair("timestamp", &self.timestamp)
            .append_pair("nonce", &self.nonce)
            .finish()
    }

    /// The time in milliseconds; `None` where it is no number of at most 18 digits.
    #[must_use]
    pub fn timestamp_ms(&self) -> Option<i64> {
        let digits = self.timestamp.as_str();
        if digits.is_empty() || digits.len() > 18 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let number: i64 = digits.parse().ok()?;
        // Older printings of the vendor's page count in seconds.
        Some(if digits.len() <= 10 { number * 1000 } else { number })
    }
}

/// Verifies a call: the raw bytes first, then the canonical form, under each key. The window is
/// two-sided.
///
/// Trying more than one form gives nothing away: each is the same members with the same text.
///
/// # Errors
///
/// In the order of the vendor's sample: `000002` without timestamp or nonce, `000001` without a
/// signature, `000002` outside of the window, `000001` without a key or with a wrong signature.
pub fn verify(
    presented: &Presented,
    raw: &[u8],
    body: &Body,
    keys: &[AccessKey],
    now_ms: i64,
    window_ms: i64,
) -> Result<(), Rejection> {
    if presented.timestamp.is_empty() {
        return Err(bad("timestamp is missing", "缺少timestamp"));
    }
    if presented.nonce.is_empty() {
        return Err(bad("nonce is missing", "缺少nonce"));
    }
    if presented.nonce.chars().count() > NONCE_LIMIT || presented.nonce.contains('\0') {
        return Err(bad("nonce is not usable", "nonce不可用"));
    }
    if presented.signature.is_empty() {
        return Err(unauthentic("signature is missing", "缺少signature"));
    }

    let at = presented
        .timestamp_ms()
        .ok_or_else(|| bad("timestamp is not in milliseconds", "timestamp不是毫秒时间戳"))?;
    if now_ms.abs_diff(at) > window_ms.unsigned_abs() {
        return Err(bad(
            "timestamp is too far from this server's clock",
            "timestamp与服务器时间相差过大",
        ));
    }

    if keys.is_empty() {
        return Err(unauthentic(
            "no access key is configured for this interface",
            "该接口未配置accessKey",
        ));
    }
    let mut claimed = [0; 32];
    hex::decode_to_slice(&presented.signature, &mut claimed).map_err(|_| mismatch())?;

    let forms = [body.canonical(), body.canonical_typed()];
    let forms = || std::iter::once(raw).chain(forms.iter().map(String::as_bytes));
    for key in keys {
        for form in forms() {
            let expected = tag(key, form, &presented.nonce, &presented.timestamp);
            if bool::from(expected.ct_eq(&claimed)) {
                return Ok(());
            }
        }
    }
    Err(mismatch())
}

/// Signs a body as the marketplace does; upper-case hex as in its samples.
#[must_use]
pub fn sign(key: &AccessKey, raw: &[u8], nonce: &str, timestamp_ms: i64) -> String {
    hex::encode_upper(tag(key, raw, nonce, &timestamp_ms.to_string()))
}

/// The access key is the key of both HMACs and stands in the signed text as well.
fn tag(key: &AccessKey, payload: &[u8], nonce: &str, timestamp: &str) -> [u8; 32] {
    let key = key.0.as_bytes();
    let body_hash = hex::encode(hmac(key, &[payload]));
    hmac(key, &[key, nonce.as_bytes(), timestamp.as_bytes(), body_hash.as_bytes()])
}

fn bad(english: &str, chinese: &str) -> Rejection {
    Rejection::new(ResultCode::BadParameter, english, chinese)
}

fn unauthentic(english: &str, chinese: &str) -> Rejection {
    Rejection::new(ResultCode::AuthFailed, english, chinese)
}

fn mismatch() -> Rejection {
    unauthentic("the signature does not match", "签名校验失败")
}
