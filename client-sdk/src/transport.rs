//! HTTP client of the license server: HTTPS within short limits, one try, every answer bounded. The
//! caller verifies what comes back.

use std::{io::Read, sync::Arc, time::Duration};

use license_core::{
    Code,
    api::{LicenseAnswer, LicenseRequest, Problem, UsageAnswer},
    host::is_loopback,
};
use ureq::{
    Agent, Proxy,
    config::ConfigBuilder,
    http::Uri,
    tls::{Certificate, RootCerts, TlsConfig},
    typestate::AgentScope,
};

use crate::error::SdkError;

/// The limit for a server that does not accept the connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The limit of a whole request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A package comes in pieces; this long without one and the transfer has failed.
const STALLED: Duration = Duration::from_secs(20);

/// A license of 16 KiB with its armour and receipt, with room to spare.
const ANSWER_LIMIT: u64 = 256 * 1024;

/// A revocation list of 4 MiB in base64, with its header.
const LIST_LIMIT: u64 = 6 * 1024 * 1024;

/// Checks the address of a server and cuts its last slash.
///
/// # Errors
/// One sentence: encrypted connections only, except to this machine itself.
pub(crate) fn base_url(text: &str) -> Result<String, String> {
    let trimmed = text.trim().trim_end_matches('/');
    let uri: Uri = trimmed.parse().map_err(|_| format!("`{text}` is no address"))?;
    let host = uri.host().filter(|host| !host.is_empty());
    match (uri.scheme_str(), host) {
        (Some("https"), Some(_)) => Ok(trimmed.to_owned()),
        (Some("http"), Some(host)) if is_loopback(host) => Ok(trimmed.to_owned()),
        (Some("http"), Some(_)) => {
            Err(format!("`{text}`: use https; plain http only to a loopback address"))
        }
        _ => Err(format!("`{text}` is no address: write https://license.example.com")),
    }
}

/// One server.
#[derive(Clone)]
pub(crate) struct Transport {
    agent: Agent,
    base: String,
}

impl Transport {
    /// `base` is what [`base_url`] gave.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] for a proxy that is none.
    pub(crate) fn new(base: &str, proxy: &str) -> Result<Self, SdkError> {
        let builder = configured(base, proxy)?
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(REQUEST_TIMEOUT))
            // A server that moves tells its customers; it does not send their codes elsewhere.
            .max_redirects(0)
            .max_redirects_will_error(false);
        Ok(Self { agent: builder.build().new_agent(), base: base.to_owned() })
    }

    /// `POST /v1/client/licenses`.
    ///
    /// # Errors
    /// The server's refusal by its code; [`Code::ServerUnreachable`].
    pub(crate) fn license(&self, request: &LicenseRequest) -> Result<LicenseAnswer, SdkError> {
        let body = serde_json::to_vec(request)
            .map_err(|error| SdkError::with(Code::RequestInvalid, error))?;
        let answer = self
            .agent
            .post(format!("{}/v1/client/licenses", self.base))
            .header("content-type", "application/json")
            .header("accept", "application/json, application/problem+json")
            .send(&body[..]);
        let body = body_of(answer, ANSWER_LIMIT)?;
        serde_json::from_slice(&body).map_err(|_| {
            SdkError::with(Code::ServiceUnavailable, "the answer is no license answer")
        })
    }

    /// `POST /v1/client/usage`, with a body that its receipt is about.
    ///
    /// # Errors
    /// As [`Transport::license`].
    pub(crate) fn usage(&self, body: &str) -> Result<UsageAnswer, SdkError> {
        let answer = self
            .agent
            .post(format!("{}/v1/client/usage", self.base))
            .header("content-type", "application/json")
            .header("accept", "application/json, application/problem+json")
            .send(body.as_bytes());
        let body = body_of(answer, ANSWER_LIMIT)?;
        serde_json::from_slice(&body)
            .map_err(|_| SdkError::with(Code::ServiceUnavailable, "the answer is no usage answer"))
    }

    /// `GET /v1/client/releases`.
    ///
    /// # Errors
    /// As [`Transport::license`].
    pub(crate) fn releases(
        &self,
        product: &str,
        platform: &str,
        channel: &str,
    ) -> Result<String, SdkError> {
        let query = [("product", product), ("platform", platform), ("channel", channel)];
        self.signed("/v1/client/releases", &query)
    }

    /// `GET /v1/client/revocations`.
    ///
    /// # Errors
    /// As [`Transport::license`].
    pub(crate) fn revocations(&self) -> Result<String, SdkError> {
        self.signed("/v1/client/revocations", &[])
    }

    /// `GET /v1/client/trust`.
    ///
    /// # Errors
    /// As [`Transport::license`]; [`Code::NotFound`] while the server has no trust list.
    pub(crate) fn trust(&self) -> Result<String, SdkError> {
        self.signed("/v1/client/trust", &[])
    }

    fn signed(&self, path: &str, query: &[(&str, &str)]) -> Result<String, SdkError> {
        let answer = self
            .agent
            .get(format!("{}{path}", self.base))
            .query_pairs(query.iter().copied())
            .header("accept", "application/jose, application/problem+json")
            .call();
        String::from_utf8(body_of(answer, LIST_LIMIT)?)
            .map(|text| text.trim().to_owned())
            .map_err(|_| SdkError::with(Code::ServiceUnavailable, "the answer is no text"))
    }
}

