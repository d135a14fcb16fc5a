//! A GET call's `timeStamp` and `authToken`, both ways ("authToken value" of the SaaS 1.0 guide):
//! the window and the forms that may be signed. The signature itself is in `auth_token`.

use crate::body::Body;
use crate::code::{Rejection, ResultCode};
use crate::signature::{AccessKey, known, mismatch, unauthentic};
use crate::{RESERVED, auth_token, time};

/// Who signed, and with what.
#[derive(Clone, Debug)]
pub struct Verified<'k> {
    /// The key that fits: it signs and encrypts the answer.
    pub key: &'k AccessKey,
    /// The token in one spelling: the same call at another time has another.
    pub token: String,
}

/// Verifies a call under each key. The window is two-sided.
///
/// Parameters without text are signed by the vendor's sample, and left out by the rule of its
/// POST variant: both are tried, and to a reader they are the same.
///
/// # Errors
///
/// In the order of the newer interfaces: `000002` without `timeStamp`, `000001` without
/// `authToken`, `000002` outside of the window, `000001` without a key or with a wrong token.
pub fn verify<'k>(
    call: &Body,
    keys: &'k [AccessKey],
    now_ms: i64,
    window_ms: i64,
) -> Result<Verified<'k>, Rejection> {
    let stamp = call.text("timeStamp").filter(|text| !text.is_empty());
    let stamp = stamp.ok_or_else(|| bad("timeStamp is missing", "缺少timeStamp"))?;
    let presented = call.text("authToken").filter(|text| !text.is_empty());
    let presented =
        presented.ok_or_else(|| unauthentic("authToken is missing", "缺少authToken"))?;

    let at = timestamp_ms(stamp).ok_or_else(|| {
        bad("timeStamp is not yyyyMMddHHmmssSSS in UTC", "timeStamp不是UTC的yyyyMMddHHmmssSSS")
    })?;
    if now_ms.abs_diff(at) > window_ms.unsigned_abs() {
        return Err(bad(
            "timeStamp is too far from this server's clock",
            "timeStamp与服务器时间相差过大",
        ));
    }

    known(keys)?;
    let fits = |key: &&AccessKey| {
        let one = std::slice::from_ref(*key);
        let some = call.members().filter(|(_, text)| !text.is_empty());
        auth_token::verify(presented, call.members(), one)
            .or_else(|_| auth_token::verify(presented, some, one))
            .is_ok()
    };
    let key = keys.iter().find(fits).ok_or_else(|| mismatch(auth_token::NAME))?;
    Ok(Verified { key, token: presented.trim().replace(' ', "+") })
}

/// The query of a call, without the question mark: the parameters, `timeStamp` and `authToken`,
/// for playing the marketplace's side.
#[must_use]
pub fn sign(key: &AccessKey, parameters: &[(&str, &str)], now_ms: i64) -> String {
    let stamp = timestamp(now_ms);
    let mut all = parameters.to_vec();
    all.push(("timeStamp", &stamp));
    let token = auth_token::sign(key, all.iter().copied());
    all.push(("authToken", &token));
    let encode = |text: &str| percent_encoding::utf8_percent_encode(text, RESERVED).to_string();
    let pairs: Vec<_> = all
        .into_iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}

/// `yyyyMMddHHmmssSSS`.
#[must_use]
pub fn timestamp(ms: i64) -> String {
    format!("{}{:03}", time::compact(ms.div_euclid(1000)), ms.rem_euclid(1000))
}

/// Reads a `timeStamp` in milliseconds: 17 digits, or fewer of the second's fraction, as in the
/// page's sample, which has one.
#[must_use]
pub fn timestamp_ms(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.split_at_checked(14)?;
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(time::parse(seconds)? * 1000 + format!("{fraction:0<3}").parse::<i64>().ok()?)
}

