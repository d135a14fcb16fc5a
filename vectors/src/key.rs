//! Vectors of FORMAT.md, section 6: what a known key may sign, and which lists of keys are none.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use curve25519_dalek::constants::EIGHT_TORSION;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::algorithm::{neutral_beyond_the_prime, rsa_material};
use super::book::Book;
use super::forge::{AT, Claims, DAY, ISSUING, NEXT_ISSUING, RELEASE, ed25519_jwk, header, jwks};

const NOT_ALLOWED: &str = "KEY_NOT_ALLOWED";
const LICENSE: &[&str] = &["license+jwt"];

/// When [`Claims::license`] was issued.
const ISSUED: i64 = AT - 30 * DAY;

fn with(mut jwk: Value, members: Value) -> Value {
    if let (Some(jwk), Value::Object(members)) = (jwk.as_object_mut(), members) {
        jwk.extend(members);
    }
    jwk
}

pub(super) fn book() -> Book {
    let mut book = Book::new(
        "key",
        "license",
        "What a known key may sign: purpose, product, lifetime, state (FORMAT.md, section 6)",
    );
    book.trust("issuing", jwks(&[ISSUING.jwk(LICENSE)]));
    let license = ISSUING.license(&Claims::license());
    let digest = hex::encode(Sha256::digest(&license));
    let mut case = |code, comment: &str, members: Value| {
        book.add(code, comment, &*license)
            .trust(jwks(&[with(ISSUING.jwk(LICENSE), members)]))
            .product("flowsim");
    };
    case("OK", "an active key", json!({"state": "active"}));
    case(NOT_ALLOWED, "a key for releases only", json!({"lic_typ": ["release+jwt"]}));
    case(
        NOT_ALLOWED,
        "a key for everything but licenses",
        json!({"lic_typ": ["lease+jwt", "receipt+jwt", "trust+jwt", "revocation+jwt", "release+jwt", "clock+jwt"]}),
    );
    case(NOT_ALLOWED, "a key for nothing", json!({"lic_typ": []}));
    case(
        NOT_ALLOWED,
        "a key for a purpose of the future",
        json!({"lic_typ": ["subscription+jwt"]}),
    );
    case(
        "OK",
        "a purpose of the future beside ours",
        json!({"lic_typ": ["subscription+jwt", "license+jwt"]}),
    );
    case(NOT_ALLOWED, "a key of another product", json!({"products": ["meshsim"]}));
    case(NOT_ALLOWED, "a key of no product", json!({"products": []}));
    case("OK", "a key of this product and another", json!({"products": ["meshsim", "flowsim"]}));
    case(NOT_ALLOWED, "issued a second before the key's begin", json!({"nbf": ISSUED + 1}));
    case("OK", "issued at the key's begin", json!({"nbf": ISSUED}));
    case(NOT_ALLOWED, "issued a second after the key's end", json!({"exp": ISSUED - 1}));
    case("OK", "issued at the key's end, which is past by now", json!({"exp": ISSUED}));
    case(
        "OK",
        "a key that begins in the past and ends before now",
        json!({"nbf": ISSUED - DAY, "exp": AT - DAY}),
    );
    case(
        NOT_ALLOWED,
        "retired before it was issued",
        json!({"state": "retired", "retired_at": ISSUED - 1}),
    );
    case("OK", "retired since", json!({"state": "retired", "retired_at": ISSUED}));
    case(NOT_ALLOWED, "revoked", json!({"state": "revoked"}));
    case(
        NOT_ALLOWED,
        "revoked, another document kept",
        json!({"state": "revoked", "keep": [hex::encode(Sha256::digest("another"))]}),
    );
    case("OK", "revoked, this document kept", json!({"state": "revoked", "keep": [digest]}));
    several(&mut book, &license);
    book
}

fn several(book: &mut Book, license: &str) {
    let mut bare = ISSUING.jwk(&[]);
    book.add("OK", "a JWK without lic_typ may sign licenses", license).trust(jwks(&[bare.clone()]));
    if let Some(members) = bare.as_object_mut() {
        members.retain(|name, _| matches!(name.as_str(), "kty" | "crv" | "x"));
    }
    book.add("OK", "the bare members of RFC 8037", license).trust(jwks(&[bare]));
    let both = || jwks(&[ISSUING.jwk(LICENSE), NEXT_ISSUING.jwk(LICENSE)]);
    book.add("OK", "two keys overlap: the old one", license).trust(both());
    book.add("OK", "two keys overlap: the new one", NEXT_ISSUING.license(&Claims::license()))
        .trust(both());
    book.add("KEY_UNKNOWN", "the old key has left the list", license)
        .trust(jwks(&[NEXT_ISSUING.jwk(LICENSE)]));
    let mixed = || jwks(&[ISSUING.jwk(LICENSE), RELEASE.jwk(&["release+jwt"])]);
    book.add(
        NOT_ALLOWED,
        "signed by the release key, with its own kid",
        RELEASE.license(&Claims::license()),
    )
    .trust(mixed());
    book.add(
        "SIGNATURE_INVALID",
        "signed by the release key under the issuing key's kid",
        RELEASE.sealed(&header("EdDSA", &ISSUING.kid(), "license+jwt"), Claims::license().json()),
    )
    .trust(mixed());
    book.add(
        "SIGNATURE_INVALID",
        "not genuine comes before not allowed",
        ISSUING.sealed(&header("EdDSA", &RELEASE.kid(), "license+jwt"), Claims::license().json()),
    )
    .trust(mixed());
    book.add(
        NOT_ALLOWED,
        "not allowed comes before what the payload says",
        ISSUING.document("license+jwt", "{}"),
    )
    .trust(jwks(&[ISSUING.jwk(&["release+jwt"])]));
    book.add(
        NOT_ALLOWED,
        "not allowed comes before expired",
        ISSUING.license(&Claims::license().with("exp", AT - DAY)),
    )
    .trust(jwks(&[with(ISSUING.jwk(LICENSE), json!({"products": ["meshsim"]}))]));
}

