//! Vectors of FORMAT.md, sections 2.1 to 2.4: serialization, header, signature, key id.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::book::Book;
use super::forge::{Claims, ISSUING, STRANGER, armoured, header, jwks, parts};

const MALFORMED: &str = "LICENSE_MALFORMED";
const INVALID: &str = "SIGNATURE_INVALID";

pub(super) fn book() -> Book {
    let mut book = Book::new(
        "document",
        "license",
        "The document itself: serialization, header, signature, key id (FORMAT.md, sections 2.1 to 2.4)",
    );
    book.trust("issuing", jwks(&[ISSUING.jwk(&["license+jwt"])]));
    serialization(&mut book);
    headers(&mut book);
    signatures(&mut book);
    book
}

fn serialization(book: &mut Book) {
    let good = ISSUING.license(&Claims::license());
    let (head, payload, signature) = parts(&good);
    book.add("OK", "a license", &*good)
        .claims(json!({"cus": "某某科技有限公司", "jti": "l-0001", "ent": {"mesh": true, "solver-cores": 64}}));
    book.add(MALFORMED, "nothing", "");
    book.add(MALFORMED, "not a license", "hello");
    book.add(MALFORMED, "cut after the payload", format!("{head}.{payload}"));
    book.add(MALFORMED, "cut within the payload", &good[..head.len() + 40]);
    book.add(MALFORMED, "cut by one character: 85 are no base64url", &good[..good.len() - 1]);
    book.add(INVALID, "cut by two characters: a shorter signature", &good[..good.len() - 2]);
    book.add(MALFORMED, "an empty signature", format!("{head}.{payload}."));
    book.add(MALFORMED, "an empty payload", format!("{head}..{signature}"));
    book.add(MALFORMED, "a fourth part", format!("{good}.AAAA"));
    book.add(MALFORMED, "two documents joined", format!("{good}.{good}"));
    book.add(MALFORMED, "two documents joined without a dot", format!("{good}{good}"));
    book.add(INVALID, "a signature with a trailing byte", {
        let mut bytes = B64.decode(signature).expect("made here");
        bytes.push(0);
        format!("{head}.{payload}.{}", B64.encode(bytes))
    });
    book.add(
        MALFORMED,
        "the same signature bytes, but unused bits of the last character set",
        format!("{}{}", &good[..good.len() - 1], next_letter(&good)),
    );
    let odd = ISSUING.license(&Claims::license().with("cus", r#""ab""#));
    let (odd_head, odd_payload, odd_signature) = parts(&odd);
    assert_ne!(odd_payload.len() % 4, 0, "the last character of the payload has unused bits");
    book.add(
        MALFORMED,
        "unused bits set in the payload's last character",
        format!(
            "{odd_head}.{}{}.{odd_signature}",
            &odd_payload[..odd_payload.len() - 1],
            next_letter(odd_payload)
        ),
    );
    book.add(
        MALFORMED,
        "padding inside a file with a good checksum",
        armoured_padded(head, payload, signature),
    );
    let standard = format!("{head}.{payload}.{}", signature.replace(['-', '_'], "+"));
    book.add(MALFORMED, "the alphabet of plain base64", armoured("LICENSE", &standard));
    book.add(
        MALFORMED,
        "the dot behind the header moved",
        format!("{head}{}.{}.{signature}", &payload[..4], &payload[4..]),
    );
    let honest = Claims::license().with("sub", r#""i-1""#).with("jti", r#""23""#);
    let moved = ISSUING.license(&Claims::license().with("sub", r#""i-12""#).with("jti", r#""3""#));
    let (_, _, honest_signature) = parts(&moved);
    let honest = ISSUING.license(&honest);
    let (_, honest_payload, _) = parts(&honest);
    book.add(
        INVALID,
        "a boundary moved between two members: i-1 and 23 signed as i-12 and 3",
        format!("{head}.{honest_payload}.{honest_signature}"),
    );
}

fn armoured_padded(head: &str, payload: &str, signature: &str) -> String {
    // `=` begins the checksum's line, so the padding stands within one.
    let document = format!("{head}.{payload}.{signature}==");
    let checksum = crc32fast::hash(document.as_bytes());
    format!("-----BEGIN LICENSE-----\n{document}\n={checksum:08x}\n-----END LICENSE-----\n")
}

/// The letter after the last one: for 64 and 86 bytes it differs in the unused bits alone.
fn next_letter(text: &str) -> char {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = text.chars().last().expect("not empty");
    let at = ALPHABET.find(last).expect("base64url");
    char::from(ALPHABET.as_bytes()[at + 1])
}

fn headers(book: &mut Book) {
    let kid = ISSUING.kid();
    let payload = Claims::license().json();
    let good = ISSUING.license(&Claims::license());
    let (_, encoded, signature) = parts(&good);
    let mut signed = |code, comment: &str, head: String| {
        book.add(code, comment, ISSUING.sealed(&head, &payload));
    };
    signed(INVALID, "alg none, signed", header("none", &kid, "license+jwt"));
    signed(INVALID, "alg RS256 for an Ed25519 key", header("RS256", &kid, "license+jwt"));
    signed(INVALID, "alg Ed25519, reserved", header("Ed25519", &kid, "license+jwt"));
    signed(INVALID, "alg in lower case", header("eddsa", &kid, "license+jwt"));
    signed(INVALID, "typ of a lease", header("EdDSA", &kid, "lease+jwt"));
    signed(INVALID, "typ JWT", header("EdDSA", &kid, "JWT"));
    signed(INVALID, "typ in upper case", header("EdDSA", &kid, "LICENSE+JWT"));
    signed(INVALID, "without typ", format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#));
    signed(INVALID, "without kid", r#"{"alg":"EdDSA","typ":"license+jwt"}"#.to_owned());
    signed(INVALID, "a kid of another form", header("EdDSA", "1", "license+jwt"));
    signed(INVALID, "a number as kid", r#"{"alg":"EdDSA","kid":1,"typ":"license+jwt"}"#.to_owned());
    signed(
        INVALID,
        "a space in the header",
        format!(r#"{{"alg":"EdDSA", "kid":"{kid}","typ":"license+jwt"}}"#),
    );
    signed(
        INVALID,
        "members in another order",
        format!(r#"{{"typ":"license+jwt","alg":"EdDSA","kid":"{kid}"}}"#),
    );
    signed(
        INVALID,
        "one more member: crit",
        format!(r#"{{"alg":"EdDSA","crit":[],"kid":"{kid}","typ":"license+jwt"}}"#),
    );
    signed(
        INVALID,
        "the kid with an escape: equal as JSON, not as bytes",
        format!(
            r#"{{"alg":"EdDSA","kid":"\u00{:02x}{}","typ":"license+jwt"}}"#,
            kid.as_bytes()[0],
            &kid[1..]
        ),
    );
    signed(
        MALFORMED,
        "kid twice",
        format!(r#"{{"alg":"EdDSA","kid":"AAAAAAAAAAAAAAAA","kid":"{kid}","typ":"license+jwt"}}"#),
    );
    signed(MALFORMED, "a header that is no object", format!(r#"["EdDSA","{kid}","license+jwt"]"#));
    signed(MALFORMED, "a header that is no JSON", format!("eyJ alg=EdDSA kid={kid}"));

    let jwk = STRANGER.jwk(&[]).to_string();
    book.add(
        INVALID,
        "a key of the sender's in the header, which signed",
        STRANGER.sealed(
            &format!(r#"{{"alg":"EdDSA","jwk":{jwk},"kid":"{kid}","typ":"license+jwt"}}"#),
            &payload,
        ),
    );
    let none = B64.encode(header("none", &kid, "license+jwt"));
    book.add(MALFORMED, "alg none, no signature", format!("{none}.{encoded}."));
    book.add(
        INVALID,
        "alg none, another document's signature",
        format!("{none}.{encoded}.{signature}"),
    );
    let hs256 = format!("{}.{encoded}", B64.encode(header("HS256", &kid, "license+jwt")));
    let mut mac = Hmac::<Sha256>::new_from_slice(&ISSUING.public()).expect("any length");
    mac.update(hs256.as_bytes());
    book.add(
        INVALID,
        "alg HS256 under the public key",
        format!("{hs256}.{}", B64.encode(mac.finalize().into_bytes())),
    );
}

fn signatures(book: &mut Book) {
    let good = ISSUING.license(&Claims::license());
    let (head, payload, signature) = parts(&good);
    book.add(
        "KEY_UNKNOWN",
        "signed by a key that is not on the list",
        STRANGER.license(&Claims::license()),
    );
    book.add(
        INVALID,
        "the kid of a trusted key, signed by another",
        STRANGER.sealed(&header("EdDSA", &ISSUING.kid(), "license+jwt"), Claims::license().json()),
    );
    let mut renamed = ISSUING.kid();
    renamed.replace_range(..1, if renamed.starts_with('A') { "B" } else { "A" });
    book.add(
        "KEY_UNKNOWN",
        "one character of the kid changed",
        format!("{}.{payload}.{signature}", B64.encode(header("EdDSA", &renamed, "license+jwt"))),
    );
    let longer = ISSUING.license(&Claims::license().with("exp", "4000000000"));
    let (_, longer, _) = parts(&longer);
    book.add(INVALID, "the end of the validity changed", format!("{head}.{longer}.{signature}"));
    let mut bytes = B64.decode(signature).expect("made here");
    bytes[63] ^= 0x10;
    book.add(
        INVALID,
        "one bit of the signature changed",
        format!("{head}.{payload}.{}", B64.encode(bytes)),
    );
    book.add(
        INVALID,
        "a signature over the payload alone",
        format!(
            "{head}.{payload}.{}",
            B64.encode(ISSUING.sign(Claims::license().json().as_bytes()))
        ),
    );
}
