//! Verifies a signed request, for a simulated marketplace.

use subtle::ConstantTimeEq;

use super::{ALGORITHM, CONTENT_HASH, Credentials, DATE, UNSIGNED, sign};
use crate::mac::sha256_hex;
use crate::time;

/// A request as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// `GET`, `POST`.
    pub method: &'a str,
    /// Path and query as they stood in the request line.
    pub target: &'a str,
    /// Every header, names in any case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The whole body.
    pub body: &'a [u8],
}

/// Why a request's signature is not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidSignature {
    /// No `Authorization`, or not of this kind.
    #[error("the header Authorization is missing or not SDK-HMAC-SHA256")]
    Unauthorized,
    /// `X-Sdk-Date` is absent or not a time.
    #[error("the header X-Sdk-Date is missing or not of the form 20240317T144237Z")]
    Date,
    /// `X-Sdk-Date` is too far from the clock.
    #[error("the header X-Sdk-Date is too far from this clock")]
    Stale,
    /// Another access key.
    #[error("the access key is not known")]
    UnknownKey,
    /// A header that has to be signed is not.
    #[error("the header {0} is not signed")]
    NotSigned(&'static str),
    /// A header is named as signed and was not sent.
    #[error("the signed header {0:?} was not sent")]
    NotSent(String),
    /// `x-sdk-content-sha256` is not the hash of the body.
    #[error("the body's hash is not the one that was signed")]
    Body,
    /// Anything that was signed has changed, or the secret is another one.
    #[error("the signature does not match")]
    Signature,
}

/// Verifies a request at `now`, `window` seconds either way.
///
/// # Errors
///
/// [`InvalidSignature`], in the order in which its variants stand.
pub fn verify(
    credentials: &Credentials,
    received: &Received<'_>,
    now: i64,
    window: i64,
) -> Result<(), InvalidSignature> {
    let authorization = Authorization::read(received.header("authorization"))?;
    let date = received.header(DATE).ok_or(InvalidSignature::Date)?.trim();
    let at = time::parse_basic(date).ok_or(InvalidSignature::Date)?;
    if now.abs_diff(at) > window.unsigned_abs() {
        return Err(InvalidSignature::Stale);
    }
    if !bool::from(authorization.ak.as_bytes().ct_eq(credentials.ak.as_bytes())) {
        return Err(InvalidSignature::UnknownKey);
    }

    let names: Vec<String> =
        authorization.headers.split(';').map(str::to_ascii_lowercase).collect();
    for must in ["host", DATE] {
        if !names.iter().any(|name| name == must) {
            return Err(InvalidSignature::NotSigned(must));
        }
    }
    let mut headers = Vec::with_capacity(names.len());
    for name in names {
        let value =
            received.header(&name).ok_or_else(|| InvalidSignature::NotSent(name.clone()))?;
        headers.push((name, value.to_owned()));
    }

    let hash = match received.header(CONTENT_HASH).map(str::trim) {
        Some(UNSIGNED) => UNSIGNED.to_owned(),
        claimed => {
            let hash = sha256_hex(received.body);
            if claimed.is_some_and(|claimed| !claimed.eq_ignore_ascii_case(&hash)) {
                return Err(InvalidSignature::Body);
            }
            claimed.map_or(hash, str::to_owned)
        }
    };

    let signed = sign(&credentials.sk, received.method, received.target, headers, &hash, date);
    let mut claimed = [0; 32];
    hex::decode_to_slice(authorization.signature, &mut claimed)
        .map_err(|_| InvalidSignature::Signature)?;
    if bool::from(signed.tag.ct_eq(&claimed)) { Ok(()) } else { Err(InvalidSignature::Signature) }
}

impl<'a> Received<'a> {
    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

struct Authorization<'a> {
    ak: &'a str,
    headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn read(header: Option<&'a str>) -> Result<Self, InvalidSignature> {
        let header = header.and_then(|h| h.trim().strip_prefix(ALGORITHM));
        let fields =
            header.filter(|rest| rest.starts_with(' ')).ok_or(InvalidSignature::Unauthorized)?;
        let field = |name: &str| {
            fields
                .split(',')
                .filter_map(|field| field.trim().split_once('='))
                .find_map(|(n, value)| (n == name).then_some(value))
                .ok_or(InvalidSignature::Unauthorized)
        };
        Ok(Self {
            ak: field("Access")?,
            headers: field("SignedHeaders")?,
            signature: field("Signature")?,
        })
    }
}
