//! `licctl key export`: prints the public half as a JWKS.

use std::path::PathBuf;
use std::process::ExitCode;

use license_core::trust::KeyRing;

use crate::keyfile;
use crate::output::Output;
use crate::passphrase::PassphraseArgs;

const AFTER_HELP: &str = "\
Examples:
  licctl key export --key issuing.key > trust.json
  licctl verify customer.lic --trust trust.json

The output is a JWKS (RFC 7517), as a server has it under /.well-known/jwks.json. `lic_typ` names
the documents that the key may sign.";

/// Print the public half as a JWKS: what a program is built with to trust this key.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// File of the private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

impl Args {
    pub(super) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        let file = keyfile::open(&self.key, &self.passphrase)?;
        out.value(&KeyRing::new(vec![keyfile::trusted(&file)])?.to_jwks())?;
        Ok(ExitCode::SUCCESS)
    }
}
