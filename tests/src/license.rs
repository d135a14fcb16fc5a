//! Reading what the server signed, with the keys that it shows to everybody.

use license_core::revocation::Revocations;
use license_core::time::Timestamp;
use license_core::trust::KeyRing;
use license_core::verify::{self, Refusal, Verified, VerifyContext};
use serde_json::Value;

use crate::http;
use crate::server::Server;
use crate::time;

/// The keys of `/.well-known/jwks.json`.
///
/// # Panics
///
/// When they cannot be read.
#[must_use]
pub fn keys(server: &Server) -> KeyRing {
    let reply = http::get(&format!("{}/.well-known/jwks.json", server.listen), None);
    assert_eq!(reply.status, 200, "{}", reply.text());
    KeyRing::from_jwks(&reply.text()).expect("a JWKS")
}

/// Verifies a license for this machine, now.
///
/// # Errors
///
/// The refusal.
pub fn verify(server: &Server, license: &str, device: &str) -> Result<Verified, Refusal> {
    let question = VerifyContext {
        product: Some("flowsim"),
        device: Some(device),
        ..VerifyContext::at(Timestamp::from_secs(time::now()))
    };
    verify::license(license.as_bytes(), &keys(server), &question)
}

/// Verifies it and gives the signed claims.
///
/// # Panics
///
/// When it is refused.
#[must_use]
pub fn claims(server: &Server, license: &str, device: &str) -> Value {
    match verify(server, license, device) {
        Ok(verified) => Value::Object(verified.payload),
        Err(refusal) => panic!("{}: {refusal}\n{license}", refusal.code()),
    }
}

/// The list of what is revoked or suspended, verified: `(seq, [(license id, state)])`.
///
/// # Panics
///
/// When it is not there or does not verify.
#[must_use]
pub fn revocations(server: &Server) -> (u64, Vec<(String, String)>) {
    let reply = http::get(&format!("{}/v1/client/revocations", server.listen), None);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/jose"));
    let now = Timestamp::from_secs(time::now());
    Revocations::open(&reply.text(), &keys(server), now).expect("a revocation list");

    let payload = payload(&reply.text());
    let entries = payload["licenses"].as_array().expect("pairs").iter().map(|pair| {
        let text = |n: usize| pair[n].as_str().expect("text").to_owned();
        (text(0), text(1))
    });
    (payload["seq"].as_u64().expect("a number"), entries.collect())
}

/// The payload of a document, unverified.
///
/// # Panics
///
/// When the text is no document.
#[must_use]
pub fn payload(document: &str) -> Value {
    use base64::Engine as _;
    let part = document.trim().split('.').nth(1).expect("three parts");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}
