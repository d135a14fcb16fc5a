//! Vectors of FORMAT.md, sections 3 and 6: the other documents, and keys from a signed list.

use serde_json::{Value, json};

use super::book::Book;
use super::forge::{
    AT, Claims, DAY, ISSUING, NEXT_ISSUING, NEXT_ROOT, RELEASE, ROOT, STRANGER, TestKey, jwks,
};

const EVERYTHING: &[&str] =
    &["license+jwt", "lease+jwt", "receipt+jwt", "revocation+jwt", "clock+jwt"];
const INVALID: &str = "SIGNATURE_INVALID";
const MALFORMED: &str = "LICENSE_MALFORMED";
const NOT_ALLOWED: &str = "KEY_NOT_ALLOWED";

pub(super) fn book() -> Book {
    let mut book = Book::new(
        "lists",
        "document",
        "Other documents, and keys from a signed trust list (FORMAT.md, sections 3 and 6)",
    );
    book.trust("issuing", jwks(&[ISSUING.jwk(EVERYTHING), RELEASE.jwk(&["release+jwt"])]));
    book.trust("root", jwks(&[ROOT.jwk(&["trust+jwt"])]));
    types(&mut book);
    revocations(&mut book);
    trust_lists(&mut book);
    keys_of_lists(&mut book);
    book
}

