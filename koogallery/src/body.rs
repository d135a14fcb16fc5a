//! The body of a call: a bounded parse into a flat map, and the form that is signed.
//! Judges nothing beyond the JSON itself; fields are read in `call`.

use std::cmp::Ordering;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::code::{Rejection, ResultCode};

/// The most a call of the JSON interfaces may hold, in bytes. Its longest field has 5,120.
pub const LIMIT: usize = 64 * 1024;

/// How deep objects and arrays may stand in one another, the body itself included.
const DEPTH: usize = 32;

/// A call's members: text by name, without those that are `null`.
///
/// The vendor's sample reads the body into a `Map<String, String>`, so a number or a boolean is
/// the text that was sent; an object or array is kept as compact JSON.
#[derive(Clone, Eq, PartialEq)]
pub struct Body {
    /// Ascending by name in UTF-16 code units, as Java's `TreeMap` sorts.
    members: Vec<(String, Value)>,
}

/// The text of one member, and how it was written.
#[derive(Clone, Eq, PartialEq)]
struct Value {
    kind: ValueKind,
    text: String,
}

/// How a member's value was written in the body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ValueKind {
    /// A string.
    Text,
    /// A number; its text is as it was sent.
    Number,
    /// `true` or `false`.
    Boolean,
    /// An object or an array; its text is compact JSON.
    Nested,
}

impl Body {
    /// Reads a call of the JSON interfaces: at most [`LIMIT`] bytes.
    ///
    /// # Errors
    ///
    /// `000002` for what is too long, not UTF-8, not one JSON object, nested too deeply, or names
    /// a member twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, Rejection> {
        Self::parse_within(bytes, LIMIT)
    }

    /// Reads a call of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// As [`Body::parse`].
    pub fn parse_within(bytes: &[u8], limit: usize) -> Result<Self, Rejection> {
        if bytes.len() > limit {
            return Err(refused("the body is too long", "请求体过长"));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|_| refused("the body is not UTF-8", "请求体不是UTF-8编码"))?;
        if !text.trim_ascii_start().starts_with('{') {
            return Err(refused("the body is not a JSON object", "请求体不是JSON对象"));
        }

        let mut members = Vec::new();
        for (name, raw) in object(text)? {
            if let Some(value) = value(raw)? {
                members.push((name, value));
            }
        }
        members.sort_by(|(a, _), (b, _)| by_code_unit(a, b));
        Ok(Self { members })
    }

    /// A body of text members, for playing the marketplace's side. A later member replaces an
    /// earlier one of the same name.
    pub fn from_texts<'a>(members: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut body = Self { members: Vec::new() };
        for (name, text) in members {
            let value = Value { kind: ValueKind::Text, text: text.to_owned() };
            match body.position(name) {
                Ok(at) => body.members[at].1 = value,
                Err(at) => body.members.insert(at, (name.to_owned(), value)),
            }
        }
        body
    }

    /// The text of a member; `None` where it is absent or `null`.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.position(name).ok().map(|at| self.members[at].1.text.as_str())
    }

    /// How a member was written; `None` where it is absent or `null`.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<ValueKind> {
        self.position(name).ok().map(|at| self.members[at].1.kind)
    }

    /// The member `activity`, which tells the interfaces apart.
    #[must_use]
    pub fn activity(&self) -> Option<&str> {
        self.text("activity")
    }

    /// The members' names, ascending by UTF-16 code unit.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    /// The members' names and texts, in the order of [`Body::names`].
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members.iter().map(|(name, value)| (name.as_str(), value.text.as_str()))
    }

    /// The form that the basic interfaces sign ("body signature"): compact JSON, names ascending
    /// by UTF-16 code unit, no `null` members, every value a string, escaped as Jackson does,
    /// other characters as they are.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.write(|_| true)
    }

    /// As [`Body::canonical`], but numbers, booleans, objects and arrays stay what they are, as
    /// the joint-operation kit signs them.
    #[must_use]
    pub fn canonical_typed(&self) -> String {
        self.write(|kind| kind == ValueKind::Text)
    }

    fn write(&self, quoted: impl Fn(ValueKind) -> bool) -> String {
        let mut out = String::from("{");
        for (i, (name, value)) in self.members.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            quote(name, &mut out);
            out.push(':');
            if quoted(value.kind) {
                quote(&value.text, &mut out);
            } else {
                out.push_str(&value.text);
            }
        }
        out.push('}');
        out
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.members.binary_search_by(|(known, _)| by_code_unit(known, name))
    }
}

