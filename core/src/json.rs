//! JSON under the strict profile of FORMAT.md, section 2: no duplicate members, bounded depth,
//! integers only. Plain `serde_json` keeps the last of two equal members, which is a known hole.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// How deep objects and arrays may nest.
const DEPTH: usize = 8;
/// The largest integer that every JSON reader keeps exactly.
const EXACT: i64 = 1 << 53;

/// Reads one object and nothing behind it.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: DEPTH }.deserialize(&mut reader)?;
    reader.end()?;
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(serde_json::Error::custom("not an object")),
    }
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON of the strict profile")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        if (-EXACT..=EXACT).contains(&value) {
            Ok(Value::from(value))
        } else {
            Err(E::custom("integer beyond 2^53"))
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value)
            .map_err(|_| E::custom("integer beyond 2^53"))
            .and_then(|v| self.visit_i64(v))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Value, E> {
        Err(E::custom("a number that is no integer"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::object;

    #[test]
    fn keeps_to_the_profile() {
        assert!(object(br#"{"a":[{"b":1}],"c":"x"}"#).is_ok());
        for (text, why) in [
            (r#"{"a":1,"a":1}"#, "duplicate"),
            (r#"{"a":1,"\u0061":1}"#, "duplicate behind an escape"),
            (r#"{"a":{"b":1,"b":2}}"#, "duplicate below"),
            (r#"{"a":1.0}"#, "fraction"),
            (r#"{"a":1e3}"#, "exponent"),
            (r#"{"a":9007199254740993}"#, "beyond 2^53"),
            (r#"{"a":18446744073709551615}"#, "beyond i64"),
            (r#"{"a":[[[[[[[[1]]]]]]]]}"#, "too deep"),
            (r#"{"a":1} "x""#, "something behind"),
            (r#"["a"]"#, "not an object"),
            ("", "nothing"),
            (r#"{"a":1"#, "cut"),
        ] {
            assert!(object(text.as_bytes()).is_err(), "{why}");
        }
        assert!(object(br#"{"a":[[[[[[[1]]]]]]]}"#).is_ok(), "depth 8");
        assert!(object(b"{\"a\":\"\xff\"}").is_err(), "not UTF-8");
    }
}
