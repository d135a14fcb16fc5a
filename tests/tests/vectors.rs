//! Runs every file of `tests/vectors` (FORMAT.md, section 10), which the C++ suite reads as well.

#![expect(clippy::unwrap_used, reason = "a surprise in here is the failure of the test")]

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use license_core::Timestamp;
use license_core::device::DeviceInfo;
use license_core::jws::DocType;
use license_core::revocation::Revocations;
use license_core::trust::KeyRing;
use license_core::verify::{self, Refusal, VerifyContext};
use license_core::version::Version;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    kind: Kind,
    #[serde(rename = "about")]
    _about: String,
    trusts: BTreeMap<String, Value>,
    vectors: Vec<Vector>,
}

#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Device,
    Document,
    Jwks,
    License,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    id: String,
    comment: String,
    open_as: Option<String>,
    input: Option<String>,
    input_base64: Option<String>,
    trust: Option<Value>,
    trust_list: Option<String>,
    product: Option<String>,
    version: Option<Version>,
    release_date: Option<Timestamp>,
    #[serde(default)]
    revocations: Vec<String>,
    floor: Option<Timestamp>,
    at: Option<Timestamp>,
    dev_info: Option<String>,
    expect: Expect,
}

#[derive(Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
struct Expect {
    code: String,
    state: Option<String>,
    warnings: Option<Vec<String>>,
    claims: Option<Map<String, Value>>,
    text: Option<String>,
    dropped: Option<Vec<String>>,
}

impl Expect {
    fn code(code: impl Display) -> Self {
        Self {
            code: code.to_string(),
            state: None,
            warnings: None,
            claims: None,
            text: None,
            dropped: None,
        }
    }
}

impl Vector {
    fn bytes(&self) -> Vec<u8> {
        match (&self.input, &self.input_base64) {
            (Some(text), None) => text.as_bytes().to_vec(),
            (None, Some(text)) => STANDARD.decode(text).unwrap(),
            _ => panic!("{}: one of input and input_base64", self.id),
        }
    }

    fn keys(&self, file: &File) -> KeyRing {
        let trust = match self.trust.as_ref().expect("a trust") {
            Value::String(name) => &file.trusts[name],
            jwks => jwks,
        };
        KeyRing::from_jwks(&trust.to_string())
            .unwrap_or_else(|error| panic!("{}: {error}", self.id))
    }

    /// What is found, reduced to what the vector expects to see.
    fn found(&self, file: &File) -> Expect {
        let answer = match file.kind {
            Kind::Device => self.device(),
            Kind::Document => self.document(file),
            Kind::Jwks => Ok(self.jwks()),
            Kind::License => self.license(file),
        };
        answer.unwrap_or_else(|refusal| Expect::code(refusal.code()))
    }

    fn license(&self, file: &File) -> Result<Expect, Refusal> {
        let (keys, now) = (self.keys(file), self.at.unwrap());
        let revocations: Vec<Revocations> = self
            .revocations
            .iter()
            .map(|list| Revocations::open(list, &keys, now).unwrap())
            .collect();
        let question = VerifyContext {
            now,
            product: self.product.as_deref(),
            version: self.version.as_ref(),
            release_date: self.release_date,
            device: self.dev_info.as_deref(),
            revocations: &revocations,
            floor: self.floor,
        };
        let verified = verify::license(&self.bytes(), &keys, &question)?;
        let answer = verified.to_json();
        let mut warnings: Vec<String> =
            verified.warnings.iter().map(|warning| warning.as_str().to_owned()).collect();
        warnings.sort();
        Ok(Expect {
            state: answer["state"].as_str().map(str::to_owned),
            warnings: Some(warnings),
            claims: self.claims(&verified.payload),
            ..Expect::code("OK")
        })
    }

