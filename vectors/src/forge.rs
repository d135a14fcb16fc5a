//! Makes documents, good and bad, byte by byte and without `license-core`: what the vectors expect
//! must not come from the code that they test.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

/// The time of nearly every vector: 2027-01-15T08:00:00Z.
pub(super) const AT: i64 = 1_800_000_000;
pub(super) const DAY: i64 = 86_400;

/// A key whose private half everybody knows: never trust one outside of tests.
#[derive(Clone, Copy)]
pub(super) struct TestKey(u8);

pub(super) const ISSUING: TestKey = TestKey(1);
pub(super) const RELEASE: TestKey = TestKey(2);
pub(super) const ROOT: TestKey = TestKey(3);
pub(super) const NEXT_ISSUING: TestKey = TestKey(4);
pub(super) const STRANGER: TestKey = TestKey(5);
pub(super) const NEXT_ROOT: TestKey = TestKey(6);

impl TestKey {
    fn expanded(self) -> [u8; 64] {
        Sha512::digest([self.0; 32]).into()
    }

    /// The private scalar, for signatures that no honest signer makes.
    pub(super) fn scalar(self) -> Scalar {
        let mut low = [0; 32];
        low.copy_from_slice(&self.expanded()[..32]);
        Scalar::from_bytes_mod_order(clamp_integer(low))
    }

    pub(super) fn point(self) -> EdwardsPoint {
        EdwardsPoint::mul_base(&self.scalar())
    }

    pub(super) fn public(self) -> [u8; 32] {
        self.point().compress().to_bytes()
    }

    pub(super) fn kid(self) -> String {
        kid_of(&self.public())
    }

    /// RFC 8032, section 5.1.6.
    pub(super) fn sign(self, message: &[u8]) -> [u8; 64] {
        let r = wide(&[&self.expanded()[32..], message]);
        let point = EdwardsPoint::mul_base(&r).compress().to_bytes();
        let k = wide(&[&point, &self.public(), message]);
        pair(&point, &(r + k * self.scalar()).to_bytes())
    }

    /// The key as a JWK for these document types; none: without `lic_typ`.
    pub(super) fn jwk(self, lic_typ: &[&str]) -> Value {
        ed25519_jwk(&self.public(), lic_typ)
    }

    /// A document of this key.
    pub(super) fn document(self, typ: &str, payload: impl AsRef<[u8]>) -> String {
        self.sealed(&header("EdDSA", &self.kid(), typ), payload)
    }

    pub(super) fn license(self, claims: &Claims) -> String {
        self.document("license+jwt", claims.json())
    }

    /// A document with whatever header.
    pub(super) fn sealed(self, header: &str, payload: impl AsRef<[u8]>) -> String {
        let signed = format!("{}.{}", B64.encode(header), B64.encode(payload));
        let signature = B64.encode(self.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

/// SHA-512 of the parts as a scalar.
pub(super) fn wide(parts: &[&[u8]]) -> Scalar {
    let hash: [u8; 64] = Sha512::digest(parts.concat()).into();
    Scalar::from_bytes_mod_order_wide(&hash)
}

/// A signature of its two halves.
pub(super) fn pair(point: &[u8; 32], scalar: &[u8; 32]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(point);
    signature[32..].copy_from_slice(scalar);
    signature
}

/// FORMAT.md, section 2.4.
pub(super) fn kid_of(public: &[u8; 32]) -> String {
    let x = B64.encode(public);
    let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
    let mut kid = B64.encode(thumbprint);
    kid.truncate(16);
    kid
}

pub(super) fn ed25519_jwk(public: &[u8; 32], lic_typ: &[&str]) -> Value {
    let mut jwk = json!({
        "alg": "EdDSA", "crv": "Ed25519", "kid": kid_of(public), "kty": "OKP", "use": "sig",
        "x": B64.encode(public),
    });
    if !lic_typ.is_empty() {
        jwk["lic_typ"] = json!(lic_typ);
    }
    jwk
}

pub(super) fn jwks(keys: &[Value]) -> Value {
    json!({ "keys": keys })
}

pub(super) fn header(alg: &str, kid: &str, typ: &str) -> String {
    format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"{typ}"}}"#)
}

/// The three parts of a document.
pub(super) fn parts(document: &str) -> (&str, &str, &str) {
    let (header, rest) = document.split_once('.').expect("made here with two dots");
    let (payload, signature) = rest.split_once('.').expect("made here with two dots");
    (header, payload, signature)
}

/// Members of a payload, each with its JSON text, in the order in which they are written.
#[derive(Clone)]
pub(super) struct Claims(Vec<(&'static str, String)>);

impl Claims {
    /// An unbound license that is valid at [`AT`].
    pub(super) fn license() -> Self {
        Self(Vec::new())
            .with("iss", r#""FlowSim""#)
            .with("iat", (AT - 30 * DAY).to_string())
            .with("sub", r#""i-0001""#)
            .with("jti", r#""l-0001""#)
            .with("nbf", (AT - 30 * DAY).to_string())
            .with("exp", (AT + 300 * DAY).to_string())
            .with("prd", r#""flowsim""#)
            .with("cus", r#""某某科技有限公司""#)
            .with("knd", r#""unbound""#)
            .with("ent", r#"{"mesh":true,"solver-cores":64}"#)
    }

    /// `iss` and `iat` alone: where every other document begins.
    pub(super) fn document() -> Self {
        Self(Vec::new()).with("iss", r#""FlowSim""#).with("iat", (AT - 30 * DAY).to_string())
    }

    /// A member set or added.
    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts alike")]
    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        let value = value.to_string();
        match self.0.iter_mut().find(|(existing, _)| *existing == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
        self
    }

    /// A member once more.
    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts alike")]
    pub(super) fn again(mut self, name: &'static str, value: impl ToString) -> Self {
        self.0.push((name, value.to_string()));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(existing, _)| *existing != name);
        self
    }

    pub(super) fn json(&self) -> String {
        let members: Vec<String> =
            self.0.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// The armoured block of a document (FORMAT.md, section 5).
pub(super) fn armoured(label: &str, document: &str) -> String {
    armoured_with(label, document, crc32fast::hash(document.as_bytes()))
}

pub(super) fn armoured_with(label: &str, document: &str, checksum: u32) -> String {
    let lines = wrapped(document, 64, "\n");
    format!("-----BEGIN {label}-----\n{lines}\n={checksum:08x}\n-----END {label}-----\n")
}

/// A document in lines of so many characters.
pub(super) fn wrapped(document: &str, width: usize, end: &str) -> String {
    let lines: Vec<&str> = document
        .as_bytes()
        .chunks(width)
        .map(|line| std::str::from_utf8(line).expect("documents are ASCII"))
        .collect();
    lines.join(end)
}
