//! `licctl key generate`: makes a private key and writes its file.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use license_core::Code;
use license_core::issue::{KeyFile, SigningKey};
use license_core::jws::DocType;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::keyfile;
use crate::output::{BOLD, Output};
use crate::passphrase::PassphraseArgs;

const AFTER_HELP: &str = "\
Examples:
  licctl key generate --out issuing.key --issuer \"FlowSim Ltd\"
  licctl key generate --out release.key --purpose release --passphrase-file secret.txt
  licctl key generate --alg rsa3072 --out kit-key.pem --passphrase-file secret.txt

The file is encrypted PKCS#8 (scrypt, AES-256) that only you can read. Keep a copy of it and of its
passphrase: a lost key cannot be made again, and programs trust no other.";

/// Make a key; an existing file is never overwritten.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// File to write the private key to.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What kind of key.
    #[arg(long, value_enum, default_value = "ed25519")]
    alg: KeyAlg,
    /// The seller's name, for `licctl issue` to write into licenses.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// What the key may sign. Releases and licenses never share a key.
    #[arg(long, value_enum, default_value = "license")]
    purpose: Purpose,
    /// Leave the private key unencrypted, for tests and for disks that are encrypted anyway.
    #[arg(long)]
    no_passphrase: bool,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(clap::ValueEnum, Clone, Copy)]
enum KeyAlg {
    /// Signs
    Ed25519,
    /// Opens what the marketplace encrypts for the seller: `koogallery.kit_key`
    Rsa3072,
}

#[derive(clap::ValueEnum, Clone, Copy)]
enum Purpose {
    /// Licenses, leases, receipts, revocation lists, clock resets: an issuing key
    License,
    /// Lists of releases, and nothing else
    Release,
    /// Trust lists, and nothing else: kept offline
    Root,
}

impl Purpose {
    fn documents(self) -> Vec<DocType> {
        match self {
            Self::License => vec![
                DocType::License,
                DocType::Lease,
                DocType::Receipt,
                DocType::Revocation,
                DocType::Clock,
            ],
            Self::Release => vec![DocType::Release],
            Self::Root => vec![DocType::Trust],
        }
    }
}

impl Args {
    pub(super) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        if self.issuer.as_deref().is_some_and(|name| !crate::input::is_one_line(name)) {
            let failure = Failure::new(Code::RequestInvalid, "--issuer is a name on one line");
            bail!(
                failure
                    .advise("give the seller's name, for example --issuer \"FlowSim Ltd\"")
                    .chinese(
                        "--issuer 必须是一行文字",
                        "请给出销售方名称，例如 --issuer \"FlowSim Ltd\""
                    )
            );
        }
        let signs = self.issuer.is_some() || !matches!(self.purpose, Purpose::License);
        if matches!(self.alg, KeyAlg::Rsa3072) && signs {
            let failure =
                Failure::new(Code::RequestInvalid, "a key of --alg rsa3072 signs nothing");
            bail!(
                failure
                    .advise("leave out --issuer and --purpose")
                    .chinese("--alg rsa3072 的密钥不用于签名", "请去掉 --issuer 和 --purpose")
            );
        }
        let passphrase = if self.no_passphrase { None } else { Some(self.passphrase.new_one()?) };
        if matches!(self.alg, KeyAlg::Rsa3072) {
            let secret = passphrase.as_ref().map(|text| text.as_str());
            return super::decryption_key::generate(&self.out, secret, environment, out);
        }
        let seed = Zeroizing::new(environment.random()?);
        let file = KeyFile {
            key: SigningKey::ed25519_from_seed(*seed),
            issuer: self.issuer,
            purposes: self.purpose.documents(),
        };
        let secret = passphrase.as_ref().map(|text| text.as_str());
        keyfile::create(&file, &self.out, secret, environment)?;

        let path = self.out.display();
        if out.is_json() {
            let mut object = super::describe(&file, secret.is_some());
            object["file"] = path.to_string().into();
            out.value(&object)?;
            return Ok(ExitCode::SUCCESS);
        }
        let made = out.pick("Made a private key", "已生成私钥");
        out.line(format!("{BOLD}{made}: {path}{BOLD:#}"))?;
        super::print(&file, secret.is_some(), out)?;
        let next = match self.purpose {
            Purpose::License => out.pick(
                "Next: build its public half into your program, and issue with it",
                "下一步：将公钥编译进您的程序，并用它签发许可证",
            ),
            Purpose::Release => out.pick(
                "Next: build its public half into your program",
                "下一步：将公钥编译进您的程序",
            ),
            Purpose::Root => out.pick(
                "Next: keep it offline, and build its public half into your program",
                "下一步：离线保存，并将公钥编译进您的程序",
            ),
        };
        out.line(format!("\n{next}\n  licctl key export --key {path} > trust.json"))?;
        if matches!(self.purpose, Purpose::License) {
            out.line("  licctl issue --help")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