/// Opens a package for reading, `len` bytes at the most.
///
/// # Errors
/// [`Code::ConfigInvalid`] for an address that is not allowed; [`Code::ServerUnreachable`].
pub(crate) fn package(url: &str, len: u64, proxy: &str) -> Result<impl Read + use<>, SdkError> {
    let url = base_url(url).map_err(|error| SdkError::with(Code::PackageDamaged, error))?;
    let agent = configured(&url, proxy)?
        .timeout_connect(Some(REQUEST_TIMEOUT))
        .timeout_resolve(Some(REQUEST_TIMEOUT))
        .timeout_recv_response(Some(STALLED))
        .timeout_per_read(Some(STALLED))
        .max_redirects(5)
        .build()
        .new_agent();
    let answer = agent.get(&url).call().map_err(|error| unreachable(&error))?;
    if answer.status() != 200 {
        return Err(SdkError::with(Code::ServerUnreachable, answer.status()));
    }
    // One byte more shows that the package is not the published one.
    Ok(answer.into_body().into_with_config().limit(len.saturating_add(1)).reader())
}

fn configured(url: &str, proxy: &str) -> Result<ConfigBuilder<AgentScope>, SdkError> {
    let local =
        url.parse::<Uri>().ok().and_then(|uri| uri.host().map(is_loopback)).unwrap_or(false);
    let proxy = match proxy {
        _ if local => None,
        "" => Proxy::try_from_env(),
        "direct" => None,
        named => Some(Proxy::new(named).map_err(|_| {
            // Its text may hold a password.
            SdkError::with(Code::ConfigInvalid, "`proxy`: write http://host:port")
        })?),
    };
    let builder = Agent::config_builder()
        .https_only(!local)
        .http_status_as_error(false)
        .user_agent(concat!("licsdk/", env!("CARGO_PKG_VERSION")))
        .proxy(proxy);
    // Reading every certificate of the system takes a moment that plain http need not wait for.
    Ok(if url.starts_with("https:") { builder.tls_config(tls()) } else { builder })
}

/// The system's certificates beside the well-known ones: companies inspect their traffic with
/// certificates that only the system knows, and bare systems have none at all.
fn tls() -> TlsConfig {
    let system = rustls_native_certs::load_native_certs().certs;
    let known = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
    let all = system.iter().chain(known).map(|der| Certificate::from_der(der).to_owned());
    TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(all.collect())))
        // Named, so that a host program with another provider in its process changes nothing.
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build()
}

fn unreachable(error: &ureq::Error) -> SdkError {
    SdkError::with(Code::ServerUnreachable, error)
}

/// The body of a good answer, or what the server's problem says.
fn body_of(
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    limit: u64,
) -> Result<Vec<u8>, SdkError> {
    let mut answer = answer.map_err(|error| unreachable(&error))?;
    let status = answer.status();
    let body = answer
        .body_mut()
        .with_config()
        .limit(limit)
        .read_to_vec()
        .map_err(|error| unreachable(&error))?;
    if status.is_success() { Ok(body) } else { Err(problem(status.as_u16(), &body)) }
}

