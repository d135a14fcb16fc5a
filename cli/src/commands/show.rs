//! `licctl show`: prints what a document says, verified or not.

use std::process::ExitCode;

use license_core::armor::{self, Block};
use license_core::jws::{DocType, Sealed};
use license_core::key::KeyId;
use license_core::license::License;
use license_core::trust::KeyRing;
use license_core::{Refusal, Timestamp};
use serde_json::{Map, Value, json};

use crate::environment::Environment;
use crate::input::Input;
use crate::output::{BOLD, GOOD, Output, WARN};
use crate::trust::TrustArgs;
use crate::{license_text, messages};

const AFTER_HELP: &str = "\
Examples:
  licctl show customer.lic --trust trust.json
  licctl show customer.lic --json

Without --trust everything is what the text claims: anybody can write such a text. `licctl verify`
answers whether a license is valid.";

/// Print what a license, or another document, says.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The document: a file, the text itself, or - for standard input.
    #[arg(value_name = "PATH|TEXT|-")]
    document: String,
    #[command(flatten)]
    trust: TrustArgs,
}

/// A document taken apart.
struct OpenedDocument {
    doc: DocType,
    kid: KeyId,
    payload: Map<String, Value>,
    verified: bool,
}

impl Args {
    pub(crate) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        let now = environment.now();
        let keys = self.trust.open(now)?;
        let bytes = Input::open(&self.document)?.bytes;
        let shown: Result<Vec<_>, _> = armor::read(&bytes).and_then(|blocks| {
            blocks.iter().map(|block| open(block, keys.as_ref(), now)).collect()
        });
        let shown = match shown {
            Ok(shown) => shown,
            Err(refusal) => {
                out.refuse(&refusal)?;
                return Ok(ExitCode::from(1));
            }
        };
        if out.is_json() {
            let mut objects: Vec<Value> = shown.iter().map(OpenedDocument::to_json).collect();
            match (objects.len(), objects.pop()) {
                (1, Some(object)) => out.value(&object)?,
                (_, last) => {
                    objects.extend(last);
                    out.value(&objects)?;
                }
            }
            return Ok(ExitCode::SUCCESS);
        }
        for (i, one) in shown.iter().enumerate() {
            if i > 0 {
                out.line("")?;
            }
            one.print(out)?;
        }
        if shown.iter().any(|one| !one.verified) {
            out.warn(
                "NOT_VERIFIED",
                out.pick(
                    "the signature was not checked: this is only what the text claims; give --trust",
                    "未检查签名：以上仅为文本自称的内容；请使用 --trust",
                )
                .to_owned(),
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn open(block: &Block, keys: Option<&KeyRing>, now: Timestamp) -> Result<OpenedDocument, Refusal> {
    let text = block.document.as_str();
    let doc = claimed_type(text).unwrap_or(DocType::License);
    let sealed = Sealed::parse(doc, text)?;
    let (payload, verified) = match keys {
        Some(keys) => (keys.open(doc, text, now)?.payload, true),
        None => (sealed.payload()?, false),
    };
    Ok(OpenedDocument { doc, kid: sealed.kid(), payload, verified })
}

/// What the header says the document is; verification compares it with the whole header.
fn claimed_type(text: &str) -> Option<DocType> {
    use base64::Engine;
    let (header, _) = text.split_once('.')?;
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    header.get("typ")?.as_str()?.parse().ok()
}

impl OpenedDocument {
    fn to_json(&self) -> Value {
        json!({
            "code": "OK",
            "verified": self.verified,
            "typ": self.doc.typ(),
            "kid": self.kid,
            "claims": self.payload,
        })
    }

    fn print(&self, out: &mut Output) -> anyhow::Result<()> {
        let (style, word) = if self.verified {
            (GOOD, out.pick("signature verified", "签名已验证"))
        } else {
            (WARN, out.pick("NOT VERIFIED", "未验证"))
        };
        let name = messages::document(self.doc, out.lang());
        out.line(format!("{BOLD}{name}{BOLD:#}: {style}{word}{style:#}"))?;
        match (self.doc, License::from_payload(&self.payload)) {
            (DocType::License, Ok(license)) => {
                license_text::license(&license, None, out)?;
                if let Some(binding) = &license.binding {
                    license_text::row(
                        out,
                        ("machine", "机器"),
                        messages::binding(binding, out.lang()),
                    )?;
                }
            }
            _ => out.value(&self.payload)?,
        }
        license_text::row(out, ("key", "密钥"), self.kid)
    }
}
