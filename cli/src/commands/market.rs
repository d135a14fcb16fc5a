//! `licctl market`.

mod buy;
mod debug;
mod serve;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use koogallery::signature::AccessKey;
use license_core::Code;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Output;
use crate::secret_arg;

/// Play the marketplace: its open interfaces, its console's debugging, a buyer.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    // Has by far the most options.
    Serve(Box<serve::Args>),
    Debug(debug::Args),
    Buy(buy::Args),
}

impl Args {
    pub(crate) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Serve(args) => args.run(environment, out),
            Command::Debug(args) => args.run(environment, out),
            Command::Buy(args) => args.run(environment, out),
        }
    }
}

/// What to look at where a seller knows none of the signatures.
fn doubt_key(out: &mut Output) -> anyhow::Result<()> {
    let text = out.pick(
        "000001 to a call that is signed: is this the key that the seller has for the basic \
         interfaces (licd: `koogallery.access_key`)?",
        "已签名的调用得到 000001:此密钥是否为卖家的基础接口密钥(licd:koogallery.access_key)?",
    );
    out.note(text)?;
    Ok(())
}

/// An access key from a file.
fn key_of(file: &Path) -> anyhow::Result<AccessKey> {
    let text = secret_arg::given(None, Some(file))?.unwrap_or_default();
    AccessKey::new(text.as_str()).map_err(|error| {
        Failure::new(Code::RequestInvalid, format!("{}: {error}", file.display())).into()
    })
}

/// The key that signs what the marketplace sends to a seller.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct SigningKey {
    /// Access key of the basic interfaces (基础接口), as licd's `koogallery.access_key`.
    #[arg(long, value_name = "KEY", env = "LICCTL_ACCESS_KEY", hide_env_values = true)]
    access_key: Option<String>,
    /// File that holds the access key.
    #[arg(long, alias = "key-file", value_name = "FILE")]
    access_key_file: Option<PathBuf>,
}

impl SigningKey {
    fn read(&self, out: &Output) -> anyhow::Result<AccessKey> {
        let text = secret_arg::given(self.access_key.as_deref(), self.access_key_file.as_deref())?
            .unwrap_or_default();
        AccessKey::new(text.as_str()).map_err(|error| {
            let next = out.pick(
                "the console shows it under 应用工具 > 密钥管理; licd knows it as `koogallery.access_key`",
                "见卖家中心「应用工具 > 密钥管理」;licd 中为 koogallery.access_key",
            );
            Failure::new(Code::RequestInvalid, error.to_string()).advise(next).into()
        })
    }
}
