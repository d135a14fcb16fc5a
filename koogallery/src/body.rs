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
    kind: Kind,
    text: String,
}

/// How a member's value was written in the body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
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
            let value = Value { kind: Kind::Text, text: text.to_owned() };
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
    pub fn kind(&self, name: &str) -> Option<Kind> {
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
        self.write(|kind| kind == Kind::Text)
    }

    fn write(&self, quoted: impl Fn(Kind) -> bool) -> String {
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

fn by_code_unit(a: &str, b: &str) -> Ordering {
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
        Some(b'"') => (Kind::Text, string(text)?),
        Some(b't' | b'f') => (Kind::Boolean, text.to_owned()),
        Some(b'{' | b'[') => {
            let mut out = String::with_capacity(text.len());
            compact(raw, 2, &mut out)?;
            (Kind::Nested, out)
        }
        _ => (Kind::Number, text.to_owned()),
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
    if depth > DEPTH {
        return Err(refused("the body is nested too deeply", "请求体嵌套过深"));
    }

    let text = raw.get();
    match text.as_bytes().first() {
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
