//! `licctl key`: private keys are made here and never printed.

mod export;
mod generate;
mod show;

use std::process::ExitCode;

use license_core::issue::{KeyFile, Signer};
use serde_json::{Value, json};

use crate::environment::Environment;
use crate::keyfile;
use crate::output::Output;

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
    let stored = if encrypted { "encrypted with a passphrase" } else { "not encrypted" };
    out.line(format!("  kid      {}", file.key.kid()))?;
    out.line(format!("  alg      {}", file.key.public().alg().as_str()))?;
    out.line(format!("  signs    {}", documents.join(", ")))?;
    out.line(format!("  issuer   {}", file.issuer.as_deref().unwrap_or("(none)")))?;
    out.line(format!("  stored   {stored}"))?;
    Ok(())
}
