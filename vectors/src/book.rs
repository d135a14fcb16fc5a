//! A vector file while it is written (schema: FORMAT.md, section 10).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A file of vectors.
#[derive(Serialize)]
pub(super) struct Book {
    schema: u32,
    kind: &'static str,
    about: &'static str,
    trusts: Map<String, Value>,
    vectors: Vec<Vector>,
    #[serde(skip)]
    name: &'static str,
}

/// One case; what is absent is not asked or not given.
#[derive(Default, Serialize)]
pub(super) struct Vector {
    id: String,
    comment: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_as: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_list: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    release_date: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    revocations: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    floor: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dev_info: Option<String>,
    expect: Expect,
}

#[derive(Default, Serialize)]
struct Expect {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped: Option<Vec<&'static str>>,
}

impl Book {
    pub(super) fn new(name: &'static str, kind: &'static str, about: &'static str) -> Self {
        Self { schema: 1, kind, about, trusts: Map::new(), vectors: Vec::new(), name }
    }

    pub(super) fn trust(&mut self, name: &str, jwks: Value) {
        self.trusts.insert(name.to_owned(), sorted(jwks));
    }

    /// A case that is refused with `code`, until [`Vector::valid`] says otherwise.
    pub(super) fn add(
        &mut self,
        code: &'static str,
        comment: &str,
        input: impl Into<Vec<u8>>,
    ) -> &mut Vector {
        let (input, input_base64) = match String::from_utf8(input.into()) {
            Ok(text) if !text.starts_with('\u{feff}') => (Some(text), None),
            Ok(text) => (None, Some(STANDARD.encode(text))),
            Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
        };
        let mut vector = Vector {
            id: format!("{}-{:03}", self.name, self.vectors.len() + 1),
            comment: comment.to_owned(),
            input,
            input_base64,
            expect: Expect { code, ..Expect::default() },
            ..Vector::default()
        };
        if self.kind == "license" {
            vector.at = Some(super::forge::AT);
        }
        if matches!(self.kind, "license" | "document") {
            vector.trust = Some(json!("issuing"));
        }
        if self.kind == "document" {
            vector.at = Some(super::forge::AT);
        }
        if code == "OK" && self.kind == "license" {
            vector.expect.state = Some("valid");
            vector.expect.warnings = Some(Vec::new());
        }
        self.vectors.push(vector);
        self.vectors.last_mut().expect("pushed just now")
    }

    pub(super) fn file(&self) -> (String, String) {
        let text = serde_json::to_string_pretty(self).expect("strings and numbers only");
        (format!("{}.json", self.name), text + "\n")
    }
}

impl Vector {
    pub(super) fn opened_as(&mut self, doc: &'static str) -> &mut Self {
        self.open_as = Some(doc);
        self
    }

    pub(super) fn trust(&mut self, trust: Value) -> &mut Self {
        self.trust = Some(sorted(trust));
        self
    }

    pub(super) fn trust_list(&mut self, list: String) -> &mut Self {
        self.trust_list = Some(list);
        self
    }

    pub(super) fn product(&mut self, product: &'static str) -> &mut Self {
        self.product = Some(product);
        self
    }

    pub(super) fn version(&mut self, version: &'static str) -> &mut Self {
        self.version = Some(version);
        self
    }

    pub(super) fn released(&mut self, date: i64) -> &mut Self {
        self.release_date = Some(date);
        self
    }

    pub(super) fn revocations(&mut self, list: String) -> &mut Self {
        self.revocations.push(list);
        self
    }

    pub(super) fn floor(&mut self, floor: i64) -> &mut Self {
        self.floor = Some(floor);
        self
    }

    pub(super) fn at(&mut self, at: i64) -> &mut Self {
        self.at = Some(at);
        self
    }

    pub(super) fn device(&mut self, text: impl Into<String>) -> &mut Self {
        self.dev_info = Some(text.into());
        self
    }

    pub(super) fn state(&mut self, state: &'static str) -> &mut Self {
        self.expect.state = Some(state);
        self
    }

    /// The warnings, sorted.
    pub(super) fn warns(&mut self, warnings: &[&'static str]) -> &mut Self {
        self.expect.warnings = Some(warnings.to_vec());
        self
    }

    pub(super) fn claims(&mut self, claims: Value) -> &mut Self {
        self.expect.claims = Some(sorted(claims));
        self
    }

    pub(super) fn normalised(&mut self, text: &str, dropped: &[&'static str]) -> &mut Self {
        self.expect.text = Some(text.to_owned());
        self.dropped(dropped)
    }

    pub(super) fn dropped(&mut self, dropped: &[&'static str]) -> &mut Self {
        self.expect.dropped = Some(dropped.to_vec());
        self
    }
}

/// Members in alphabetical order, whatever order `serde_json` was built to keep.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut members: Vec<(String, Value)> = map.into_iter().collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            members.into_iter().map(|(name, value)| (name, sorted(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}