/// Lists of keys that are read or refused.
pub(super) fn sets() -> Book {
    let mut book = Book::new(
        "jwks",
        "jwks",
        "Lists of public keys: which are read, which are refused (FORMAT.md, sections 2.3, 2.4 and 6)",
    );
    // RFC 8037, appendix A: a key that is not ours.
    let example =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let key = || ISSUING.jwk(LICENSE);
    let mut set = |code, comment: &str, keys: &[Value]| {
        book.add(code, comment, jwks(keys).to_string());
    };
    set("OK", "one key", &[key()]);
    set(
        "OK",
        "the key of RFC 8037 with its thumbprint",
        &[with(example.clone(), json!({"kid": "kPrK_qmxVWaYVA9w"}))],
    );
    set(
        "OK",
        "members that nobody knows",
        &[with(key(), json!({"x5t": "AA", "key_ops": ["verify"]}))],
    );
    set("refused", "no key", &[]);
    set("refused", "one key twice", &[key(), key()]);
    set(
        "refused",
        "a kid that is not the thumbprint",
        &[with(example.clone(), json!({"kid": "AAAAAAAAAAAAAAAA"}))],
    );
    set(
        "refused",
        "the whole thumbprint as kid",
        &[with(example.clone(), json!({"kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"}))],
    );
    set(
        "refused",
        "an algorithm that does not go with the key",
        &[with(key(), json!({"alg": "RS256"}))],
    );
    set("refused", "the reserved name Ed25519", &[with(key(), json!({"alg": "Ed25519"}))]);
    set("refused", "a private key", &[with(key(), json!({"d": "AA"}))]);
    set(
        "refused",
        "a key of 31 bytes",
        &[with(example.clone(), json!({"x": B64.encode([7; 31])}))],
    );
    set("refused", "a state that nobody knows", &[with(key(), json!({"state": "lost"}))]);
    set("refused", "retired without retired_at", &[with(key(), json!({"state": "retired"}))]);
    set("refused", "nbf as text", &[with(key(), json!({"nbf": "2027-01-01"}))]);
    set("refused", "lic_typ as text", &[with(key(), json!({"lic_typ": "license+jwt"}))]);
    let point = |bytes: &[u8; 32]| ed25519_jwk(bytes, LICENSE);
    for (i, torsion) in EIGHT_TORSION.iter().enumerate() {
        let comment = format!("a key of small order ({i} of 8)");
        set("refused", &comment, &[point(&torsion.compress().to_bytes())]);
    }
    set(
        "refused",
        "a key of small order, encoded beyond the prime",
        &[point(&neutral_beyond_the_prime())],
    );
    set("refused", "a key that is no point", &[point(&[2; 32])]);

    let rsa = rsa_material();
    let rs256 = rsa["keys"]["rs256"].clone();
    set("OK", "RSA of 3072 bits", std::slice::from_ref(&rs256));
    let mut nameless = rs256.clone();
    if let Some(members) = nameless.as_object_mut() {
        members.remove("alg");
    }
    set("refused", "RSA without alg", &[nameless]);
    set("refused", "RSA with alg RS512", &[with(rs256.clone(), json!({"alg": "RS512"}))]);
    set("refused", "one RSA key under two algorithms", &[rs256, rsa["keys"]["ps256"].clone()]);
    for (comment, jwk) in rsa["refused"].as_object().expect("an object") {
        set("refused", comment, std::slice::from_ref(jwk));
    }
    for (comment, text) in [
        ("nothing", String::new()),
        ("no list", "{}".to_owned()),
        ("keys that are none", r#"{"keys":["a"]}"#.to_owned()),
        ("a name twice", format!(r#"{{"keys":[],"keys":[{}]}}"#, key())),
    ] {
        book.add("refused", comment, text);
    }
    book.add(
        "OK",
        "a byte order mark and white space around",
        format!("\u{feff}\r\n{}\r\n", jwks(&[key()])),
    );
    book
}
