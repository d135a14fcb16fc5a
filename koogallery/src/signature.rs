//! The basic interfaces' body signature, both ways ("V2.0 body signature"): `signature`,
//! `timestamp` and `nonce` in the URL's query. Keeping nonces is the caller's part. What the
//! joint-operation kit's signature shares with it is here too.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::body::Body;
use crate::code::{Rejection, ResultCode};
use crate::mac::hmac;

/// The longest nonce that is taken; the vendor's samples have 64 characters.
pub const NONCE_LIMIT: usize = 256;

/// The fewest characters an access key may have.
pub const KEY_MINIMUM: usize = 16;

/// The key of one interface type. Never shown, wiped when dropped.
#[derive(Clone)]
pub struct AccessKey(Zeroizing<String>);

/// A key of fewer than [`KEY_MINIMUM`] characters.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an access key has at least {KEY_MINIMUM} characters")]
pub struct KeyTooShort;

impl AccessKey {
    /// Takes a key that can be trusted to verify anything.
    ///
    /// # Errors
    ///
    /// [`KeyTooShort`].
    pub fn new(key: impl Into<String>) -> Result<Self, KeyTooShort> {
        let key = Zeroizing::new(key.into());
        if key.chars().count() < KEY_MINIMUM {
            return Err(KeyTooShort);
        }
        Ok(Self(key))
    }

    /// Whether both are one value: a key must not be shared between interface types.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }

    /// What is signed with.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// A key of any length, as the vectors have them.
    #[cfg(test)]
    pub(crate) fn of_vector(key: &str) -> Self {
        Self(Zeroizing::new(key.to_owned()))
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey(..)")
    }
}

/// What a call presents in its query; an absent parameter is empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Presented {
    /// Hex in either case.
    pub signature: String,
    /// Milliseconds since 1970 (13 digits), or seconds (at most 10).
    pub timestamp: String,
    /// Used once.
    pub nonce: String,
}

impl Presented {
    /// Reads a URL's query, without the question mark. The first of equal names counts.
    #[must_use]
    pub fn from_query(query: &str) -> Self {
        let mut presented = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match name.as_ref() {
                "signature" => &mut presented.signature,
                "timestamp" => &mut presented.timestamp,
                "nonce" => &mut presented.nonce,
                _ => continue,
            };
            if slot.is_empty() {
                *slot = value.into_owned();
            }
        }
        presented
    }

    /// Signs a body as the marketplace does, for playing its side.
    #[must_use]
    pub fn sign(key: &AccessKey, raw: &[u8], nonce: &str, timestamp_ms: i64) -> Self {
        Self {
            signature: sign(key, raw, nonce, timestamp_ms),
            timestamp: timestamp_ms.to_string(),
            nonce: nonce.to_owned(),
        }
    }

    /// The query that carries it, without the question mark.
    #[must_use]
    pub fn to_query(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("signature", &self.signature)
            .append_pair("timestamp", &self.timestamp)
            .append_pair("nonce", &self.nonce)
            .finish()
    }

    /// The time in milliseconds; `None` where it is no number of at most 18 digits.
    #[must_use]
    pub fn timestamp_ms(&self) -> Option<i64> {
        let digits = self.timestamp.as_str();
        if digits.is_empty() || digits.len() > 18 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let number: i64 = digits.parse().ok()?;
        // Older editions of the vendor's page count in seconds.
        Some(if digits.len() <= 10 { number * 1000 } else { number })
    }
}

/// Verifies a call: the raw bytes first, then the canonical form, under each key. The window is
/// two-sided.
///
/// Trying more than one form gives nothing away: each is the same members with the same text.
///
/// # Errors
///
/// In the order of the vendor's sample: `000002` without timestamp or nonce, `000001` without a
/// signature, `000002` outside of the window, `000001` without a key or with a wrong signature.
pub fn verify(
    presented: &Presented,
    raw: &[u8],
    body: &Body,
    keys: &[AccessKey],
    now_ms: i64,
    window_ms: i64,
) -> Result<(), Rejection> {
    in_time(presented, &QUERY, now_ms, window_ms)?;
    matching(presented, &QUERY, raw, body, keys, tag)
}

/// What the parts of a signature are called where it travels.
pub(crate) struct Names {
    pub(crate) signature: &'static str,
    pub(crate) timestamp: &'static str,
    pub(crate) nonce: &'static str,
}

const QUERY: Names = Names { signature: "signature", timestamp: "timestamp", nonce: "nonce" };

