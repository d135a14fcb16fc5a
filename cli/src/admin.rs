//! Blocking HTTP client of licd's admin API. Its errors name the next step for the operator.

use std::path::PathBuf;
use std::time::Duration;

use license_core::host;
use license_core::{Code, Lang};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::{Method, Request, StatusCode, Uri};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::messages;
use crate::output::Output;
use crate::secret_arg;

const MAX_ANSWER_LEN: u64 = 64 << 20;
/// Rows of one page; lists are read to their end.
const PAGE_LEN: usize = 500;
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Address of the server, and the token to authenticate with.
#[derive(clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArgs {
    /// Admin address of licd (`http.admin_listen`).
    #[arg(
        long,
        env = "LICCTL_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:8471"
    )]
    server: String,
    /// Bearer token; better as a file, or in the environment [env: `LICCTL_TOKEN`].
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// File that holds the token, as `licd-data/admin-token` [env: `LICCTL_TOKEN_FILE`].
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
}

/// A connection to the admin API.
pub(crate) struct Admin {
    base: String,
    token: Zeroizing<String>,
    agent: ureq::Agent,
    lang: Lang,
}

impl ServerArgs {
    /// Whether a server was named: the address has a default, so only the token tells.
    pub(crate) fn is_given(&self) -> bool {
        let (token, file) = self.bearer();
        token.is_some() || file.is_some()
    }

    /// Token and file. Read here and not by `clap`, because either option replaces both variables.
    fn bearer(&self) -> (Option<String>, Option<PathBuf>) {
        if self.token.is_some() || self.token_file.is_some() {
            return (self.token.clone(), self.token_file.clone());
        }
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let token = variable("LICCTL_TOKEN").and_then(|token| token.into_string().ok());
        (token, variable("LICCTL_TOKEN_FILE").map(PathBuf::from))
    }

    pub(crate) fn connect(&self, out: &mut Output) -> anyhow::Result<Admin> {
        let base = self.server.trim_end_matches('/').to_owned();
        let base = if base.contains("://") { base } else { format!("http://{base}") };
        let uri = base.parse::<Uri>().ok().filter(|uri| {
            uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"))
        });
        let Some(uri) = uri else {
            let text = out.pick("is no http or https address", "不是 http 或 https 地址");
            let failure = Failure::new(Code::RequestInvalid, format!("`{}` {text}", self.server));
            let next = out.pick("for example", "例如");
            return Err(failure.advise(format!("{next} --server http://127.0.0.1:8471")).into());
        };
        let (token, file) = self.bearer();
        let Some(token) = secret_arg::given(token.as_deref(), file.as_deref())? else {
            return Err(no_token(out).into());
        };
        if uri.scheme_str() == Some("http") && !is_loopback(&uri) {
            let text = out.pick(
                "the token travels unencrypted: use https, or a tunnel to the server",
                "令牌将以明文传输:请使用 https 或到服务器的隧道",
            );
            out.warn("TOKEN_UNENCRYPTED", text)?;
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(ANSWER_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .build()
            .into();
        Ok(Admin { base, token, agent, lang: out.lang() })
    }
}

impl Admin {
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(&Method::GET, path, Vec::new())
    }

    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.ask(&Method::POST, path, serde_json::to_vec(body)?)
    }

