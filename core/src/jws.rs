//! Signed documents: JWS compact serialization under a profile in which the header is compared,
//! never interpreted (FORMAT.md, section 2).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde_json::{Map, Value};

pub use crate::doc_type::{DocType, UnknownDocType};
use crate::{
    Refusal, json,
    key::{Alg, KeyId, PublicKey},
};

/// The header of every document of `alg`, `kid` and `doc`, as base64url.
pub(crate) fn header(alg: Alg, kid: KeyId, doc: DocType) -> String {
    let (alg, typ) = (alg.as_str(), doc.typ());
    B64.encode(format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"{typ}"}}"#))
}

/// A document that was taken apart; its signature is not verified yet.
pub struct Sealed<'a> {
    header: &'a str,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
    kid: KeyId,
}

impl<'a> Sealed<'a> {
    /// Takes a document apart.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] where it is no compact JWS, [`Refusal::SignatureInvalid`] where the
    /// header cannot be one of ours.
    pub fn parse(doc: DocType, text: &'a str) -> Result<Self, Refusal> {
        // Longest header and signature of the profile, with room for what will be refused anyway.
        if text.len() > doc.payload_limit() / 3 * 4 + 2048 {
            return Err(Refusal::Malformed("larger than any license"));
        }
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::Malformed("not three parts joined by dots"));
        };
        let decode = |part: &str| {
            B64.decode(part).map_err(|_| Refusal::Malformed("not canonical base64url"))
        };
        let header_bytes = decode(header)?;
        let payload_bytes = decode(payload)?;
        let signature = decode(signature)?;
        if payload_bytes.is_empty() || signature.is_empty() {
            return Err(Refusal::Malformed("a part is empty"));
        }
        if payload_bytes.len() > doc.payload_limit() {
            return Err(Refusal::Malformed("payload over the limit"));
        }
        // Only to look the key up: the whole header is compared once the key is known.
        let members =
            json::object(&header_bytes).map_err(|_| Refusal::Malformed("header is no JSON"))?;
        let kid = members
            .get("kid")
            .and_then(Value::as_str)
            .and_then(|kid| kid.parse().ok())
            .ok_or(Refusal::SignatureInvalid)?;
        let signed = &text[..header.len() + 1 + payload.len()];
        Ok(Self { header, signed, payload: payload_bytes, signature, kid })
    }

    /// The key that is said to have signed.
    #[must_use]
    pub const fn kid(&self) -> KeyId {
        self.kid
    }

    /// Compares the header with the one that `key` and `doc` require, then verifies.
    ///
    /// # Errors
    /// [`Refusal::SignatureInvalid`].
    pub fn verify(&self, key: &PublicKey, doc: DocType) -> Result<(), Refusal> {
        let genuine = self.header == header(key.alg(), key.kid(), doc)
            && key.verifies(self.signed.as_bytes(), &self.signature);
        if genuine { Ok(()) } else { Err(Refusal::SignatureInvalid) }
    }

    /// The payload under the strict profile. For text whose signature was not verified this is
    /// an unproven claim.
    ///
    /// # Errors
    /// [`Refusal::Malformed`].
    pub fn payload(&self) -> Result<Map<String, Value>, Refusal> {
        json::object(&self.payload).map_err(|_| Refusal::Malformed("payload breaks the profile"))
    }
}
