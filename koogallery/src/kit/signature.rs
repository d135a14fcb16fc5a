//! The kit's signatures, both ways: `x-sign`, `x-timestamp` and `x-nonce` of V2
//! ("kit signature"), the header `authToken` of the first.

use crate::auth_token;
use crate::body::Body;
use crate::code::Rejection;
use crate::mac::hmac;
use crate::signature::{AccessKey, Names, Presented, in_time, matching};

/// The header that holds the signature, in hex of either case.
pub const SIGN: &str = "x-sign";
/// The header that holds the time, in milliseconds since 1970.
pub const TIMESTAMP: &str = "x-timestamp";
/// The header that holds the nonce.
pub const NONCE: &str = "x-nonce";

const HEADERS: Names = Names { signature: SIGN, timestamp: TIMESTAMP, nonce: NONCE };

/// Verifies a call of V2: the raw bytes first, then the canonical forms, under
/// each key. The window is two-sided; the body's own `timeStamp` is not looked at.
///
/// # Errors
///
/// As [`crate::signature::verify`], naming the headers.
pub fn verify(
    presented: &Presented,
    raw: &[u8],
    body: &Body,
    keys: &[AccessKey],
    now_ms: i64,
    window_ms: i64,
) -> Result<(), Rejection> {
    in_time(presented, &HEADERS, now_ms, window_ms)?;
    matching(presented, &HEADERS, raw, body, keys, tag)
}

/// Signs a body as the marketplace does, for playing its side; lower-case hex as in its sample.
#[must_use]
pub fn sign(key: &AccessKey, raw: &[u8], nonce: &str, timestamp_ms: i64) -> Presented {
    let timestamp = timestamp_ms.to_string();
    Presented {
        signature: hex::encode(tag(key, raw, nonce, &timestamp)),
        timestamp,
        nonce: nonce.to_owned(),
    }
}

/// Verifies a V1 call by its header `authToken`.
///
/// # Errors
///
/// As [`auth_token::verify`].
pub fn verify_token(token: &str, body: &Body, keys: &[AccessKey]) -> Result<(), Rejection> {
    auth_token::verify(token, auth_token::parameters(body), keys)
}

/// The header `authToken` of a V1 call.
#[must_use]
pub fn sign_token(key: &AccessKey, body: &Body) -> String {
    auth_token::sign(key, auth_token::parameters(body))
}

/// Unlike the basic interfaces, the payload itself is signed and not its hash.
fn tag(key: &AccessKey, payload: &[u8], nonce: &str, timestamp: &str) -> [u8; 32] {
    hmac(key.bytes(), &[key.bytes(), nonce.as_bytes(), timestamp.as_bytes(), payload])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_680_508_066_618;
    const NONCE: &str = "50D83FDECAED6CCD8EF597F2A577950527928BA287D04E6036E92B2806FD17DA";
    const PAYLOAD: &str =
        r#"{"appId":"app1","instanceId":"i-1","orderId":"CS1","tenantId":"t1","testFlag":1}"#;
    const SIGNATURE: &str = "c8a04b85f5bec999f3252415a7e4bfc110aa10601b2dcdd57cb4c35f0b68ea84";

    fn key() -> AccessKey {
        AccessKey::of_vector("demo-access-key")
    }

    fn printed() -> Presented {
        Presented {
            signature: SIGNATURE.to_owned(),
            timestamp: NOW.to_string(),
            nonce: NONCE.to_owned(),
        }
    }

    fn check(presented: &Presented, raw: &str, keys: &[AccessKey], now: i64) -> (String, String) {
        let body = Body::parse(raw.as_bytes()).unwrap();
        match verify(presented, raw.as_bytes(), &body, keys, now, 60_000) {
            Ok(()) => ("000000".to_owned(), String::new()),
            Err(rejection) => (rejection.code.to_string(), rejection.message),
        }
    }

    #[test]
    fn the_vector_is_made_and_accepted() {
        assert_eq!(sign(&key(), PAYLOAD.as_bytes(), NONCE, NOW), printed());
        assert_eq!(check(&printed(), PAYLOAD, &[key()], NOW).0, "000000");
        let upper = Presented { signature: SIGNATURE.to_uppercase(), ..printed() };
        assert_eq!(check(&upper, PAYLOAD, &[key()], NOW).0, "000000");
    }

    #[test]
    fn blanks_order_nulls_and_numbers_do_not_matter() {
        let spelt = r#"{ "testFlag": 1, "tenantId": "t1", "nothing": null,
            "orderId": "CS1", "instanceId": "i-1", "appId": "app1" }"#;
        assert_eq!(check(&printed(), spelt, &[key()], NOW).0, "000000");

        let texts = PAYLOAD.replace(r#""testFlag":1"#, r#""testFlag":"1""#);
        let signed = sign(&key(), texts.as_bytes(), NONCE, NOW);
        assert_eq!(check(&signed, spelt, &[key()], NOW).0, "000000");
    }

    #[test]
    fn what_is_wrong_is_named_by_its_header() {
        let keys = [key()];
        let other = [AccessKey::of_vector("another-key")];
        for (presented, keys, now, code, reason) in [
            (
                Presented { timestamp: String::new(), ..printed() },
                &keys[..],
                NOW,
                "000002",
                "x-timestamp is missing",
            ),
            (
                Presented { nonce: String::new(), ..printed() },
                &keys,
                NOW,
                "000002",
                "x-nonce is missing",
            ),
            (
                Presented { signature: String::new(), ..printed() },
                &keys,
                NOW,
                "000001",
                "x-sign is missing",
            ),
            (
                Presented { signature: "00".repeat(32), ..printed() },
                &keys,
                NOW,
                "000001",
                "x-sign does not match",
            ),
            (printed(), &keys, NOW + 60_001, "000002", "x-timestamp is too far"),
            (printed(), &keys, NOW - 60_001, "000002", "x-timestamp is too far"),
            (printed(), &other, NOW, "000001", "x-sign does not match"),
            (printed(), &[], NOW, "000001", "no access key"),
        ] {
            let (was, message) = check(&presented, PAYLOAD, keys, now);
            assert_eq!(was, code, "{reason}");
            assert!(message.contains(reason), "{message}");
        }
        assert_eq!(check(&printed(), &PAYLOAD.replace("t1", "t2"), &keys, NOW).0, "000001");
    }

    #[test]
    fn a_basic_signature_is_no_kit_signature() {
        let basic = Presented::sign(&key(), PAYLOAD.as_bytes(), NONCE, NOW);
        assert_eq!(check(&basic, PAYLOAD, &[key()], NOW).0, "000001");
    }

    #[test]
    fn a_token_covers_every_member_of_the_body() {
        let body = |text: &str| Body::parse(text.as_bytes()).unwrap();
        let token = sign_token(&key(), &body(PAYLOAD));
        assert!(verify_token(&token, &body(PAYLOAD), &[key()]).is_ok());
        let reordered = r#"{"testFlag":"1","tenantId":"t1","orderId":"CS1","instanceId":"i-1","appId":"app1","x":""}"#;
        assert!(verify_token(&token, &body(reordered), &[key()]).is_ok());
        assert!(verify_token(&token, &body(&PAYLOAD.replace("t1", "t2")), &[key()]).is_err());
    }
}
