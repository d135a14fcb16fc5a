//! `licctl key`: makes private keys and prints their public halves.

mod decryption_key;
mod export;
mod generate;
mod show;

use std::process::ExitCode;

use license_core::issue::{KeyFile, Signer};
use serde_json::{Value, json};

use crate::environment::Environment;
use crate::output::Output;
use crate::{keyfile, license_text};

/// Make signing keys, and print their public halves.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Generate(generate::Args),
    Export(export::Args),
    Show(show::Args),
}

impl Args {
    pub(crate) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Generate(args) => args.run(environment, out),
            Command::Export(args) => args.run(out),
            Command::Show(args) => args.run(out),
        }
    }
}

fn describe(file: &KeyFile, encrypted: bool) -> Value {
    let documents: Vec<&str> = keyfile::purposes(file).iter().map(|doc| doc.typ()).collect();
    json!({
        "code": "OK",
        "kid": file.key.kid(),
        "alg": file.key.public().alg(),
        "lic_typ": documents,
        "issuer": file.issuer,
        "encrypted": encrypted,
    })
}

fn print(file: &KeyFile, encrypted: bool, out: &mut Output) -> anyhow::Result<()> {
    let documents: Vec<&str> = keyfile::purposes(file).iter().map(|doc| doc.purpose()).collect();
    let stored = stored(encrypted, out);
    let nobody = out.pick("(none)", "（无）");
    license_text::row(out, ("kid", "密钥 ID"), file.key.kid())?;
    license_text::row(out, ("alg", "算法"), file.key.public().alg().as_str())?;
    license_text::row(out, ("signs", "用途"), documents.join(", "))?;
    license_text::row(out, ("issuer", "销售方"), file.issuer.as_deref().unwrap_or(nobody))?;
    license_text::row(out, ("stored", "存储"), stored)
}

fn stored(encrypted: bool, out: &Output) -> &'static str {
    if encrypted {
        out.pick("encrypted with a passphrase", "已用口令加密")
    } else {
        out.pick("not encrypted", "未加密")
    }
}