/// Names only: values may be device texts and customers' data, which no log may hold.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")?;
        f.debug_set().entries(self.names()).finish()
    }
}

fn refused(english: &str, chinese: &str) -> Rejection {
    Rejection::new(ResultCode::BadParameter, english, chinese)
}

/// As Java's `TreeMap` sorts.
pub(crate) fn by_code_unit(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// The members of one object as they stand, each name once.
fn object(text: &str) -> Result<Vec<(String, &RawValue)>, Rejection> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }

    let malformed = |_| refused("the body is not valid JSON", "请求体不是合法的JSON");
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = deserializer.deserialize_map(Members).map_err(malformed)?;
    deserializer.end().map_err(malformed)?;

    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        let name: String = twice[0].chars().take(64).collect();
        return Err(refused(
            &format!("the member {name:?} stands twice"),
            &format!("成员{name:?}重复"),
        ));
    }
    Ok(members)
}

fn value(raw: &RawValue) -> Result<Option<Value>, Rejection> {
    let text = raw.get();
    let (kind, text) = match text.as_bytes().first() {
        Some(b'n') => return Ok(None),
        Some(b'"') => (ValueKind::Text, string(text)?),
        Some(b't' | b'f') => (ValueKind::Boolean, text.to_owned()),
        Some(b'{' | b'[') => {
            let mut out = String::with_capacity(text.len());
            compact(raw, 2, &mut out)?;
            (ValueKind::Nested, out)
        }
        _ => (ValueKind::Number, text.to_owned()),
    };
    Ok(Some(Value { kind, text }))
}

/// Refuses what JSON allows and text does not: half of a surrogate pair.
fn string(json: &str) -> Result<String, Rejection> {
    serde_json::from_str(json)
        .map_err(|_: serde_json::Error| refused("a text is not Unicode", "文本不是合法的Unicode"))
}

/// Writes a nested value without blanks and with one spelling of each text. Each level is parsed
/// anew, which [`DEPTH`] and [`LIMIT`] keep cheap.
fn compact(raw: &RawValue, depth: usize, out: &mut String) -> Result<(), Rejection> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{' | b'[') if depth > DEPTH => {
            return Err(refused("the body is nested too deeply", "请求体嵌套过深"));
        }
        Some(b'{') => {
            out.push('{');
            for (i, (name, member)) in object(text)?.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                quote(&name, out);
                out.push(':');
                compact(member, depth + 1, out)?;
            }
            out.push('}');
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text)
                .map_err(|_: serde_json::Error| refused("not valid JSON", "JSON不合法"))?;
            out.push('[');
            for (i, element) in elements.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                compact(element, depth + 1, out)?;
            }
            out.push(']');
        }
        Some(b'"') => quote(&string(text)?, out),
        _ => out.push_str(text),
    }
    Ok(())
}