/// What a server, or something on the way to it, says instead of an answer.
fn problem(status: u16, body: &[u8]) -> SdkError {
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        let code = match status {
            404 => Code::NotFound,
            407 => Code::ServerUnreachable,
            429 => Code::RateLimited,
            _ => Code::ServiceUnavailable,
        };
        return SdkError::with(code, format_args!("HTTP {status}"));
    };
    let either = |detail: &str, title: &str| {
        if detail.is_empty() { title.to_owned() } else { detail.to_owned() }
    };
    SdkError::new(
        // A refusal is never good news, whatever it calls itself.
        if problem.code == Code::Ok { Code::ServiceUnavailable } else { problem.code },
        either(&problem.detail, &problem.title),
        either(&problem.detail_zh, &problem.title_zh),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_without_encryption() {
        for (text, expected) in [
            ("https://license.example.com/", Some("https://license.example.com")),
            ("https://license.example.com:8470/lic/", Some("https://license.example.com:8470/lic")),
            ("http://127.0.0.1:8470", Some("http://127.0.0.1:8470")),
            ("http://localhost:1", Some("http://localhost:1")),
            ("http://[::1]:8470", Some("http://[::1]:8470")),
            ("http://license.example.com", None),
            ("http://127.0.0.1.example.com", None),
            ("http://localhost.example.com", None),
            ("ftp://127.0.0.1", None),
            ("license.example.com", None),
            ("https://", None),
            ("", None),
        ] {
            assert_eq!(base_url(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_refusal_keeps_its_code_and_both_languages() {
        let body = br#"{"type":"about:blank","title":"t","status":409,"detail":"2 of 2 in use",
            "detail_zh":"\u5df2\u7528\u5b8c","code":"MACHINES_EXHAUSTED"}"#;
        let failure = problem(409, body);
        assert_eq!(failure.code, Code::MachinesExhausted);
        assert_eq!(failure.to_json()["message"], "2 of 2 in use");
        assert_eq!(failure.to_json()["message_zh"], "已用完");
    }

    #[test]
    fn what_is_no_problem_document_is_read_by_its_status() {
        for (status, body, code) in [
            (404, &b"<html>"[..], Code::NotFound),
            (429, b"", Code::RateLimited),
            (502, b"{}", Code::ServiceUnavailable),
            (302, b"", Code::ServiceUnavailable),
            (407, b"", Code::ServerUnreachable),
            (500, br#"{"title":"t","status":500,"code":"OK"}"#, Code::ServiceUnavailable),
            (500, br#"{"title":"t","status":500,"code":"WHO_KNOWS"}"#, Code::ServiceUnavailable),
        ] {
            assert_eq!(problem(status, body).code, code, "{status}");
        }
    }

    #[test]
    fn a_proxy_that_is_none_is_refused_without_its_text() {
        let failure = Transport::new("https://license.example.com", "http://user:secret@")
            .err()
            .or_else(|| Transport::new("https://license.example.com", "no proxy at all").err())
            .expect("one of both is no proxy");
        assert_eq!(failure.code, Code::ConfigInvalid);
        assert!(!failure.to_string().contains("secret"));
        assert!(
            Transport::new("https://license.example.com", "http://proxy.example.com:3128").is_ok()
        );
    }

    #[test]
    fn encryption_needs_a_certificate_that_somebody_vouches_for() {
        let known = tls();
        let RootCerts::Specific(roots) = known.root_certs() else { panic!("chosen roots") };
        assert!(roots.len() >= webpki_root_certs::TLS_SERVER_ROOT_CERTS.len());
        // A server that speaks no TLS at all is no server.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = std::io::Write::write_all(&mut &stream, b"HTTP/1.1 200 OK\r\n\r\n");
            }
        });
        let transport = Transport::new(&format!("https://127.0.0.1:{port}"), "").unwrap();
        assert_eq!(transport.trust().unwrap_err().code, Code::ServerUnreachable);
    }

    #[test]
    fn a_redirect_is_not_followed_with_the_customers_code() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer);
                let _ = std::io::Write::write_all(
                    &mut stream,
                    b"HTTP/1.1 307 X\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                );
            }
        });
        let transport = Transport::new(&format!("http://127.0.0.1:{port}"), "").unwrap();
        let request = LicenseRequest {
            product: "flowsim".to_owned(),
            activation_code: "CODE".to_owned(),
            dev_info: String::new(),
            form: license_core::product::LicenseForm::String,
            version: None,
            nonce: "n".to_owned(),
        };
        assert_eq!(transport.license(&request).unwrap_err().code, Code::ServiceUnavailable);
    }

    #[test]
    fn nobody_there_is_told_quickly() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let transport = Transport::new(&format!("http://127.0.0.1:{port}"), "").unwrap();
        assert_eq!(transport.revocations().unwrap_err().code, Code::ServerUnreachable);
    }
}
