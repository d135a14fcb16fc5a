//! Vectors of FORMAT.md, sections 2.5 and 3.1: the payload's profile and a license's members.

use serde_json::json;

use super::book::Book;
use super::forge::{AT, Claims, DAY, ISSUING, jwks};

const MALFORMED: &str = "LICENSE_MALFORMED";

pub(super) fn book() -> Book {
    let mut book = Book::new(
        "payload",
        "license",
        "The payload: its profile and a license's members (FORMAT.md, sections 2.5 and 3.1). Every document is signed by a trusted key",
    );
    book.trust("issuing", jwks(&[ISSUING.jwk(&["license+jwt"])]));
    profile(&mut book);
    numbers(&mut book);
    members(&mut book);
    names(&mut book);
    book
}

fn profile(book: &mut Book) {
    let base = Claims::license;
    let exp = (AT + 300 * DAY).to_string();
    let mut signed = |code, comment: &str, payload: &[u8]| {
        book.add(code, comment, ISSUING.document("license+jwt", payload));
    };
    signed(MALFORMED, "exp twice", base().again("exp", 4_000_000_000_i64).json().as_bytes());
    signed(MALFORMED, "exp twice, equal", base().again("exp", &exp).json().as_bytes());
    signed(
        MALFORMED,
        "exp twice, once with an escape",
        base().again(r"\u0065xp", 4_000_000_000_i64).json().as_bytes(),
    );
    signed(
        MALFORMED,
        "a name twice below the top",
        base().with("ent", r#"{"mesh":false,"mesh":true}"#).json().as_bytes(),
    );
    signed(
        MALFORMED,
        "a name twice in a member that nobody knows",
        base().with("x-more", r#"[{"a":1,"a":2}]"#).json().as_bytes(),
    );
    signed(MALFORMED, "an array", br#"["iss","FlowSim"]"#);
    signed(MALFORMED, "a text", br#""license""#);
    signed(MALFORMED, "no JSON", b"iss=FlowSim");
    signed(MALFORMED, "an object that was cut", &base().json().as_bytes()[..40]);
    signed(MALFORMED, "a second object behind", format!("{}{{}}", base().json()).as_bytes());
    signed(MALFORMED, "a byte order mark before", format!("\u{feff}{}", base().json()).as_bytes());
    signed("OK", "white space around", format!(" \r\n\t{}\n ", base().json()).as_bytes());
    let mut latin = base().with("cus", r#""Muller""#).json().into_bytes();
    let at = latin.iter().position(|b| *b == b'M').expect("the name is in it") + 1;
    latin[at] = 0xfc;
    signed(MALFORMED, "a name in Latin-1, not UTF-8", &latin);
    signed(
        MALFORMED,
        "UTF-16",
        &base().json().encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
    );
    signed(
        MALFORMED,
        "half of a surrogate pair",
        base().with("cus", r#""\ud842""#).json().as_bytes(),
    );
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    signed("OK", "depth 8", base().with("x-more", deep(7)).json().as_bytes());
    signed(MALFORMED, "depth 9", base().with("x-more", deep(8)).json().as_bytes());
    let filler = |size: usize| {
        let empty = base().with("x-more", r#""""#).json().len();
        base().with("x-more", format!(r#""{}""#, "a".repeat(size - empty))).json()
    };
    signed("OK", "16 KiB exactly", filler(16 * 1024).as_bytes());
    signed(MALFORMED, "one byte more than 16 KiB", filler(16 * 1024 + 1).as_bytes());
    signed(
        "OK",
        "a member that nobody knows",
        base().with("x-more", r#"{"a":null}"#).json().as_bytes(),
    );
    signed(
        MALFORMED,
        "crit names a member that nobody knows",
        base().with("x-more", "1").with("crit", r#"["x-more"]"#).json().as_bytes(),
    );
    signed(MALFORMED, "crit is no list", base().with("crit", r#""exp""#).json().as_bytes());
    signed(
        "OK",
        "crit names a member that every reader knows",
        base().with("crit", r#"["exp"]"#).json().as_bytes(),
    );
}

fn numbers(book: &mut Book) {
    let mut signed = |code, comment: &str, claims: &Claims| {
        book.add(code, comment, ISSUING.license(claims));
    };
    let base = Claims::license;
    let limit = |text: &str| base().with("ent", format!(r#"{{"cores":{text}}}"#));
    signed("OK", "an entitlement of 2^53", &limit("9007199254740992"));
    signed("OK", "an entitlement of -2^53", &limit("-9007199254740992"));
    signed(MALFORMED, "an entitlement of 2^53 + 1", &limit("9007199254740993"));
    signed(MALFORMED, "an entitlement of 2^64", &limit("18446744073709551616"));
    signed(MALFORMED, "a fraction", &limit("64.0"));
    signed(MALFORMED, "an exponent", &limit("1e3"));
    signed(MALFORMED, "exp as text", &base().with("exp", r#""1900000000""#));
    signed(MALFORMED, "exp as a fraction", &base().with("exp", "1900000000.5"));
    signed(MALFORMED, "exp null: not the same as absent", &base().with("exp", "null"));
    signed(MALFORMED, "nbf null", &base().with("nbf", "null"));
    signed(MALFORMED, "iat as text", &base().with("iat", r#""1797408000""#));
    signed(MALFORMED, "a negative grace", &base().with("grc", "-1"));
    signed(MALFORMED, "negative seats", &base().with("sea", "-1"));
}

fn members(book: &mut Book) {
    let base = Claims::license;
    for name in ["iss", "iat", "sub", "jti", "prd", "knd"] {
        let license = ISSUING.license(&base().without(name));
        book.add(MALFORMED, &format!("without {name}"), license);
    }
    let mut signed = |code, comment: &str, claims: &Claims| {
        book.add(code, comment, ISSUING.license(claims));
    };
    signed(MALFORMED, "an empty jti", &base().with("jti", r#""""#));
    signed(MALFORMED, "prd as a number", &base().with("prd", "1"));
    signed(MALFORMED, "a kind that nobody knows", &base().with("knd", r#""roaming""#));
    signed(MALFORMED, "node-locked without a machine", &base().with("knd", r#""node-locked""#));
    signed(MALFORMED, "trl as text", &base().with("trl", r#""yes""#));
    signed(MALFORMED, "entitlements as a list", &base().with("ent", r#"["mesh"]"#));
    signed(MALFORMED, "an entitlement that is an object", &base().with("ent", r#"{"mesh":{}}"#));
    signed(MALFORMED, "an entitlement that is null", &base().with("ent", r#"{"mesh":null}"#));
    signed(MALFORMED, "a range that is none", &base().with("ver", r#""two""#));
    signed("OK", "without a customer", &base().without("cus"));
    signed("OK", "a trial", &base().with("trl", "true"));
    signed("OK", "floating, with seats", &base().with("knd", r#""floating""#).with("sea", "5"));
}

fn names(book: &mut Book) {
    for (comment, text, name) in [
        ("a name with a character of four bytes", r#""𠮷野家 株式会社""#, "𠮷野家 株式会社"),
        ("the same name with escapes", r#""\ud842\udfb7\u91ce\u5bb6""#, "𠮷野家"),
        ("an emoji of several code points", r#""👩🏽‍🔬 Lab""#, "👩🏽‍🔬 Lab"),
        ("right to left", r#""شركة""#, "شركة"),
        ("quotes and a backslash", r#""A \"B\" \\ C""#, r#"A "B" \ C"#),
        ("decomposed, and kept so", r#""Mu\u0308ller""#, "Mu\u{308}ller"),
    ] {
        let license = ISSUING.license(&Claims::license().with("cus", text));
        book.add("OK", comment, license).claims(json!({ "cus": name }));
    }
}
