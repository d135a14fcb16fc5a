//! Opens the keys that `verify` and `show` trust: a JWKS, a trust list with its root, or those of a
//! server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use license_core::Code;
use license_core::armor::{self, Label};
use license_core::host;
use license_core::trust::KeyRing;
use license_core::{Refusal, Timestamp};
use ureq::http::Uri;

use crate::failure::Failure;
use crate::input;

/// The keys that a document is verified with.
#[derive(clap::Args, Debug)]
pub(crate) struct TrustArgs {
    /// Public keys: a JWKS file, a signed trust list (with --root), or a license server's address.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) trust: Option<String>,
    /// JWKS of the root keys that sign the trust list.
    #[arg(long, value_name = "FILE")]
    pub(crate) root: Option<PathBuf>,
}

impl TrustArgs {
    /// The keys, or `None` where no --trust was given.
    pub(crate) fn open(&self, now: Timestamp) -> anyhow::Result<Option<KeyRing>> {
        let Some(trust) = &self.trust else {
            if self.root.is_some() {
                let failure = Failure::new(Code::RequestInvalid, "--root goes with a --trust list");
                bail!(
                    failure
                        .advise("give --trust FILE with the trust list that the root signed")
                        .chinese(
                            "--root 需与 --trust 信任列表一起使用",
                            "请用 --trust FILE 指定由该根密钥签名的信任列表",
                        )
                );
            }
            return Ok(None);
        };
        if trust.starts_with("https://") || trust.starts_with("http://") {
            return fetch(trust).map(Some);
        }
        let path = Path::new(trust);
        let bytes = input::file(path).map_err(|error| {
            Failure::new(Code::NotFound, format!("{error:#}"))
                .advise(
                    "--trust takes a JWKS file (licctl key export, or /.well-known/jwks.json), a \
                     signed trust list, or a server's address that begins with https://",
                )
                .chinese(
                    format!("无法读取 {trust}"),
                    "--trust 可以是 JWKS 文件（licctl key export 或 /.well-known/jwks.json）、已签名的\
                     信任列表，或以 https:// 开头的服务器地址",
                )
        })?;
        let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let is_jwks = start.trim_ascii_start().starts_with(b"{");
        if is_jwks {
            return jwks(&bytes, trust).map(Some);
        }
        let Some(root) = &self.root else {
            let failure = Failure::new(Code::RequestInvalid, format!("{trust} is no JWKS"));
            bail!(
                failure
                    .advise(
                        "for a signed trust list give --root FILE too: the JWKS of the root keys"
                    )
                    .chinese(
                        format!("{trust} 不是 JWKS"),
                        "如为已签名的信任列表，请同时用 --root FILE 指定根密钥的 JWKS",
                    )
            );
        };
        let roots = jwks(&input::file(root)?, &root.display().to_string())?;
        Ok(Some(trust_list(&bytes, trust, &roots, now)?))
    }
}

fn jwks(bytes: &[u8], name: &str) -> anyhow::Result<KeyRing> {
    let text = String::from_utf8_lossy(bytes);
    let keys = KeyRing::from_jwks(text.trim_start_matches('\u{feff}')).map_err(|error| {
        Failure::new(Code::ConfigInvalid, format!("{name}: {error}"))
            .advise("write it again with `licctl key export --key FILE`")
            .chinese(
                format!("{name}：不是可用的 JWKS"),
                "请用 licctl key export --key FILE 重新导出",
            )
    })?;
    Ok(keys)
}

