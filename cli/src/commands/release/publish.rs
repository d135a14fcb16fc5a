//! `licctl release publish`: adds a release to the list of its product.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use license_core::api::{ReleaseInput, ReleasePublish};
use license_core::jws::DocType;
use license_core::time::Timestamp;
use license_core::version::{Version, VersionRange};
use license_core::{Code, Lang};
use serde_json::{Value, json};

use super::package::Package;
use super::sign;
use crate::admin::ServerArgs;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::input;
use crate::keyfile;
use crate::output::{GOOD, Output};
use crate::passphrase::PassphraseArgs;

const EXAMPLES: &str = "\
Examples:
  licctl release publish --product flowsim --version 2.1.0 --file flowsim-2.1.0.tar.gz \\
         --url https://dl.example.com/flowsim-2.1.0.tar.gz --key release.key
  licctl release publish --product flowsim --version 2.1.1 --file flowsim-2.1.1.tar.gz \\
         --url https://dl.example.com/flowsim-2.1.1.tar.gz --force-from '<2.1.1'";

/// Make a release known to the programs of a product.
///
/// With --key the list of releases is fetched, extended and signed here, and sent up: the default
/// for production, as the key never reaches the server. Without it the server's own release key
/// signs.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The product.
    #[arg(long, value_name = "ID")]
    product: String,
    /// The release's version.
    #[arg(long, value_name = "V")]
    version: Version,
    /// Its package; size and SHA-256 are recorded.
    #[arg(long, value_name = "PKG")]
    file: PathBuf,
    /// Where programs fetch the package.
    #[arg(long, value_name = "URL")]
    url: String,
    /// Release key that signs here.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Take over a list that another key signed.
    #[arg(long, requires = "key")]
    adopt: bool,
    /// How long the list signed here says something about the present.
    #[arg(long, value_name = "N", default_value_t = 365, requires = "key")]
    valid_days: u32,
    /// Platform [default: every one].
    #[arg(long, value_name = "P", default_value = "*", hide_default_value = true)]
    platform: String,
    /// Channel.
    #[arg(long, value_name = "C", default_value = "stable")]
    channel: String,
    /// Date of the release, which maintenance windows are compared with [default: today].
    #[arg(long, value_name = "D")]
    date: Option<Timestamp>,
    /// Oblige every older version to upgrade.
    #[arg(long, conflicts_with = "force_from")]
    force: bool,
    /// Oblige the versions in this range to upgrade.
    #[arg(long, value_name = "RANGE")]
    force_from: Option<VersionRange>,
    /// What is new, in Chinese.
    #[arg(long, value_name = "FILE")]
    notes_zh: Option<PathBuf>,
    /// What is new, in English.
    #[arg(long, value_name = "FILE")]
    notes_en: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    pub(crate) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        if !(self.url.starts_with("https://") || self.url.starts_with("http://")) {
            let text = out.pick("is no http or https address", "不是 http 或 https 地址");
            let message = format!("--url {} {text}", self.url);
            return Err(Failure::new(Code::RequestInvalid, message).into());
        }
        let admin = self.server.connect(out)?;
        let open = |path: &PathBuf| keyfile::open_for(DocType::Release, path, &self.passphrase);
        let key = self.key.as_ref().map(open).transpose()?;
        let now = environment.now();
        let release = self.describe(now)?;
        let publish = match key {
            Some(key) => {
                let terms = sign::SigningTerms {
                    now,
                    valid_days: self.valid_days,
                    adopt: self.adopt,
                    carry: true,
                };
                let target = sign::ReleaseListId {
                    product: &release.product,
                    channel: &release.channel,
                    platform: &release.platform,
                };
                let lang = out.lang();
                sign::sign(&admin, &key, target, &terms, lang, |releases| {
                    sign::add(releases, &release, lang)
                })?
            }
            None => ReleasePublish::Release(Box::new(release.clone())),
        };
        let signed_here = matches!(publish, ReleasePublish::Signed { .. });
        admin.post::<Value>("/api/v1/releases", &publish)?;

        let ReleaseInput { product, version, len, sha256, .. } = &release;
        let signer = match (signed_here, out.lang()) {
            (true, Lang::En) => "signed here",
            (true, Lang::Zh) => "在本机签名",
            (false, Lang::En) => "signed by the server's release key",
            (false, Lang::Zh) => "由服务器的发布密钥签名",
        };
        let published = match out.lang() {
            Lang::En => format!("{GOOD}published{GOOD:#} {product} {version}, {signer}"),
            Lang::Zh => format!("{GOOD}已发布{GOOD:#} {product} {version},{signer}"),
        };
        let (file, bytes) = (self.file.display(), out.pick("bytes", "字节"));
        let line = format!("{published}\n  {file} ({len} {bytes}), SHA-256 {sha256}");
        out.done(json!({ "release": release, "signed_here": signed_here }), line)
    }

    fn describe(&self, now: Timestamp) -> anyhow::Result<ReleaseInput> {
        let package = Package::measure(&self.file)?;
        let obliges = match (&self.force_from, self.force) {
            (Some(range), _) => Some(range.clone()),
            // Only older versions are ever obliged, so every version is the right range.
            (None, true) => Some("*".parse()?),
            (None, false) => None,
        };
        let date = match self.date {
            Some(date) => date,
            None => now.date().parse()?,
        };
        Ok(ReleaseInput {
            product: self.product.clone(),
            channel: self.channel.clone(),
            platform: self.platform.clone(),
            version: self.version.clone(),
            date,
            url: self.url.clone(),
            len: package.len,
            sha256: package.sha256,
            obliges,
            due: None,
            notes_zh: notes(self.notes_zh.as_deref())?,
            notes_en: notes(self.notes_en.as_deref())?,
        })
    }
}

fn notes(file: Option<&Path>) -> anyhow::Result<String> {
    let Some(file) = file else { return Ok(String::new()) };
    let text = input::text_argument(&format!("@{}", file.display()))?;
    Ok(text.trim().to_owned())
}