    /// Every row of a list, page after page; `key` names what the next page starts after.
    pub(crate) fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        filters: &[(&str, Option<&str>)],
        key: impl Fn(&T) -> String,
    ) -> anyhow::Result<Vec<T>> {
        let mut rows: Vec<T> = Vec::new();
        self.each(path, filters, key, |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// As [`Admin::list`], for lists that are too long to be held.
    pub(crate) fn each<T: DeserializeOwned>(
        &self,
        path: &str,
        filters: &[(&str, Option<&str>)],
        key: impl Fn(&T) -> String,
        mut take: impl FnMut(T) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let limit = PAGE_LEN.to_string();
        let mut after: Option<String> = None;
        loop {
            let query = filters.iter().copied().chain([("after", after.as_deref())]);
            let query = query.chain([("limit", Some(limit.as_str()))]);
            let page: Vec<T> = self.get(&with_query(path, query))?;
            let last = page.len() < PAGE_LEN;
            after = page.last().map(&key).or(after);
            page.into_iter().try_for_each(&mut take)?;
            if last {
                return Ok(());
            }
        }
    }

    /// Whether the server knows something: its answer, or none where it says `NOT_FOUND`.
    pub(crate) fn find<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Option<T>> {
        found(self.get(path))
    }

    /// As [`Admin::find`], for an answer that is a document and no JSON.
    pub(crate) fn find_text(&self, path: &str) -> anyhow::Result<Option<String>> {
        let Some(bytes) = found(self.bytes(&Method::GET, path, Vec::new()))? else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes).map_err(|error| self.foreign(&error.to_string()))?;
        Ok(Some(text))
    }

    /// The typed view of an answer that was fetched as it is.
    pub(crate) fn view<T: DeserializeOwned>(&self, raw: &Value) -> anyhow::Result<T> {
        T::deserialize(raw).map_err(|error| self.foreign(&error.to_string()).into())
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<T> {
        let bytes = self.bytes(method, path, body)?;
        serde_json::from_slice(&bytes).map_err(|error| self.foreign(&error.to_string()).into())
    }

    fn bytes(&self, method: &Method, path: &str, body: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let request = Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.token.as_str()))
            .header("Accept", "application/json")
            .header("Content-Type", "application/json");
        let answer = if *method == Method::GET {
            self.agent.run(request.body(())?)
        } else {
            self.agent.run(request.body(body)?)
        };
        let mut answer = answer.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        let bytes = answer
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER_LEN)
            .read_to_vec()
            .map_err(|error| self.unreachable(&error))?;
        if !status.is_success() {
            return Err(self.refused(status, &bytes).into());
        }
        Ok(bytes)
    }

    fn pick(&self, en: &'static str, zh: &'static str) -> &'static str {
        messages::pick(self.lang, en, zh)
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let text = self.pick("no answer from", "无法连接");
        Failure::new(Code::ServerUnreachable, format!("{text} {}: {error}", self.base)).advise(
            self.pick(
                "is licd running, and is this its admin address (`admin_listen`, by default \
                 http://127.0.0.1:8471)? Set --server or LICCTL_SERVER",
                "licd 是否在运行?该地址是否为其管理地址(admin_listen,默认 \
                 http://127.0.0.1:8471)?用 --server 或 LICCTL_SERVER 指定",
            ),
        )
    }

    fn foreign(&self, cause: &str) -> Failure {
        let text = self.pick("does not answer as a licd does", "的应答不像 licd");
        let failure =
            Failure::new(Code::ServerUnreachable, format!("{} {text}: {cause}", self.base));
        failure.advise(self.pick(
            "is this the admin address (`admin_listen`), and is licctl as new as licd?",
            "该地址是否为管理地址(admin_listen)?licctl 与 licd 版本是否一致?",
        ))
    }

    /// The error that the server answered with, and the next step where the code alone decides it.
    fn refused(&self, status: StatusCode, body: &[u8]) -> Failure {
        let problem: Value = serde_json::from_slice(body).unwrap_or_default();
        let member = |name: &str| problem.get(name).and_then(Value::as_str);
        let Some(code) = member("code").and_then(|code| code.parse::<Code>().ok()) else {
            return self.foreign(&format!("HTTP {status}"));
        };
        let en = member("detail").or(member("title"));
        let text = match self.lang {
            Lang::En => en,
            Lang::Zh => member("detail_zh").or(member("title_zh")).or(en),
        };
        let text = text.map_or_else(|| code.message(self.lang).to_owned(), ToOwned::to_owned);
        // A 5xx is no decision about the request: exit code 2, not 1.
        let failure = if status.is_server_error() {
            Failure::new(code, text).advise(self.pick(
                "try again; if it goes on, look at licd's log and at its database",
                "请重试;若仍出现,请检查 licd 的日志与数据库",
            ))
        } else {
            Failure::refused(code, text)
        };
        match code {
            Code::Unauthorized => failure.advise(self.pick(
                "give a token of this server: the first one is in the file `admin-token` of its \
                 data folder (--token-file licd-data/admin-token); `licd token create` makes another",
                "请使用该服务器的令牌:首个令牌在其数据目录的 admin-token 文件中\
                 (--token-file licd-data/admin-token);licd token create 可再创建",
            )),
            Code::Forbidden => failure.advise(self.pick(
                "use a token with a higher role (viewer < operator < admin)",
                "请使用更高角色的令牌(viewer < operator < admin)",
            )),
            _ => failure,
        }
    }
}

fn found<T>(answer: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.downcast_ref::<Failure>().map(|failure| failure.code) {
            Some(Code::NotFound | Code::ProductUnknown) => Ok(None),
            _ => Err(error),
        },
    }
}

fn no_token(out: &Output) -> Failure {
    let text = out.pick("no token was given", "未提供令牌");
    let next = out.pick(
        "the first token is in the file `admin-token` of licd's data folder: \
         --token-file licd-data/admin-token, or LICCTL_TOKEN",
        "首个令牌在 licd 数据目录的 admin-token 文件中:\
         --token-file licd-data/admin-token,或 LICCTL_TOKEN",
    );
    Failure::new(Code::Unauthorized, text).advise(next)
}

fn is_loopback(uri: &Uri) -> bool {
    host::is_loopback(uri.host().unwrap_or_default())
}

/// Percent-encodes a part of a path or of a query.
pub(crate) fn escape(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A path with a query; parameters without a value are left out.
pub(crate) fn with_query<'a>(
    path: &str,
    parameters: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> String {
    let given = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let query: Vec<String> =
        given.map(|(name, value)| format!("{name}={}", escape(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_address_are_escaped() {
        assert_eq!(escape("a-b_c.d~9"), "a-b_c.d~9");
        assert_eq!(escape("a/b?c&d=é"), "a%2Fb%3Fc%26d%3D%C3%A9");
        assert_eq!(with_query("/p", [("a", None), ("b", Some("c d"))]), "/p?b=c%20d");
        assert_eq!(with_query("/p", [("a", None)]), "/p");
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (address, loopback) in [
            ("http://127.0.0.1:8471", true),
            ("http://[::1]:8471", true),
            ("http://localhost", true),
            ("http://10.0.0.1:8471", false),
            ("http://localhost.example.com", false),
        ] {
            assert_eq!(is_loopback(&address.parse().unwrap()), loopback, "{address}");
        }
    }
}
