//! Vectors of FORMAT.md, section 2.3: signatures that a lax verifier accepts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use serde_json::{Value, json};

use super::book::Book;
use super::forge::{Claims, ISSUING, ed25519_jwk, header, jwks, kid_of, pair, parts, wide};

const INVALID: &str = "SIGNATURE_INVALID";

/// The order of the group, little-endian (RFC 8032, section 5.1).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) fn book() -> Book {
    let mut book = Book::new(
        "algorithm",
        "license",
        "Signature algorithms, and signatures that a lax verifier accepts (FORMAT.md, section 2.3)",
    );
    book.trust("issuing", jwks(&[ISSUING.jwk(&["license+jwt"])]));
    ed25519(&mut book);
    rsa(&mut book);
    book
}

/// What is signed, and then the document with whatever signature.
fn unsigned() -> String {
    let good = ISSUING.license(&Claims::license());
    let (head, payload, _) = parts(&good);
    format!("{head}.{payload}")
}

fn with(signed: &str, signature: &[u8]) -> String {
    format!("{signed}.{}", B64.encode(signature))
}

fn ed25519(book: &mut Book) {
    let signed = unsigned();
    let honest = ISSUING.sign(signed.as_bytes());
    book.add("OK", "EdDSA", with(&signed, &honest));
    book.add(INVALID, "S plus the order of the group", with(&signed, &beyond_the_order(&honest)));
    book.add(INVALID, "S with its highest bit set", {
        let mut high = honest;
        high[63] |= 0x80;
        with(&signed, &high)
    });
    book.add(
        INVALID,
        "R of small order: the neutral point; verifying without strictness accepts it",
        with(&signed, &without_nonce(&signed, &EIGHT_TORSION[0].compress().to_bytes())),
    );
    book.add(
        INVALID,
        "R the neutral point, encoded beyond the prime",
        with(&signed, &without_nonce(&signed, &neutral_beyond_the_prime())),
    );
    book.add(
        INVALID,
        "R of order 8; verifying with the cofactor accepts it",
        with(&signed, &without_nonce(&signed, &EIGHT_TORSION[1].compress().to_bytes())),
    );
    book.add(
        INVALID,
        "R with a part of order 8; verifying with the cofactor accepts it",
        with(&signed, &torsion_in_nonce(&signed)),
    );
    let (key, signature, text) = torsion_in_key();
    book.add(
        INVALID,
        "a public key with a part of order 8; verifying with the cofactor accepts it",
        with(&text, &signature),
    )
    .trust(jwks(&[ed25519_jwk(&key, &["license+jwt"])]));
    book.add(INVALID, "a signature of zeros", with(&signed, &[0; 64]));
}

/// S is not reduced: a second signature for the same text.
fn beyond_the_order(honest: &[u8; 64]) -> [u8; 64] {
    let mut signature = *honest;
    let mut carry = 0_u16;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    signature
}

/// A signature whose R has no secret in it: S = k·a, so that S·B = k·A.
fn without_nonce(signed: &str, r: &[u8; 32]) -> [u8; 64] {
    let k = wide(&[r, &ISSUING.public(), signed.as_bytes()]);
    pair(r, &(k * ISSUING.scalar()).to_bytes())
}

fn torsion_in_nonce(signed: &str) -> [u8; 64] {
    let r = Scalar::from(7_u64);
    let point = (EdwardsPoint::mul_base(&r) + EIGHT_TORSION[1]).compress().to_bytes();
    let k = wide(&[&point, &ISSUING.public(), signed.as_bytes()]);
    pair(&point, &(r + k * ISSUING.scalar()).to_bytes())
}

/// A key A + T and a signature that only holds when multiplied by the cofactor.
fn torsion_in_key() -> ([u8; 32], [u8; 64], String) {
    let key = (ISSUING.point() + EIGHT_TORSION[1]).compress().to_bytes();
    let head = header("EdDSA", &kid_of(&key), "license+jwt");
    let signed = format!("{}.{}", B64.encode(head), B64.encode(Claims::license().json()));
    let made = (1_u64..).map(Scalar::from).find_map(|r| {
        let point = EdwardsPoint::mul_base(&r).compress().to_bytes();
        let k = wide(&[&point, &key, signed.as_bytes()]);
        // Where k is a multiple of 8, k·T vanishes and the signature holds everywhere.
        (!k.to_bytes()[0].is_multiple_of(8))
            .then(|| pair(&point, &(r + k * ISSUING.scalar()).to_bytes()))
    });
    (key, made.expect("seven of eight will do"), signed)
}

/// y = p + 1 instead of y = 1.
pub(super) fn neutral_beyond_the_prime() -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xee;
    bytes[31] = 0x7f;
    bytes
}

/// RSA documents made with another implementation.
pub(super) fn rsa_material() -> Value {
    serde_json::from_str(include_str!("rsa.json")).expect("a file of ours")
}

fn rsa(book: &mut Book) {
    let material = rsa_material();
    for (name, jwk) in material["keys"].as_object().expect("an object") {
        book.trust(name, jwks(std::slice::from_ref(jwk)));
    }
    for made in material["documents"].as_array().expect("a list") {
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        let code = if made["code"] == "OK" { "OK" } else { INVALID };
        book.add(code, &text("comment"), text("document")).trust(json!(text("trust")));
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signature, Verifier, VerifyingKey};

    use super::*;

    fn verdicts(key: &[u8; 32], text: &str, signature: &[u8; 64]) -> (bool, bool) {
        let key = VerifyingKey::from_bytes(key).unwrap();
        let signature = Signature::from_bytes(signature);
        (
            key.verify(text.as_bytes(), &signature).is_ok(),
            key.verify_strict(text.as_bytes(), &signature).is_ok(),
        )
    }

    /// A vector that every verifier refuses would prove nothing.
    #[test]
    fn the_neutral_nonce_tells_strict_from_lax() {
        let signed = unsigned();
        let key = ISSUING.public();
        assert_eq!(verdicts(&key, &signed, &ISSUING.sign(signed.as_bytes())), (true, true));
        let neutral = without_nonce(&signed, &EIGHT_TORSION[0].compress().to_bytes());
        assert_eq!(verdicts(&key, &signed, &neutral), (true, false));
    }

    /// 8·S·B = 8·R + 8·k·A: what verifiers with the cofactor ask.
    #[test]
    fn torsion_tells_the_cofactor() {
        let signed = unsigned();
        let (key, signature, text) = torsion_in_key();
        let order_8 = without_nonce(&signed, &EIGHT_TORSION[1].compress().to_bytes());
        for (key, text, signature) in [
            (ISSUING.public(), &signed, torsion_in_nonce(&signed)),
            (ISSUING.public(), &signed, order_8),
            (key, &text, signature),
        ] {
            let half =
                |range: std::ops::Range<usize>| <[u8; 32]>::try_from(&signature[range]).unwrap();
            let point =
                |bytes| curve25519_dalek::edwards::CompressedEdwardsY(bytes).decompress().unwrap();
            let s = Scalar::from_canonical_bytes(half(32..64)).unwrap();
            let k = wide(&[&half(0..32), &key, text.as_bytes()]);
            let left = EdwardsPoint::mul_base(&s).mul_by_cofactor();
            assert_eq!(left, (point(half(0..32)) + k * point(key)).mul_by_cofactor());
            assert_eq!(verdicts(&key, text, &signature), (false, false));
        }
    }
}
