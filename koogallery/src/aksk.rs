//! AK/SK request signing (SDK-HMAC-SHA256), both ways: what is sent to the marketplace is signed
//! here, and a simulated marketplace verifies it here.

mod verify;

use std::fmt;

use percent_encoding::{percent_decode_str, percent_encode};
use zeroize::Zeroizing;

use crate::RESERVED;
use crate::mac::{hmac, sha256_hex};
use crate::time;

pub use verify::{InvalidSignature, Received, verify};

const ALGORITHM: &str = "SDK-HMAC-SHA256";
const DATE: &str = "x-sdk-date";
const CONTENT_HASH: &str = "x-sdk-content-sha256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// An account's access key pair (我的凭证). The secret is never shown and wiped when dropped.
#[derive(Clone)]
pub struct Credentials {
    ak: String,
    sk: Zeroizing<String>,
}

impl Credentials {
    /// The pair as the console gives it.
    #[must_use]
    pub fn new(ak: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { ak: ak.into(), sk: Zeroizing::new(sk.into()) }
    }

    /// The public half.
    #[must_use]
    pub fn ak(&self) -> &str {
        &self.ak
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("ak", &self.ak).finish_non_exhaustive()
    }
}

/// A request about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST`.
    pub method: &'a str,
    /// Path and query as they stand in the request line.
    pub target: &'a str,
    /// The header `Host` as it is sent: without a port where it is the scheme's own.
    pub host: &'a str,
    /// Other headers to sign, `Content-Type` for one; each must be sent with this very value.
    pub headers: &'a [(&'a str, &'a str)],
    /// What is signed of the body.
    pub payload: Payload<'a>,
}

/// What is signed of a request's body.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// All of it.
    Bytes(&'a [u8]),
    /// Nothing, and the header `x-sdk-content-sha256: UNSIGNED-PAYLOAD` says so.
    Unsigned,
}

/// Signs a request at `now` (UTC seconds). Gives the headers to add: `X-Sdk-Date`,
/// `Authorization`, and `x-sdk-content-sha256` for an unsigned body.
#[must_use]
pub fn authorize(
    credentials: &Credentials,
    request: &Request<'_>,
    now: i64,
) -> Vec<(&'static str, String)> {
    let date = time::basic(now);
    let hash = match request.payload {
        Payload::Bytes(bytes) => sha256_hex(bytes),
        Payload::Unsigned => UNSIGNED.to_owned(),
    };

    let mut headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned()))
        .collect();
    headers.push(("host".to_owned(), request.host.to_owned()));
    headers.push((DATE.to_owned(), date.clone()));
    let unsigned = matches!(request.payload, Payload::Unsigned);
    if unsigned {
        headers.push((CONTENT_HASH.to_owned(), hash.clone()));
    }

    let signed = sign(&credentials.sk, request.method, request.target, headers, &hash, &date);
    let authorization = format!(
        "{ALGORITHM} Access={}, SignedHeaders={}, Signature={}",
        credentials.ak,
        signed.names,
        hex::encode(signed.tag)
    );

    let mut added = vec![("X-Sdk-Date", date), ("Authorization", authorization)];
    if unsigned {
        added.push((CONTENT_HASH, hash));
    }
    added
}

struct Signed {
    names: String,
    tag: [u8; 32],
}

/// The names of `headers` are in lower case.
fn sign(
    sk: &str,
    method: &str,
    target: &str,
    mut headers: Vec<(String, String)>,
    payload_hash: &str,
    date: &str,
) -> Signed {
    headers.sort();
    let names = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    let mut lines = String::new();
    for (name, value) in &headers {
        lines.extend([name, ":", value.trim(), "\n"]);
    }

    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let canonical = format!(
        "{method}\n{}\n{}\n{lines}\n{names}\n{payload_hash}",
        canonical_path(path),
        canonical_query(query)
    );
    let text = format!("{ALGORITHM}\n{date}\n{}", sha256_hex(canonical.as_bytes()));
    Signed { names, tag: hmac(sk.as_bytes(), &[text.as_bytes()]) }
}

/// Every segment encoded in one way, with a slash at the end.
fn canonical_path(path: &str) -> String {
    let mut out = path
        .split('/')
        .map(|segment| {
            let bytes: Vec<u8> = percent_decode_str(segment).collect();
            percent_encode(&bytes, RESERVED).to_string()
        })
        .collect::<Vec<_>>()
        .join("/");
    if !out.ends_with('/') {
        out.push('/');
    }
    out
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    pairs.sort();
    pairs
        .iter()
        .map(|(name, value)| {
            format!(
                "{}={}",
                percent_encode(name.as_bytes(), RESERVED),
                percent_encode(value.as_bytes(), RESERVED)
            )
        })
        .collect::<Vec<_>>()
        .join("&")
}

#[cfg(test)]
mod tests;
