//! Vectors of FORMAT.md, sections 7 to 9: what a genuine license allows, and in which order it is
//! asked.

use serde_json::{Value, json};

use super::book::{Book, Vector};
use super::forge::{AT, Claims, DAY, ISSUING, RELEASE, STRANGER, TestKey, jwks};

const EXPIRED: &str = "LICENSE_EXPIRED";
const NOT_COVERED: &str = "VERSION_NOT_COVERED";

pub(super) fn book() -> Book {
    let mut book = Book::new(
        "terms",
        "license",
        "What a genuine license allows: product, version, dates, revocation, clock, and the order of the checks (FORMAT.md, sections 7 to 9)",
    );
    book.trust(
        "issuing",
        jwks(&[ISSUING.jwk(&["license+jwt", "revocation+jwt"]), RELEASE.jwk(&["release+jwt"])]),
    );
    dates(&mut book);
    versions(&mut book);
    revocation(&mut book);
    clock(&mut book);
    order(&mut book);
    book
}

fn dates(book: &mut Book) {
    let base = || Claims::license().with("nbf", AT).with("exp", AT + DAY);
    let plain = ISSUING.license(&base());
    book.add("LICENSE_NOT_YET_VALID", "a second before nbf", &*plain).at(AT - 1);
    book.add("OK", "at nbf", &*plain).at(AT);
    book.add("OK", "the last second", &*plain).at(AT + DAY - 1);
    book.add(EXPIRED, "at exp", &*plain).at(AT + DAY);
    let graced = ISSUING.license(&base().with("grc", 7 * DAY));
    book.add("OK", "at exp, with grace", &*graced).at(AT + DAY).state("grace").warns(&["IN_GRACE"]);
    book.add("OK", "the last second of grace", &*graced)
        .at(AT + 8 * DAY - 1)
        .state("grace")
        .warns(&["IN_GRACE"]);
    book.add(EXPIRED, "grace is over", &*graced).at(AT + 8 * DAY);
    let endless = ISSUING.license(&Claims::license().without("exp").without("nbf"));
    book.add("OK", "perpetual, in the year 2100", &*endless).at(4_102_444_800);
    book.add("OK", "without nbf, before it was issued", &*endless).at(AT - 60 * DAY);
    let never = ISSUING.license(&Claims::license().with("exp", -1).without("nbf"));
    book.add(EXPIRED, "exp before 1970", never);
}

fn versions(book: &mut Book) {
    let license = ISSUING.license(&Claims::license().with("ver", r#"">=2.0, <4""#));
    book.add("PRODUCT_MISMATCH", "another product", &*license).product("meshsim");
    book.add("PRODUCT_MISMATCH", "the product in other letters", &*license).product("FlowSim");
    book.add("OK", "this product", &*license).product("flowsim");
    for (code, version) in [
        (NOT_COVERED, "1.9.9"),
        ("OK", "2"),
        ("OK", "2.0.0"),
        ("OK", "3.99.1"),
        (NOT_COVERED, "4.0"),
        ("OK", "2.0.0-rc.1"),
        (NOT_COVERED, "10.0.0"),
    ] {
        book.add(code, &format!(">=2.0, <4 and {version}"), &*license).version(version);
    }
    let maintained = ISSUING.license(&Claims::license().without("exp").with("mnt", AT - DAY));
    book.add("OK", "the version of this year, in maintenance", &*maintained)
        .released(AT - DAY)
        .at(AT - DAY);
    book.add("OK", "an old version after maintenance", &*maintained)
        .released(AT - 2 * DAY)
        .state("maintenance-over");
    book.add("OK", "a version of the last second of maintenance", &*maintained)
        .released(AT - DAY)
        .state("maintenance-over");
    book.add(NOT_COVERED, "a version released after maintenance", &*maintained)
        .released(AT - DAY + 1);
}

/// A revocation list with these entries, valid for a week.
fn list(entries: &Value) -> String {
    ISSUING.document("revocation+jwt", list_claims(entries).json())
}

fn list_claims(entries: &Value) -> Claims {
    Claims::document()
        .with("iat", AT - DAY)
        .with("seq", AT - DAY)
        .with("exp", AT + 6 * DAY)
        .with("licenses", entries)
}

fn revocation(book: &mut Book) {
    let license = ISSUING.license(&Claims::license());
    book.add("OK", "an empty list", &*license).revocations(list(&json!([])));
    book.add("OK", "another license on the list", &*license)
        .revocations(list(&json!([["l-0002", "revoked"], ["l-00011", "suspended"]])));
    book.add("LICENSE_REVOKED", "revoked", &*license)
        .revocations(list(&json!([["l-0002", "suspended"], ["l-0001", "revoked"]])));
    book.add("LICENSE_SUSPENDED", "suspended", &*license)
        .revocations(list(&json!([["l-0001", "suspended"]])));
    book.add("LICENSE_REVOKED", "suspended on one list, revoked on another", &*license)
        .revocations(list(&json!([["l-0001", "suspended"]])))
        .revocations(list(&json!([["l-0001", "revoked"]])));
    book.add("LICENSE_REVOKED", "a list past its end still stops", &*license)
        .revocations(list(&json!([["l-0001", "revoked"]])))
        .at(AT + 30 * DAY);
    book.add("OK", "a list past its end, which does not name it", &*license)
        .revocations(list(&json!([])))
        .at(AT + 30 * DAY)
        .warns(&["LIST_EXPIRED"]);
}

fn clock(book: &mut Book) {
    let license = ISSUING.license(&Claims::license());
    book.add("OK", "the clock at the floor", &*license).floor(AT);
    book.add("OK", "the clock before the floor by a day", &*license).floor(AT + DAY);
    book.add("CLOCK_ROLLED_BACK", "the clock before the floor by a day and a second", &*license)
        .floor(AT + DAY + 1);
    book.add("OK", "a floor long past", &*license).floor(AT - 300 * DAY);
}

/// Everything is wrong at once, and then less and less.
fn order(book: &mut Book) {
    let license = |key: TestKey| {
        key.license(&Claims::license().with("exp", AT - DAY).with("ver", r#"">=3""#))
    };
    let revoked = list(&json!([["l-0001", "revoked"]]));
    all_wrong(book.add("KEY_UNKNOWN", "the key comes first", license(STRANGER)))
        .revocations(revoked.clone());
    all_wrong(book.add("KEY_NOT_ALLOWED", "then what it may sign", license(RELEASE)))
        .revocations(revoked.clone());
    let license = license(ISSUING);
    all_wrong(book.add("LICENSE_REVOKED", "then revocation", &*license)).revocations(revoked);
    all_wrong(book.add("PRODUCT_MISMATCH", "then the product", &*license));
    book.add(NOT_COVERED, "then the version", &*license)
        .product("flowsim")
        .version("1.0.0")
        .floor(AT + 30 * DAY);
    book.add(EXPIRED, "then the dates", &*license)
        .product("flowsim")
        .version("3.0.0")
        .floor(AT + 30 * DAY);
    let future = ISSUING.license(&Claims::license().with("nbf", AT + DAY).with("exp", AT - DAY));
    book.add("LICENSE_NOT_YET_VALID", "not before comes before expiry", future);
}

/// Another product, another version, a clock that was set back.
fn all_wrong(vector: &mut Vector) -> &mut Vector {
    vector.product("meshsim").version("1.0.0").floor(AT + 30 * DAY)
}
