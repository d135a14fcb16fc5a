//! `authToken` of the V1 interfaces ("authToken value"), both ways: over a GET call's parameters,
//! or over the members of a POST call's body. Knows no clock: `timeStamp` is part of what is
//! signed, and whether it counts is the caller's part.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use crate::body::{Body, by_code_unit};
use crate::code::Rejection;
use crate::mac::hmac;
use crate::signature::{AccessKey, known, mismatch, unauthentic};

/// The parameter, or the header of a POST call, that holds the token.
pub const NAME: &str = "authToken";

/// The member whose text is part of the key.
const TIME_STAMP: &str = "timeStamp";

/// Signs parameters as the marketplace does, in base64. `authToken` itself is left out.
#[must_use]
pub fn sign<'a>(
    key: &AccessKey,
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let (time_stamp, text) = signed(parameters);
    STANDARD.encode(tag(key, time_stamp, &text))
}

/// Verifies a token over parameters, under each key.
///
/// # Errors
///
/// `000001` without a token, without a key, or with a wrong token.
pub fn verify<'a>(
    token: &str,
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    keys: &[AccessKey],
) -> Result<(), Rejection> {
    if token.is_empty() {
        return Err(unauthentic("authToken is missing", "缺少authToken"));
    }
    known(keys)?;
    // A blank in a query is a plus sign that was not encoded.
    let claimed = STANDARD.decode(token.trim().replace(' ', "+")).map_err(|_| mismatch(NAME))?;
    let (time_stamp, text) = signed(parameters);
    let matches = |key| bool::from(tag(key, time_stamp, &text).ct_eq(claimed.as_slice()));
    if keys.iter().any(matches) { Ok(()) } else { Err(mismatch(NAME)) }
}

/// What a POST call's token is over: the members of its body that are not blank.
pub fn parameters(body: &Body) -> impl Iterator<Item = (&str, &str)> {
    body.members().filter(|(_, text)| !text.trim().is_empty())
}

/// The time stamp, and `name=value` joined by `&` with the names ascending.
fn signed<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> (&'a str, String) {
    let mut all: Vec<(&str, &str)> =
        parameters.into_iter().filter(|(name, _)| *name != NAME).collect();
    // The vendor's page prints another order in its example; its code is a TreeMap.
    all.sort_by(|(a, _), (b, _)| by_code_unit(a, b));
    let time_stamp =
        all.iter().find(|(name, _)| *name == TIME_STAMP).map_or("", |(_, value)| *value);
    let pairs: Vec<String> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (time_stamp, pairs.join("&"))
}

fn tag(key: &AccessKey, time_stamp: &str, text: &str) -> [u8; 32] {
    let key = [key.bytes(), time_stamp.as_bytes()].concat();
    let key = zeroize::Zeroizing::new(key);
    hmac(&key, &[text.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTOR: [(&str, &str); 4] =
        [("p1", "1"), ("p3", "3"), ("p2", "2"), ("timeStamp", "201706211855321")];
    const TOKEN: &str = "Tg8aeAQA1mdv6q+juSeHiHy1qnOBDq0SykBjZxIgESc=";

    fn key() -> AccessKey {
        AccessKey::of_vector("demo-key")
    }

    fn code(token: &str, keys: &[AccessKey]) -> &'static str {
        verify(token, VECTOR, keys).map_or_else(|rejection| rejection.code.as_str(), |()| "000000")
    }

    #[test]
    fn the_vector_is_made_and_accepted_in_any_order() {
        assert_eq!(sign(&key(), VECTOR), TOKEN);
        let mut turned = VECTOR;
        turned.reverse();
        assert_eq!(sign(&key(), turned), TOKEN);
        assert_eq!(code(TOKEN, &[key()]), "000000");
        assert_eq!(code(TOKEN, &[AccessKey::of_vector("other"), key()]), "000000");
        assert!(verify(&TOKEN.replace('+', " "), VECTOR, &[key()]).is_ok());
    }

    #[test]
    fn the_token_is_not_part_of_what_it_signs() {
        let all = VECTOR.into_iter().chain([(NAME, TOKEN)]);
        assert!(verify(TOKEN, all, &[key()]).is_ok());
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        assert_eq!(code("", &[key()]), "000001");
        assert_eq!(code(TOKEN, &[]), "000001");
        assert_eq!(code(TOKEN, &[AccessKey::of_vector("other")]), "000001");
        for token in ["x", "Tg8a", &TOKEN[..43], &TOKEN.to_lowercase(), "六"] {
            assert_eq!(code(token, &[key()]), "000001", "{token}");
        }
        for changed in [
            vec![("p1", "1"), ("p2", "2"), ("timeStamp", "201706211855321")],
            vec![("p1", "1"), ("p2", "2"), ("p3", "4"), ("timeStamp", "201706211855321")],
            vec![("p1", "1"), ("p2", "2"), ("p3", "3"), ("timeStamp", "201706211855322")],
            vec![("p1", "1"), ("p2", "2"), ("p3", "3")],
        ] {
            assert!(verify(TOKEN, changed, &[key()]).is_err());
        }
    }

    #[test]
    fn a_body_is_signed_without_its_blank_members() {
        let body = Body::parse(
            br#"{"timeStamp":"201706211855321","p3":3,"p2":"2","p1":"1","x":null,"y":"","z":" "}"#,
        )
        .unwrap();
        assert!(verify(TOKEN, parameters(&body), &[key()]).is_ok());
    }
}