fn lease() -> Claims {
    Claims::document()
        .with("sub", r#""i-0001""#)
        .with("jti", r#""s-0001""#)
        .with("lic", r#""l-0001""#)
        .with("prd", r#""flowsim""#)
        .with("exp", AT + DAY)
        .with("ctr", AT)
}

fn receipt() -> Claims {
    Claims::document().with("nonce", r#""n-0001""#).with("sha", r#""AAAA""#)
}

fn revoked() -> Claims {
    Claims::document()
        .with("seq", AT)
        .with("exp", AT + 7 * DAY)
        .with("licenses", r#"[["l-0001","revoked"],["l-0002","suspended"]]"#)
}

fn releases() -> Claims {
    Claims::document()
        .with("prd", r#""flowsim""#)
        .with("chn", r#""stable""#)
        .with("plt", r#""*""#)
        .with("seq", AT)
        .with("exp", AT + 7 * DAY)
        .with("rel", "[]")
}

/// Each document is opened as each type: only one question has the answer yes.
fn types(book: &mut Book) {
    let made = [
        ("license", ISSUING, Claims::license()),
        ("lease", ISSUING, lease()),
        ("receipt", ISSUING, receipt()),
        ("revocation", ISSUING, revoked()),
        ("release", RELEASE, releases()),
    ];
    for (name, key, claims) in &made {
        let document = key.document(&format!("{name}+jwt"), claims.json());
        for (asked, ..) in &made {
            let code = if name == asked { "OK" } else { INVALID };
            book.add(code, &format!("a {name} opened as a {asked}"), &*document).opened_as(asked);
        }
    }
    let mut opened = |code, comment: &str, asked, document: String| {
        book.add(code, comment, document).opened_as(asked);
    };
    opened(
        NOT_ALLOWED,
        "releases signed by an issuing key",
        "release",
        ISSUING.document("release+jwt", releases().json()),
    );
    opened(
        NOT_ALLOWED,
        "a lease signed by a release key",
        "lease",
        RELEASE.document("lease+jwt", lease().json()),
    );
    opened(
        NOT_ALLOWED,
        "a trust list signed by an issuing key",
        "trust",
        ISSUING.document("trust+jwt", list(&[]).json()),
    );
    opened(
        MALFORMED,
        "a receipt with crit that nobody knows",
        "receipt",
        ISSUING.document("receipt+jwt", receipt().with("x", "1").with("crit", r#"["x"]"#).json()),
    );
    opened(
        MALFORMED,
        "a lease over 16 KiB",
        "lease",
        ISSUING.document(
            "lease+jwt",
            lease().with("prc", format!(r#""{}""#, "a".repeat(16 * 1024))).json(),
        ),
    );
    opened(
        "OK",
        "a list of releases over 16 KiB",
        "release",
        RELEASE.document(
            "release+jwt",
            releases().with("x-more", format!(r#""{}""#, "a".repeat(16 * 1024))).json(),
        ),
    );
    book.add(
        NOT_ALLOWED,
        "a lease under a JWK without lic_typ",
        ISSUING.document("lease+jwt", lease().json()),
    )
    .opened_as("lease")
    .trust(jwks(&[ISSUING.jwk(&[])]));
}

fn revocations(book: &mut Book) {
    for (comment, claims) in [
        ("without seq", revoked().without("seq")),
        ("without exp", revoked().without("exp")),
        ("without licenses", revoked().without("licenses")),
        ("a word that nobody knows", revoked().with("licenses", r#"[["l-0001","paused"]]"#)),
        ("an entry that is no pair", revoked().with("licenses", r#"["l-0001"]"#)),
        ("a negative seq", revoked().with("seq", "-1")),
    ] {
        let document = ISSUING.document("revocation+jwt", claims.json());
        book.add(MALFORMED, &format!("a revocation list {comment}"), document)
            .opened_as("revocation");
    }
}

/// A trust list with these keys, valid until a week from now.
fn list(keys: &[Value]) -> Claims {
    Claims::document()
        .with("seq", AT)
        .with("exp", AT + 7 * DAY)
        .with("keys", json!(keys))
        .with("roots", json!([ROOT.jwk(&["trust+jwt"])]))
}

fn signed(key: TestKey, claims: &Claims) -> String {
    key.document("trust+jwt", claims.json())
}

fn trust_lists(book: &mut Book) {
    let keys = [ISSUING.jwk(EVERYTHING)];
    let good = list(&keys);
    for (code, comment, document) in [
        ("OK", "a trust list", signed(ROOT, &good)),
        ("KEY_UNKNOWN", "a trust list of another root", signed(NEXT_ROOT, &good)),
        (
            "KEY_UNKNOWN",
            "a trust list that an issuing key signed for itself",
            signed(ISSUING, &good),
        ),
        (
            INVALID,
            "a license of the root's is no trust list",
            ROOT.document("license+jwt", good.json()),
        ),
        (MALFORMED, "a trust list without keys", signed(ROOT, &good.clone().without("keys"))),
        (MALFORMED, "a trust list with no key", signed(ROOT, &list(&[]))),
        (
            MALFORMED,
            "a trust list with one key twice",
            signed(ROOT, &list(&[keys[0].clone(), keys[0].clone()])),
        ),
        (MALFORMED, "a trust list without seq", signed(ROOT, &good.clone().without("seq"))),
        (MALFORMED, "a trust list without exp", signed(ROOT, &good.clone().without("exp"))),
        (
            MALFORMED,
            "a trust list with crit that nobody knows",
            signed(ROOT, &good.clone().with("crit", r#"["x"]"#)),
        ),
    ] {
        book.add(code, comment, document).opened_as("trust").trust(json!("root")).at(AT);
    }
}

fn keys_of_lists(book: &mut Book) {
    let old = signed(ROOT, &list(&[ISSUING.jwk(EVERYTHING)]));
    let next = signed(ROOT, &list(&[ISSUING.jwk(EVERYTHING), NEXT_ISSUING.jwk(EVERYTHING)]));
    let mut revoked = ISSUING.jwk(EVERYTHING);
    revoked["state"] = json!("revoked");
    let revoked = signed(ROOT, &list(&[revoked, NEXT_ISSUING.jwk(EVERYTHING)]));
    let ended = signed(ROOT, &list(&[ISSUING.jwk(EVERYTHING)]).with("exp", AT - DAY));
    let license = |key: TestKey| key.license(&Claims::license());
    let late = ISSUING.license(&Claims::license().with("iat", AT - DAY + 1));
    for (code, comment, list, document) in [
        ("OK", "a key of the list", &old, license(ISSUING)),
        ("KEY_UNKNOWN", "a key that a newer list knows", &old, license(NEXT_ISSUING)),
        ("OK", "the newer list knows it", &next, license(NEXT_ISSUING)),
        ("OK", "and the old one", &next, license(ISSUING)),
        (NOT_ALLOWED, "the old one was revoked", &revoked, license(ISSUING)),
        ("OK", "its successor was not", &revoked, license(NEXT_ISSUING)),
        ("KEY_UNKNOWN", "the root signs no licenses", &old, license(ROOT)),
        ("KEY_UNKNOWN", "a stranger", &next, license(STRANGER)),
        ("OK", "a list past its end verifies what was issued before", &ended, license(ISSUING)),
        ("KEY_UNKNOWN", "a license issued after the list's end needs a newer list", &ended, late),
    ] {
        book.add(code, comment, document)
            .opened_as("license")
            .trust(json!("root"))
            .trust_list(list.clone())
            .at(AT);
    }
}