/// Refuses what lacks a part or lies outside of the window.
pub(crate) fn in_time(
    presented: &Presented,
    names: &Names,
    now_ms: i64,
    window_ms: i64,
) -> Result<(), Rejection> {
    let Names { signature, timestamp, nonce } = names;
    let missing = |name| (format!("{name} is missing"), format!("缺少{name}"));
    if presented.timestamp.is_empty() {
        let (english, chinese) = missing(timestamp);
        return Err(bad(&english, &chinese));
    }
    if presented.nonce.is_empty() {
        let (english, chinese) = missing(nonce);
        return Err(bad(&english, &chinese));
    }
    if presented.nonce.chars().count() > NONCE_LIMIT || presented.nonce.contains('\0') {
        return Err(bad(&format!("{nonce} is not usable"), &format!("{nonce}不可用")));
    }
    if presented.signature.is_empty() {
        let (english, chinese) = missing(signature);
        return Err(unauthentic(&english, &chinese));
    }

    let at = presented.timestamp_ms().ok_or_else(|| {
        bad(&format!("{timestamp} is not in milliseconds"), &format!("{timestamp}不是毫秒时间戳"))
    })?;
    if now_ms.abs_diff(at) > window_ms.unsigned_abs() {
        return Err(bad(
            &format!("{timestamp} is too far from this server's clock"),
            &format!("{timestamp}与服务器时间相差过大"),
        ));
    }
    Ok(())
}

/// Tries each form of the body under each key; `tag` makes what is expected of one form.
pub(crate) fn matching(
    presented: &Presented,
    names: &Names,
    raw: &[u8],
    body: &Body,
    keys: &[AccessKey],
    tag: impl Fn(&AccessKey, &[u8], &str, &str) -> [u8; 32],
) -> Result<(), Rejection> {
    known(keys)?;
    let mut claimed = [0; 32];
    hex::decode_to_slice(&presented.signature, &mut claimed)
        .map_err(|_| mismatch(names.signature))?;

    let matches = |form: &[u8]| {
        keys.iter().any(|key| {
            let expected = tag(key, form, &presented.nonce, &presented.timestamp);
            expected.ct_eq(&claimed).into()
        })
    };
    if matches(raw)
        || matches(body.canonical().as_bytes())
        || matches(body.canonical_typed().as_bytes())
    {
        return Ok(());
    }
    Err(mismatch(names.signature))
}

/// Without a key nothing is verified.
pub(crate) fn known(keys: &[AccessKey]) -> Result<(), Rejection> {
    if keys.is_empty() {
        return Err(unauthentic(
            "no access key is configured for this interface",
            "该接口未配置accessKey",
        ));
    }
    Ok(())
}

/// Signs a body as the marketplace does; upper-case hex as in its samples.
#[must_use]
pub fn sign(key: &AccessKey, raw: &[u8], nonce: &str, timestamp_ms: i64) -> String {
    hex::encode_upper(tag(key, raw, nonce, &timestamp_ms.to_string()))
}

/// The access key is the key of both HMACs and stands in the signed text as well.
fn tag(key: &AccessKey, payload: &[u8], nonce: &str, timestamp: &str) -> [u8; 32] {
    let key = key.bytes();
    let body_hash = hex::encode(hmac(key, &[payload]));
    hmac(key, &[key, nonce.as_bytes(), timestamp.as_bytes(), body_hash.as_bytes()])
}

fn bad(english: &str, chinese: &str) -> Rejection {
    Rejection::new(ResultCode::BadParameter, english, chinese)
}

pub(crate) fn unauthentic(english: &str, chinese: &str) -> Rejection {
    Rejection::new(ResultCode::AuthFailed, english, chinese)
}