/// A trust list that its root did not sign is refused like any other document.
fn trust_list(
    bytes: &[u8],
    name: &str,
    roots: &KeyRing,
    now: Timestamp,
) -> anyhow::Result<KeyRing> {
    let refused = |refusal: &Refusal| {
        let (cause, next, cause_zh, next_zh) = match refusal.code() {
            Code::KeyUnknown => (
                "none of the root keys signed it",
                "give the --root that the list's issuer named, or ask for a list it signed",
                "不是由所给的根密钥签名",
                "请使用列表签发者指定的 --root，或索取由该根密钥签名的列表",
            ),
            Code::KeyNotAllowed => (
                "the key that signed it is no root",
                "a root's JWKS has \"lic_typ\": [\"trust+jwt\"]",
                "签名密钥不是根密钥",
                "根密钥的 JWKS 中应有 \"lic_typ\": [\"trust+jwt\"]",
            ),
            Code::SignatureInvalid => {
                ("it is not genuine", "get the list again", "不是真的", "请重新获取列表")
            }
            _ => (
                "it cannot be read",
                "get the list again, as a file",
                "无法读取",
                "请以文件形式重新获取列表",
            ),
        };
        Failure::refused(refusal.code(), format!("the trust list {name}: {cause}"))
            .advise(next)
            .chinese(format!("信任列表 {name}：{cause_zh}"), next_zh)
    };
    let blocks = armor::read(bytes).map_err(|refusal| refused(&refusal))?;
    let list = blocks.iter().find(|block| block.label == Label::TrustList).or(blocks.first());
    let document = list.map_or("", |block| block.document.as_str());
    Ok(KeyRing::from_trust_list(document, roots, now).map_err(|refusal| refused(&refusal))?)
}

impl TrustArgs {
    /// The signed revocation list of the server that is trusted, if it is one and gives one.
    pub(crate) fn revocation_list(&self) -> Option<String> {
        let server = self.trust.as_deref()?;
        if !(server.starts_with("https://") || server.starts_with("http://") && is_loopback(server))
        {
            return None;
        }
        let mut answer =
            agent().get(&format!("{}/v1/client/revocations", base(server))).call().ok()?;
        if answer.status() != 200 {
            return None;
        }
        answer.body_mut().with_config().limit(8 * 1024 * 1024).read_to_string().ok()
    }
}

fn base(server: &str) -> &str {
    server.trim_end_matches('/').trim_end_matches("/.well-known/jwks.json")
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(10)))
        .http_status_as_error(false)
        // The keys must come from the address that was given, not from one that it redirects to.
        .max_redirects(0)
        .build()
        .into()
}

fn fetch(server: &str) -> anyhow::Result<KeyRing> {
    if !server.starts_with("https://") && !is_loopback(server) {
        let message = format!("{server}: keys are fetched over https only");
        bail!(
            Failure::new(Code::RequestInvalid, message)
                .advise("use https://, or save the server's /.well-known/jwks.json as a file")
                .chinese(
                    format!("{server}：只能通过 https 获取公钥"),
                    "请使用 https://，或将服务器的 /.well-known/jwks.json 保存为文件",
                )
        );
    }
    let url = format!("{}/.well-known/jwks.json", base(server));
    let mut answer = agent().get(&url).call().map_err(|error| {
        Failure::new(Code::ServerUnreachable, format!("asking {url}: {error}"))
            .advise("check the address, or save the keys to a file and give that")
            .chinese(format!("无法访问 {url}：{error}"), "请检查地址，或将公钥保存为文件后使用")
    })?;
    if answer.status() != 200 {
        let status = answer.status();
        bail!(
            Failure::new(Code::ServerUnreachable, format!("{url} answered {status}"))
                .advise("is this the address of a license server (licd's http.listen)?")
                .chinese(
                    format!("{url} 返回 {status}"),
                    "请确认这是许可证服务器的地址（licd 的 http.listen）",
                )
        );
    }
    let body = answer
        .body_mut()
        .with_config()
        .limit(1024 * 1024)
        .read_to_vec()
        .with_context(|| format!("reading the answer of {url}"))?;
    jwks(&body, &url)
}

/// Whether an http address stays on this machine; a host that only begins like one does not.
fn is_loopback(url: &str) -> bool {
    // A user name before `@` can look like a host.
    let uri = url.parse::<Uri>().ok();
    let authority = uri.as_ref().and_then(Uri::authority).filter(|it| !it.as_str().contains('@'));
    authority.is_some_and(|authority| host::is_loopback(authority.host()))
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_is_judged_by_the_whole_host() {
        for url in
            ["http://127.0.0.1:8470", "http://localhost/x", "http://[::1]:80", "http://127.1.2.3"]
        {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://localhost@example.com",
            "http://127.0.0.1:80@example.com/",
            "http://10.0.0.1",
            "http://[::2]",
            "http://",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
