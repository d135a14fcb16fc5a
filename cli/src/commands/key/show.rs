//! `licctl key show`: prints what a key file holds, without the private key.

use std::path::PathBuf;
use std::process::ExitCode;

use license_core::decryption_key::DecryptionKey;

use crate::output::Output;
use crate::passphrase::PassphraseArgs;
use crate::{input, keyfile};

/// Say what a key file holds; the private key itself is never printed.
#[derive(clap::Args)]
pub(super) struct Args {
    /// File of the private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

impl Args {
    pub(super) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        let bytes = zeroize::Zeroizing::new(input::file(&self.key)?);
        if let Ok(text) = std::str::from_utf8(&bytes)
            && DecryptionKey::is_in(text)
        {
            return super::decryption_key::show(&self.key, text, &self.passphrase, out);
        }
        let file = keyfile::open(&self.key, &self.passphrase)?;
        let encrypted = String::from_utf8_lossy(&bytes).contains("BEGIN ENCRYPTED PRIVATE KEY");
        if out.is_json() {
            out.value(&super::describe(&file, encrypted))?;
        } else {
            super::print(&file, encrypted, out)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