/// Jackson's default escaping: quote, backslash and control characters, upper-case hex.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                let byte = c as usize;
                out.push_str("\\u00");
                out.push(char::from(HEX[byte >> 4]));
                out.push(char::from(HEX[byte & 0xf]));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value as Json;

    use super::*;

    fn read(text: &str) -> Body {
        Body::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn members_are_text_whatever_they_were() {
        let body = read(
            r#" {"s":"x","e":"","n":1.10,"big":12345678901234567890123,"t":true,"f":false,
                "o":{ "b" : [ 1 , null , "\u4e2d\n" ] , "a" : {} },"a":[ ],"null":null} "#,
        );
        for (name, kind, text) in [
            ("s", ValueKind::Text, "x"),
            ("e", ValueKind::Text, ""),
            ("n", ValueKind::Number, "1.10"),
            ("big", ValueKind::Number, "12345678901234567890123"),
            ("t", ValueKind::Boolean, "true"),
            ("f", ValueKind::Boolean, "false"),
            ("o", ValueKind::Nested, r#"{"b":[1,null,"中\n"],"a":{}}"#),
            ("a", ValueKind::Nested, "[]"),
        ] {
            assert_eq!((body.kind(name), body.text(name)), (Some(kind), Some(text)), "{name}");
        }
        assert_eq!((body.kind("null"), body.text("null")), (None, None));
        assert_eq!(body.activity(), None);
        assert_eq!(read(r#"{"activity":"newInstance"}"#).activity(), Some("newInstance"));
    }

    #[test]
    fn the_canonical_form_is_jacksons() {
        let body = read(
            r#"{"z":1,"b":null,"a":"\u0041\/\u007f\u001f\u0008\t\n\f\r\"\\\u2028 é中\ud83d\ude00","B":true,"o":{"k": [1]}}"#,
        );
        let a = "\"a\":\"A/\u{7f}\\u001F\\b\\t\\n\\f\\r\\\"\\\\\u{2028} é中😀\"";
        assert_eq!(body.canonical(), format!(r#"{{"B":"true",{a},"o":"{{\"k\":[1]}}","z":"1"}}"#));
        assert_eq!(body.canonical_typed(), format!(r#"{{"B":true,{a},"o":{{"k":[1]}},"z":1}}"#));
        assert_eq!(read("{}").canonical(), "{}");
    }

    #[test]
    fn the_typed_form_is_what_the_kit_signs() {
        let body = read(
            r#"{"testFlag": 1, "tenantId": "t1", "orderId": "CS1", "instanceId": "i-1", "appId": "app1"}"#,
        );
        let signed = format!(
            "demo-access-key{}{}{}",
            "50D83FDECAED6CCD8EF597F2A577950527928BA287D04E6036E92B2806FD17DA",
            "1680508066618",
            body.canonical_typed()
        );
        assert_eq!(
            hex::encode(crate::mac::hmac(b"demo-access-key", &[signed.as_bytes()])),
            "c8a04b85f5bec999f3252415a7e4bfc110aa10601b2dcdd57cb4c35f0b68ea84"
        );
    }

    #[test]
    fn names_are_sorted_by_utf16_code_unit() {
        // U+1F600 is D83D DE00 in UTF-16 and so comes before U+FF5E, after it in UTF-8.
        let body =
            read("{\"\u{ff5e}\":\"1\",\"\u{1f600}\":\"2\",\"a\":\"3\",\"ab\":\"4\",\"\":\"5\"}");
        let names: Vec<&str> = body.names().collect();
        assert_eq!(names, ["", "a", "ab", "\u{1f600}", "\u{ff5e}"]);
        assert_eq!(body.text("\u{ff5e}"), Some("1"));
    }

    #[test]
    fn what_is_no_body_is_refused() {
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        let deep_objects = |n: usize| format!("{}1{}", "{\"a\":".repeat(n), "}".repeat(n));
        let cases: Vec<(Vec<u8>, &str)> = vec![
            (b"".to_vec(), "not a JSON object"),
            (b"  ".to_vec(), "not a JSON object"),
            (b"[]".to_vec(), "not a JSON object"),
            (b"null".to_vec(), "not a JSON object"),
            (b"\"text\"".to_vec(), "not a JSON object"),
            (b"1".to_vec(), "not a JSON object"),
            (b"[{\"a\":\"b\"}]".to_vec(), "not a JSON object"),
            (b"activity=newInstance".to_vec(), "not a JSON object"),
            (b"{\"a\":\"\xff\"}".to_vec(), "not UTF-8"),
            (b"{\"a\":\"\xed\xa0\x80\"}".to_vec(), "not UTF-8"),
            (b"\xff\xfe{\0}\0".to_vec(), "not UTF-8"),
            (b"{".to_vec(), "not valid JSON"),
            (b"{\"a\"".to_vec(), "not valid JSON"),
            (b"{\"a\":\"b".to_vec(), "not valid JSON"),
            (b"{\"a\":\"b\",}".to_vec(), "not valid JSON"),
            (b"{\"a\":\"b\"}{}".to_vec(), "not valid JSON"),
            (b"{\"a\":\"b\"} x".to_vec(), "not valid JSON"),
            (b"{'a':'b'}".to_vec(), "not valid JSON"),
            (b"{a:1}".to_vec(), "not valid JSON"),
            (b"{\"a\":01}".to_vec(), "not valid JSON"),
            (b"{\"a\":NaN}".to_vec(), "not valid JSON"),
            (b"{\"a\":nul}".to_vec(), "not valid JSON"),
            (b"{\"a\":[1}".to_vec(), "not valid JSON"),
            (b"{\"a\":\"\n\"}".to_vec(), "not valid JSON"),
            (br#"{"a":"\ud83d"}"#.to_vec(), "not Unicode"),
            (br#"{"a":["\ude00"]}"#.to_vec(), "not Unicode"),
            (br#"{"\ud83d":"a"}"#.to_vec(), "not valid JSON"),
            (br#"{"a":"1","b":"2","a":"1"}"#.to_vec(), "\"a\" stands twice"),
            (br#"{"a":"1","\u0061":"1"}"#.to_vec(), "\"a\" stands twice"),
            (br#"{"a":null,"a":"1"}"#.to_vec(), "\"a\" stands twice"),
            (br#"{"o":{"b":1,"b":2}}"#.to_vec(), "\"b\" stands twice"),
            (br#"{"o":[[{"b":1,"b":2}]]}"#.to_vec(), "\"b\" stands twice"),
            (deep(32).into_bytes(), "nested too deeply"),
            (deep(30_000).into_bytes(), "nested too deeply"),
            (deep_objects(33).into_bytes(), "nested too deeply"),
            (deep_objects(10_000).into_bytes(), "nested too deeply"),
            ("[".repeat(60_000).into_bytes(), "not a JSON object"),
            ("{\"a\":".repeat(10_000).into_bytes(), "not valid JSON"),
            (vec![b' '; LIMIT + 1], "too long"),
        ];
        for (bytes, reason) in cases {
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
            let rejection = Body::parse(&bytes).unwrap_err();
            assert_eq!(rejection.code, ResultCode::BadParameter, "{shown}");
            assert!(rejection.message.contains(reason), "{shown}: {}", rejection.message);
            assert!(rejection.message.chars().count() <= 255);
        }
        assert!(Body::parse(deep(31).as_bytes()).is_ok());
        assert!(Body::parse(deep_objects(32).as_bytes()).is_ok());
    }

    #[test]
    fn the_limit_is_exact() {
        let mut bytes = vec![b' '; LIMIT];
        bytes[0] = b'{';
        bytes[LIMIT - 1] = b'}';
        assert!(Body::parse(&bytes).is_ok());
        bytes.push(b' ');
        assert!(Body::parse(&bytes).is_err());
        assert!(Body::parse_within(&bytes, LIMIT + 1).is_ok());
    }

    #[test]
    fn every_cut_of_a_body_is_refused() {
        let whole = r#"{"activity":"newInstance","n":-1.5e3,"o":{"a":[true,"\u4e2d"]}}"#;
        for end in 0..whole.len() {
            assert!(Body::parse(&whole.as_bytes()[..end]).is_err(), "{}", &whole[..end]);
        }
    }

    #[test]
    fn its_debugging_form_shows_no_value() {
        let shown = format!("{:?}", read(r#"{"deviceFingerprint":"04:7C:16:5E:E3:5D"}"#));
        assert_eq!(shown, r#"Body{"deviceFingerprint"}"#);
    }

    #[test]
    fn a_later_text_replaces_an_earlier() {
        let body = Body::from_texts([("b", "1"), ("a", "2"), ("b", "3")]);
        assert_eq!(body.canonical(), r#"{"a":"2","b":"3"}"#);
    }

    fn json(depth: u32) -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            // Quarters, which every reader of floats reads alike.
            any::<i32>().prop_map(|n| Json::from(f64::from(n) / 4.0)),
            any::<String>().prop_map(Json::from),
        ];
        leaf.prop_recursive(depth, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    fn object() -> impl Strategy<Value = Json> {
        prop::collection::btree_map(any::<String>(), json(4), 0..6)
            .prop_map(|map| Json::Object(map.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn the_canonical_forms_read_back(value in object()) {
            let body = read(&serde_json::to_string_pretty(&value).unwrap());
            let typed = body.canonical_typed();
            prop_assert_eq!(&read(&typed), &body);
            prop_assert_eq!(read(&typed).canonical_typed(), typed.clone());

            let texts = read(&body.canonical());
            prop_assert_eq!(texts.canonical(), body.canonical());
            for name in body.names() {
                prop_assert_eq!(texts.text(name), body.text(name));
                prop_assert_eq!(texts.kind(name), Some(ValueKind::Text));
            }

            // Another reader finds the same members.
            let mut expected = value;
            expected.as_object_mut().unwrap().retain(|_, member| !member.is_null());
            prop_assert_eq!(serde_json::from_str::<Json>(&typed).unwrap(), expected);
        }

        #[test]
        fn nothing_makes_it_panic(bytes: Vec<u8>, text in "[\\[\\]{}:,\"\\\\ua0-9nte. ]{0,64}") {
            let _ = Body::parse(&bytes);
            let _ = Body::parse(text.as_bytes());
            let _ = Body::parse(format!("{{\"a\":{text}}}").as_bytes());
        }
    }
}
