//! `licctl release withdraw`: removes a release from the list of its product.

use std::path::PathBuf;
use std::process::ExitCode;

use license_core::api::ReleaseWithdraw;
use license_core::jws::DocType;
use license_core::version::Version;
use serde_json::{Value, json};

use super::sign;
use crate::admin::ServerArgs;
use crate::environment::Environment;
use crate::keyfile;
use crate::output::{GOOD, Output};
use crate::passphrase::PassphraseArgs;

const EXAMPLES: &str = "\
Examples:
  licctl release withdraw --product flowsim --version 2.1.0 --key release.key";

/// Take a release back: nobody is offered it any more, nor obliged to it.
///
/// Programs that have it keep it. With --key the list of releases is fetched, shortened and signed
/// here, and sent up, as `release publish --key` does; without it the server's own release key
/// signs. A list that was signed with --key for one platform carries what was for every platform
/// then: withdraw it there, too.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The product.
    #[arg(long, value_name = "ID")]
    product: String,
    /// The release's version.
    #[arg(long, value_name = "V")]
    version: Version,
    /// Release key that signs here.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// How long the list signed here says something about the present.
    #[arg(long, value_name = "N", default_value_t = 365, requires = "key")]
    valid_days: u32,
    /// Platform that it was published for [default: every one].
    #[arg(long, value_name = "P", default_value = "*", hide_default_value = true)]
    platform: String,
    /// Channel.
    #[arg(long, value_name = "C", default_value = "stable")]
    channel: String,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    pub(crate) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        let admin = self.server.connect(out)?;
        let release = ReleaseWithdraw {
            product: self.product,
            channel: self.channel,
            platform: self.platform,
            version: self.version,
        };
        if let Some(path) = &self.key {
            let key = keyfile::open_for(DocType::Release, path, &self.passphrase)?;
            let now = environment.now();
            let terms =
                sign::SigningTerms { now, valid_days: self.valid_days, adopt: false, carry: false };
            let target = sign::ReleaseListId {
                product: &release.product,
                channel: &release.channel,
                platform: &release.platform,
            };
            let lang = out.lang();
            let signed = sign::sign(&admin, &key, target, &terms, lang, |releases| {
                sign::remove(releases, &release.version, lang)
            })?;
            admin.post::<Value>("/api/v1/releases", &signed)?;
        } else {
            admin.post::<Value>("/api/v1/releases/withdraw", &release)?;
        }
        let word = out.pick("withdrawn", "已撤回");
        let line = format!("{GOOD}{word}{GOOD:#} {} {}", release.product, release.version);
        out.done(json!({ "release": release }), line)
    }
}