pub(crate) fn mismatch(name: &str) -> Rejection {
    unauthentic(&format!("the {name} does not match"), &format!("签名校验失败（{name}）"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_680_508_066_618;
    const NONCE: &str = "50D83FDECAED6CCD8EF597F2A577950527928BA287D04E6036E92B2806FD17DA";
    const PAYLOAD: &str = r#"{"activity":"newInstance","businessId":"87b94795-0603-4e24-8ae5-69420d60e3c8","orderId":"CS2211181819B4LVS","orderLineId":"CS2211181819B4LVS-000001","testFlag":"1"}"#;
    const SIGNATURE: &str = "242FEA63FA8EBF7624AE1F4CFCB663D1758BA57EA74D09167D9F5A574BD782AD";

    fn key(text: &str) -> AccessKey {
        AccessKey::of_vector(text)
    }

    fn demo() -> AccessKey {
        key("demo-access-key")
    }

    fn check(presented: &Presented, raw: &str, keys: &[AccessKey], now: i64) -> &'static str {
        let body = Body::parse(raw.as_bytes()).unwrap();
        match verify(presented, raw.as_bytes(), &body, keys, now, 60_000) {
            Ok(()) => "000000",
            Err(rejection) => rejection.code.as_str(),
        }
    }

    fn presented(signature: &str, timestamp: &str, nonce: &str) -> Presented {
        Presented {
            signature: signature.to_owned(),
            timestamp: timestamp.to_owned(),
            nonce: nonce.to_owned(),
        }
    }

    fn printed() -> Presented {
        presented(SIGNATURE, "1680508066618", NONCE)
    }

    #[test]
    fn the_vector_is_made_and_accepted() {
        assert_eq!(
            hex::encode(hmac(b"demo-access-key", &[PAYLOAD.as_bytes()])),
            "ade5f66c0bcb8b1c5bc95f28ddd2c5bda047ffe6afed8fc40b932e2324ad1db2"
        );
        assert_eq!(sign(&demo(), PAYLOAD.as_bytes(), NONCE, NOW), SIGNATURE);
        assert_eq!(check(&printed(), PAYLOAD, &[demo()], NOW), "000000");

        let lower = presented(&SIGNATURE.to_lowercase(), "1680508066618", NONCE);
        assert_eq!(check(&lower, PAYLOAD, &[demo()], NOW), "000000");
    }

    #[test]
    fn every_spelling_of_the_signed_members_is_accepted() {
        let reordered = r#"{ "testFlag": "1", "orderLineId": "CS2211181819B4LVS-000001",
            "orderId": "CS2211181819B4LVS", "nothing": null,
            "businessId": "87b94795-0603-4e24-8ae5-69420d60e3c8", "activity": "newInstance" }"#;
        assert_eq!(check(&printed(), reordered, &[demo()], NOW), "000000");

        // Jackson's map of texts: the number was signed as its text.
        let number = reordered.replace(r#""testFlag": "1""#, r#""testFlag": 1"#);
        assert_eq!(check(&printed(), &number, &[demo()], NOW), "000000");

        // Numbers signed as numbers, in a body with blanks.
        let typed = Presented::sign(&demo(), br#"{"a":1,"b":"x"}"#, NONCE, NOW);
        assert_eq!(check(&typed, r#"{"b": "x", "a": 1}"#, &[demo()], NOW), "000000");

        // Bytes that are signed as they are, however they are written.
        let raw = r#"{ "b" : "\u4e2d", "a" : null }"#;
        let signed = Presented::sign(&demo(), raw.as_bytes(), NONCE, NOW);
        assert_eq!(check(&signed, raw, &[demo()], NOW), "000000");
    }

    #[test]
    fn what_is_absent_is_refused_in_the_order_of_the_sample() {
        let all = printed();
        let keys = [demo()];
        for (signature, timestamp, nonce, code) in [
            ("", "", "", "000002"),
            (&*all.signature, "", &*all.nonce, "000002"),
            (&all.signature, &all.timestamp, "", "000002"),
            ("", &all.timestamp, "", "000002"),
            ("", &all.timestamp, &all.nonce, "000001"),
        ] {
            let part = presented(signature, timestamp, nonce);
            assert_eq!(check(&part, PAYLOAD, &keys, NOW), code, "{part:?}");
        }
        assert_eq!(check(&all, PAYLOAD, &[], NOW), "000001");
    }

    #[test]
    fn the_window_has_two_sides() {
        for (now, code) in [
            (NOW - 60_001, "000002"),
            (NOW - 60_000, "000000"),
            (NOW, "000000"),
            (NOW + 60_000, "000000"),
            (NOW + 60_001, "000002"),
            (i64::MAX, "000002"),
            (i64::MIN, "000002"),
        ] {
            assert_eq!(check(&printed(), PAYLOAD, &[demo()], now), code, "{now}");
        }
    }

    #[test]
    fn ten_digits_are_seconds() {
        let body = PAYLOAD.as_bytes();
        let signed =
            presented(&hex::encode(tag(&demo(), body, "n", "1680508066")), "1680508066", "n");
        assert_eq!(check(&signed, PAYLOAD, &[demo()], NOW), "000000");
        assert_eq!(check(&signed, PAYLOAD, &[demo()], NOW + 60_000), "000002");

        for timestamp in [
            "-1680508066618",
            "+1680508066618",
            "1680508066.6",
            "now",
            " ",
            "9999999999999999999",
            "１６",
        ] {
            let signed =
                presented(&hex::encode(tag(&demo(), body, "n", timestamp)), timestamp, "n");
            assert_eq!(check(&signed, PAYLOAD, &[demo()], NOW), "000002", "{timestamp}");
        }
    }

    #[test]
    fn any_of_several_keys_will_do_and_no_other() {
        let other = key("another-access-key");
        assert_eq!(check(&printed(), PAYLOAD, &[other.clone(), demo()], NOW), "000000");
        assert_eq!(check(&printed(), PAYLOAD, &[other], NOW), "000001");
    }

    #[test]
    fn a_nonce_that_could_not_be_kept_is_refused() {
        for (nonce, code) in [
            ("n".repeat(NONCE_LIMIT), "000000"),
            ("n".repeat(NONCE_LIMIT + 1), "000002"),
            ("n\0".to_owned(), "000002"),
        ] {
            let signed = Presented::sign(&demo(), PAYLOAD.as_bytes(), &nonce, NOW);
            assert_eq!(check(&signed, PAYLOAD, &[demo()], NOW), code, "{nonce:?}");
        }
    }

    #[test]
    fn a_query_is_read_whatever_else_it_holds() {
        let query = "x=1&nonce=a%2Bb&signature=AB&&timestamp=12&signature=CD&=";
        assert_eq!(Presented::from_query(query), presented("AB", "12", "a+b"));
        assert_eq!(Presented::from_query(""), Presented::default());
        assert_eq!(Presented::from_query(&printed().to_query()), printed());
    }

    #[test]
    fn keys_are_long_and_never_shown() {
        assert_eq!(AccessKey::new("fifteen-letters").unwrap_err(), KeyTooShort);
        let key = AccessKey::new("sixteen-letters!").unwrap();
        assert_eq!(format!("{key:?}"), "AccessKey(..)");
        assert!(key.same(&key.clone()) && !key.same(&demo()));
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies(
            members in prop::collection::btree_map("\\PC{0,8}", "\\PC{0,20}", 0..6),
            nonce in "\\PC{1,64}",
            at in 10_000_000_000i64..10_000_000_000_000,
        ) {
            let body = Body::from_texts(members.iter().map(|(n, t)| (n.as_str(), t.as_str())));
            let raw = body.canonical();
            let signed = Presented::sign(&demo(), raw.as_bytes(), &nonce, at);
            let arrived = Presented::from_query(&signed.to_query());
            prop_assert_eq!(check(&arrived, &raw, &[demo()], at), "000000");

            // As another library would write the same members.
            let pretty = serde_json::to_string_pretty(&members).unwrap();
            prop_assert_eq!(check(&arrived, &pretty, &[demo()], at), "000000");
        }

        #[test]
        fn any_changed_byte_is_refused(at in 0..PAYLOAD.len(), to in 1u8..) {
            let mut raw = PAYLOAD.as_bytes().to_vec();
            raw[at] ^= to;
            // Where it is still a body, its signature is not the one that was given.
            if let Ok(body) = Body::parse(&raw) {
                let verdict = verify(&printed(), &raw, &body, &[demo()], NOW, 60_000);
                prop_assert_eq!(verdict.unwrap_err().code, ResultCode::AuthFailed);
            }
        }

        #[test]
        fn any_changed_sign_of_the_query_is_refused(at in 0usize..64, to in "[0-9A-Fa-fg-z]") {
            for (signature, nonce) in [(true, false), (false, true)] {
                let mut changed = printed();
                let text = if signature { &mut changed.signature } else { &mut changed.nonce };
                text.replace_range(at..=at, &to);
                let same = changed.nonce == NONCE
                    && changed.signature.eq_ignore_ascii_case(SIGNATURE);
                let code = if same { "000000" } else { "000001" };
                prop_assert_eq!(check(&changed, PAYLOAD, &[demo()], NOW), code, "{} {}", signature, nonce);
            }
        }

        #[test]
        fn no_query_makes_it_panic(query in "\\PC{0,60}", now: i64, window: i64) {
            let body = Body::parse(b"{}").unwrap();
            let keys = [demo()];
            let presented = Presented::from_query(&query);
            let verdict = verify(&presented, b"{}", &body, &keys, now, window);
            prop_assert!(verdict.is_err());
        }
    }
}