fn bad(english: &str, chinese: &str) -> Rejection {
    Rejection::new(ResultCode::BadParameter, english, chinese)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::v1::parse;

    const NOW: i64 = 1_680_508_066_618;
    const WINDOW: i64 = 60_000;

    fn demo() -> AccessKey {
        AccessKey::of_vector("demo-key")
    }

    fn check(query: &str, keys: &[AccessKey], now: i64) -> &'static str {
        match verify(&parse(query).unwrap(), keys, now, WINDOW) {
            Ok(_) => "000000",
            Err(rejection) => rejection.code.as_str(),
        }
    }

    fn signed() -> String {
        sign(&demo(), &[("activity", "newInstance"), ("customerName", "中 &=+%"), ("b", "")], NOW)
    }

    #[test]
    fn the_vector_is_made_and_accepted() {
        let parameters = [("p1", "1"), ("p2", "2"), ("p3", "3"), ("timeStamp", "201706211855321")];
        let expected = "Tg8aeAQA1mdv6q+juSeHiHy1qnOBDq0SykBjZxIgESc=";
        assert_eq!(auth_token::sign(&demo(), parameters), expected);

        let at = timestamp_ms("201706211855321").unwrap();
        assert_eq!(at, 1_498_071_332_100);
        // As the vendor's sample puts it into the URL, and as it should be put there.
        for token in [expected.to_owned(), expected.replace('+', "%2B").replace('=', "%3D")] {
            let query = format!("p3=3&timeStamp=201706211855321&p1=1&authToken={token}&p2=2");
            assert_eq!(check(&query, &[demo()], at), "000000", "{token}");
            let changed = query.replace("p2=2", "p2=1");
            assert_eq!(check(&changed, &[demo()], at), "000001");
        }
    }

    #[test]
    fn what_is_absent_is_refused_in_the_order_of_the_newer_interfaces() {
        let keys = [demo()];
        for (query, code) in [
            ("", "000002"),
            ("timeStamp=&authToken=", "000002"),
            ("authToken=AAAA", "000002"),
            ("timeStamp=20230403074746618", "000001"),
            ("timeStamp=20230403074746618&authToken=", "000001"),
            ("timeStamp=20230403074746618&authToken=AAAA", "000001"),
            ("timeStamp=2023040307474&authToken=AAAA", "000002"),
            ("timeStamp=202304030747466180&authToken=AAAA", "000002"),
            ("timeStamp=1680508066618&authToken=AAAA", "000002"),
            ("timeStamp=2023040307474%EF%BC%91&authToken=AAAA", "000002"),
            ("timeStamp=20230403074746-18&authToken=AAAA", "000002"),
        ] {
            assert_eq!(check(query, &keys, NOW), code, "{query}");
        }
        assert_eq!(check(&signed(), &[], NOW), "000001");
        assert_eq!(check(&signed(), &[AccessKey::of_vector("other-key")], NOW), "000001");
        assert_eq!(check(&signed(), &[AccessKey::of_vector("other-key"), demo()], NOW), "000000");
    }

    #[test]
    fn the_window_has_two_sides() {
        for (now, code) in [
            (NOW - 60_001, "000002"),
            (NOW - 60_000, "000000"),
            (NOW + 60_000, "000000"),
            (NOW + 60_001, "000002"),
            (i64::MIN, "000002"),
            (i64::MAX, "000002"),
        ] {
            assert_eq!(check(&signed(), &[demo()], now), code, "{now}");
        }
    }

    #[test]
    fn fourteen_to_seventeen_digits_are_a_time() {
        for (text, ms) in [
            ("20230403074746", 1_680_508_066_000),
            ("202304030747466", 1_680_508_066_600),
            ("2023040307474661", 1_680_508_066_610),
            ("20230403074746618", NOW),
        ] {
            assert_eq!(timestamp_ms(text), Some(ms), "{text}");
        }
        assert_eq!(timestamp(NOW), "20230403074746618");
        for text in ["", "2023-04-03 07:47", "20231303074746618", "2023040307474661中"] {
            assert_eq!(timestamp_ms(text), None, "{text}");
        }
    }

    #[test]
    fn parameters_without_text_may_be_signed_or_not() {
        let stamp = timestamp(NOW);
        let with = auth_token::sign(&demo(), [("a", "1"), ("b", ""), ("timeStamp", &*stamp)]);
        let without = auth_token::sign(&demo(), [("a", "1"), ("timeStamp", &*stamp)]);
        assert_ne!(with, without);
        for token in [with, without] {
            let token = token.replace('+', "%2B");
            let query = format!("a=1&b=&timeStamp={stamp}&authToken={token}");
            assert_eq!(check(&query, &[demo()], NOW), "000000");
        }
    }

    #[test]
    fn the_key_that_fits_and_the_tokens_bytes_are_told() {
        let keys = [AccessKey::of_vector("other-key"), demo()];
        let body = parse(&signed()).unwrap();
        let verified = verify(&body, &keys, NOW, WINDOW).unwrap();
        assert!(verified.key.same(&keys[1]));
        assert_eq!(verified.token, body.text("authToken").unwrap());
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies(
            members in prop::collection::btree_map("[a-zA-Z]{1,8}", "\\PC{0,20}", 0..6),
            at in 0i64..4_000_000_000_000,
        ) {
            let parameters: Vec<_> = members
                .iter()
                .map(|(n, v)| (n.as_str(), v.as_str()))
                .filter(|(n, _)| !["timeStamp", "authToken"].contains(n))
                .collect();
            let query = sign(&demo(), &parameters, at);
            prop_assert_eq!(check(&query, &[demo()], at), "000000");
        }

        #[test]
        fn any_changed_sign_is_refused(at in 0usize..1000, to in "[0-9A-Za-z]") {
            let query = signed();
            let at = at % query.len();
            let mut changed = query.clone();
            changed.replace_range(at..=at, &to);
            if let Ok(body) = parse(&changed)
                && body != parse(&query).unwrap()
            {
                prop_assert!(verify(&body, &[demo()], NOW, WINDOW).is_err(), "{}", changed);
            }
        }
    }
}
