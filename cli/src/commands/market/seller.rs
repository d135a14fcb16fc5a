//! The seller's endpoint as the options name it, its keys, and what to look at where it is not
//! reached.

use std::path::{Path, PathBuf};

use koogallery::signature::AccessKey;
use koogallery_sim::Language;
use koogallery_sim::endpoint::{Endpoint, EndpointError};
use license_core::{Code, Lang};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Output;
use crate::secret_arg;

/// What to look at where a seller knows none of the signatures.
pub(super) fn doubt_key(out: &mut Output) -> anyhow::Result<()> {
    let text = out.pick(
        "000001 to a call that is signed: is this the key that the seller has for the basic \
         interfaces (licd: `koogallery.access_key`)?",
        "已签名的调用得到 000001:此密钥是否为卖家的基础接口密钥(licd:koogallery.access_key)?",
    );
    out.note(text)?;
    Ok(())
}

/// The language of the simulator's sentences.
pub(super) fn language(out: &Output) -> Language {
    match out.lang() {
        Lang::En => Language::En,
        Lang::Zh => Language::Zh,
    }
}

/// The seller's endpoint under this key.
pub(super) fn endpoint(
    url: &str,
    key: AccessKey,
    environment: &Environment,
    out: &Output,
) -> anyhow::Result<Endpoint> {
    Endpoint::new(url, key, environment.sources()).map_err(|error| failure(url, error, out))
}

/// What to look at where an endpoint could not be called.
pub(super) fn failure(url: &str, error: EndpointError, out: &Output) -> anyhow::Error {
    match error {
        EndpointError::InvalidUrl(url) => {
            let message = out.pick("is no http or https address", "不是 http 或 https 地址");
            let next = out.pick(
                "give the endpoint as in the console, for example http://127.0.0.1:8470/koogallery",
                "请填写控制台中的生产接口地址,例如 http://127.0.0.1:8470/koogallery",
            );
            let message = format!("`{url}` {message}");
            Failure::new(Code::RequestInvalid, message).advise(next).into()
        }
        EndpointError::Call { .. } => {
            let cause = error.cause();
            let message = match out.lang() {
                Lang::En => format!("no answer from {url}: {cause}"),
                Lang::Zh => format!("{url} 没有应答:{cause}"),
            };
            let next = out.pick(
                "is licd running, and is this its `listen` address with the path /koogallery?",
                "licd 是否在运行?该地址是否为其 listen 地址加 /koogallery?",
            );
            Failure::new(Code::ServerUnreachable, message).advise(next).into()
        }
        EndpointError::Random(_) => error.into(),
    }
}

/// An access key from a file.
pub(super) fn key_of(file: &Path) -> anyhow::Result<AccessKey> {
    let text = secret_arg::given(None, Some(file))?.unwrap_or_default();
    AccessKey::new(text.as_str()).map_err(|error| {
        Failure::new(Code::RequestInvalid, format!("{}: {error}", file.display())).into()
    })
}

/// The key that signs what the marketplace sends to a seller.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct SigningKey {
    /// Access key of the basic interfaces (基础接口), as licd's `koogallery.access_key`.
    #[arg(long, value_name = "KEY", env = "LICCTL_ACCESS_KEY", hide_env_values = true)]
    access_key: Option<String>,
    /// File that holds the access key.
    #[arg(long, alias = "key-file", value_name = "FILE")]
    access_key_file: Option<PathBuf>,
}

impl SigningKey {
    pub(super) fn read(&self, out: &Output) -> anyhow::Result<AccessKey> {
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