    fn document(&self, file: &File) -> Result<Expect, Refusal> {
        let (mut keys, now) = (self.keys(file), self.at.unwrap());
        if let Some(list) = &self.trust_list {
            keys = KeyRing::from_trust_list(list, &keys, now).unwrap();
        }
        let text = String::from_utf8(self.bytes()).unwrap();
        let doc: DocType = self.open_as.as_deref().unwrap().parse().unwrap();
        match doc {
            DocType::Revocation => drop(Revocations::open(&text, &keys, now)?),
            DocType::Trust => drop(KeyRing::from_trust_list(&text, &keys, now)?),
            _ => {}
        }
        let opened = keys.open(doc, &text, now)?;
        Ok(Expect { claims: self.claims(&opened.payload), ..Expect::code("OK") })
    }

    fn jwks(&self) -> Expect {
        let text = String::from_utf8(self.bytes()).unwrap();
        Expect::code(if KeyRing::from_jwks(&text).is_ok() { "OK" } else { "refused" })
    }

    fn device(&self) -> Result<Expect, Refusal> {
        let text = String::from_utf8(self.bytes()).unwrap();
        let (code, text, dropped) = match DeviceInfo::parse(&text) {
            Ok(info) => ("OK", Some(info.text()), info.dropped().to_vec()),
            Err(Refusal::MachineUnreadable { dropped }) => ("MACHINE_UNREADABLE", None, dropped),
            Err(other) => return Err(other),
        };
        let dropped = Some(dropped.into_iter().map(|one| one.value).collect());
        Ok(Expect { text, dropped, ..Expect::code(code) })
    }

    /// Of the payload the members that the vector names.
    fn claims(&self, payload: &Map<String, Value>) -> Option<Map<String, Value>> {
        let expected = self.expect.claims.as_ref()?;
        Some(
            expected
                .keys()
                .filter_map(|name| Some((name.clone(), payload.get(name)?.clone())))
                .collect(),
        )
    }
}

fn files() -> Vec<(String, File)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors");
    let mut files: Vec<(String, File)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let file =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, file)
        })
        .collect();
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    files
}

#[test]
fn every_vector_ends_as_expected() {
    let mut wrong = Vec::new();
    for (name, file) in files() {
        assert_eq!(file.schema, 1, "{name}");
        for vector in &file.vectors {
            let found = vector.found(&file);
            if found != vector.expect {
                wrong.push(format!(
                    "{} ({}):\n  expected {:?}\n  found    {found:?}",
                    vector.id, vector.comment, vector.expect
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} vectors failed\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn there_are_enough_vectors_and_more_invalid_than_valid() {
    let files = files();
    let all: Vec<&Vector> = files.iter().flat_map(|(_, file)| &file.vectors).collect();
    let valid = all.iter().filter(|vector| vector.expect.code == "OK").count();
    assert!(all.len() >= 120, "{} vectors", all.len());
    assert!(valid < all.len() - valid, "{valid} of {} are valid", all.len());

    let mut ids: Vec<&str> = all.iter().map(|vector| vector.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len(), "ids are unique");
}

/// Each code that verifying a license can end in has a vector.
#[test]
fn every_code_of_verification_has_a_vector() {
    use license_core::Code;

    let files = files();
    for code in Code::ALL.iter().filter(|code| code.number() <= 14) {
        let seen = files
            .iter()
            .filter(|(_, file)| file.kind == Kind::License)
            .any(|(_, file)| file.vectors.iter().any(|v| v.expect.code == code.as_str()));
        assert!(seen, "{code}");
    }
}

/// The numbers are the C++ ABI, and FORMAT.md is where others read them.
#[test]
fn the_format_document_lists_every_code_with_its_number() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/FORMAT.md");
    let text = fs::read_to_string(path).unwrap();
    for code in license_core::Code::ALL {
        let row = format!("| {} | `{code}` |", code.number());
        assert!(text.contains(&row), "{row}");
    }
}

/// Section numbers are cited by code: they must be there.
#[test]
fn the_format_document_has_the_sections_that_code_cites() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/FORMAT.md");
    let text = fs::read_to_string(path).unwrap();
    for section in 1..=10 {
        assert_eq!(text.matches(&format!("\n## {section}. ")).count(), 1, "section {section}");
    }
}
