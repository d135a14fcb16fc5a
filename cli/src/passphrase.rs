//! Reads the passphrase of a key file from a file or a terminal; it is never an argument, because
//! other processes can see those.

use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;

use anyhow::{Context, bail};
use license_core::Code;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Where the passphrase of a private key comes from.
#[derive(clap::Args, Debug)]
pub(crate) struct PassphraseArgs {
    /// File with the key's passphrase in its first line; otherwise it is asked for.
    #[arg(long, value_name = "FILE", env = "LICCTL_PASSPHRASE_FILE", hide_env_values = true)]
    #[arg(value_parser = clap::builder::OsStringValueParser::new())]
    passphrase_file: Option<OsString>,
}

impl PassphraseArgs {
    /// An empty variable in the environment is none.
    fn file(&self) -> Option<&Path> {
        self.passphrase_file.as_deref().filter(|file| !file.is_empty()).map(Path::new)
    }

    /// The passphrase of an existing key.
    pub(crate) fn existing(&self, key: &Path) -> anyhow::Result<Zeroizing<String>> {
        match self.file() {
            Some(file) => read(file),
            None => ask(&format!("Passphrase of {}: ", key.display())),
        }
    }

    /// The passphrase of a key that is being made: asked for twice.
    pub(crate) fn new_one(&self) -> anyhow::Result<Zeroizing<String>> {
        if let Some(file) = self.file() {
            return read(file);
        }
        let first = ask("Passphrase for the new key: ")?;
        if first.is_empty() {
            bail!(empty(
                "choose one, or give --no-passphrase",
                "请设置口令，或使用 --no-passphrase"
            ));
        }
        if first != ask("The same passphrase again: ")? {
            let failure = Failure::new(Code::RequestInvalid, "the two passphrases differ");
            bail!(
                failure
                    .advise("start the command again")
                    .chinese("两次输入的口令不一致", "请重新运行命令")
            );
        }
        Ok(first)
    }
}

fn read(file: &Path) -> anyhow::Result<Zeroizing<String>> {
    let text = fs::read_to_string(file)
        .map(Zeroizing::new)
        .with_context(|| format!("reading the passphrase from {}", file.display()))?;
    let line = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
    if line.is_empty() {
        let file = file.display();
        bail!(empty(
            &format!("put it into the first line of {file}"),
            &format!("请将口令写在 {file} 的第一行"),
        ));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

fn ask(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    if !io::stdin().is_terminal() {
        let failure = Failure::new(
            Code::RequestInvalid,
            "a passphrase is needed, and there is no terminal to ask for it",
        );
        bail!(
            failure
                .advise("give --passphrase-file FILE")
                .chinese("需要口令，但没有可供输入的终端", "请使用 --passphrase-file FILE")
        );
    }
    Ok(Zeroizing::new(rpassword::prompt_password(prompt)?))
}

fn empty(next: &str, next_zh: &str) -> Failure {
    let failure = Failure::new(Code::RequestInvalid, "the passphrase is empty");
    failure.advise(next).chinese("口令为空", next_zh)
}
