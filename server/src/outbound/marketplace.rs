//! Client of the marketplace's open APIs: signed requests over strictly verified TLS, one base
//! address after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use koogallery::Edition;
use koogallery::aksk::{Credentials, Payload, Request, authorize};
use koogallery::license_code::{self, CodeInfo, CodeInterface};
use koogallery::signature::AccessKey;
use koogallery::upload::{Content, boundary, multipart};
use koogallery::usage::{self, Record, Verdicts};
use koogallery::{Failure, order, upload};
use ureq::Agent;
use ureq::http;

use super::agent::trust;
use crate::config::Koogallery;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// Connections that are kept for the next request: as many as the workers use at once.
const MAX_IDLE_CONNECTIONS: usize = 32;
const JSON: &str = "application/json;charset=UTF-8";
/// The most that is read of an answer.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

/// The marketplace as it is configured.
pub(crate) struct Marketplace {
    agent: Agent,
    bases: Vec<Base>,
    /// The base that answered last is tried first.
    current: AtomicUsize,
    credentials: Credentials,
    /// Those of the basic interface: one of them signs usage.
    access_keys: Vec<AccessKey>,
    /// Which interfaces for authorization codes are called.
    edition: Edition,
    /// What the keys are recognised by when they have changed.
    identity: String,
}

struct Base {
    url: String,
    host: String,
}

/// A call that failed.
pub(crate) struct CallError {
    pub(crate) failure: Failure,
    /// Whether anything was sent: only then can it have arrived.
    pub(crate) sent: bool,
}

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        Self { failure, sent: true }
    }
}

impl Marketplace {
    /// `None` where the keys that sign our requests are not configured.
    pub(crate) fn new(config: &Koogallery) -> anyhow::Result<Option<Self>> {
        let (Some(ak), Some(sk)) = (&config.ak, &config.sk) else { return Ok(None) };
        let bases: Vec<Base> =
            config.base_urls.iter().map(|url| Base::new(url)).collect::<Result<_, _>>()?;
        let local = bases.iter().all(Base::is_local);
        let tls = trust(config.ca_file.as_deref(), "koogallery.ca_file")?;
        let mut agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(CALL_TIMEOUT))
            .max_idle_connections(MAX_IDLE_CONNECTIONS)
            .max_idle_connections_per_host(MAX_IDLE_CONNECTIONS)
            .user_agent(concat!("licd/", env!("CARGO_PKG_VERSION")));
        if local {
            // What is on this machine is never reached by way of a proxy.
            agent = agent.proxy(None);
        }
        let identity = format!("{}\n{}\n{}", ak.expose(), sk.expose(), config.base_urls.join("\n"));
        Ok(Some(Self {
            agent: agent.build().new_agent(),
            bases,
            current: AtomicUsize::new(0),
            credentials: Credentials::new(ak.expose(), sk.expose()),
            access_keys: config
                .access_key
                .iter()
                .filter_map(|key| AccessKey::new(key.expose()).ok())
                .collect(),
            edition: config.license_code_edition,
            identity,
        }))
    }

    /// Names the keys and addresses that are configured; a secret, which is stored as a digest.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// Asks for an order.
    pub(crate) async fn order(
        self: &Arc<Self>,
        order_id: &str,
        line_id: &str,
        now: i64,
    ) -> Result<order::Order, CallError> {
        // V1's orders came without a line.
        let target = order::query_path(order_id, Some(line_id).filter(|line| !line.is_empty()));
        self.blocking(move |this| {
            let (status, body) = this.send("GET", &target, JSON, &[], &[], now)?;
            Ok(order::read_answer(status, &body)?)
        })
        .await
    }

    /// Sends a license.
    pub(crate) async fn upload(
        self: &Arc<Self>,
        event_id: &str,
        content: Content,
        now: i64,
    ) -> Result<(), CallError> {
        let target = upload::path(event_id);
        self.blocking(move |this| {
            let (kind, bytes) = multipart(&content, &boundary(&content));
            let (status, body) = this.send("POST", &target, &kind, &[], &bytes, now)?;
            Ok(upload::read_answer(status, &body)?)
        })
        .await
    }

    /// Sends usage. In V2 each access key is tried until one is not refused: while it is
    /// being changed there are two.
    pub(crate) async fn push_usage(
        self: &Arc<Self>,
        edition: Edition,
        records: Vec<Record>,
        nonce: String,
        now_ms: i64,
    ) -> Result<Verdicts, CallError> {
        self.blocking(move |this| this.push_usage_blocking(edition, &records, &nonce, now_ms)).await
    }

    fn push_usage_blocking(
        &self,
        edition: Edition,
        records: &[Record],
        nonce: &str,
        now_ms: i64,
    ) -> Result<Verdicts, CallError> {
        let body = usage::body(edition, records);
        let signed: Vec<Vec<(&str, String)>> = match edition {
            Edition::V2 => self
                .access_keys
                .iter()
                .enumerate()
                // Another nonce for each: one that was seen is a replay.
                .map(|(i, key)| usage::headers(key, &body, &format!("{nonce}{i}"), now_ms).into())
                .collect(),
            Edition::V1 => vec![Vec::new()],
        };
        let mut last = CallError { failure: Failure::no_access_key(), sent: false };
        for headers in signed {
            let now = now_ms.div_euclid(1000);
            let (status, answer) =
                self.send("POST", usage::path(edition), JSON, &headers, &body, now)?;
            match usage::read_answer(status, &answer, records) {
                Err(failure) if usage::is_about_the_access_key(&failure) => last = failure.into(),
                judged => return Ok(judged?),
            }
        }
        Err(last)
    }

    /// Has an authorization code activated that is used since `since`.
    pub(crate) async fn activate(
        self: &Arc<Self>,
        code: &str,
        since: i64,
        now: i64,
    ) -> Result<CodeInfo, CallError> {
        let body = match self.edition {
            Edition::V1 => license_code::activate_one(code, Some(since)),
            Edition::V2 => single(license_code::activate_batches(&[code.to_owned()], Some(since))),
        };
        self.blocking(move |this| {
            let (status, body) = this.ask(CodeInterface::Activate, &body, now)?;
            Ok(license_code::read_activation(status, &body)?)
        })
        .await
    }

    /// Asks for the state of an authorization code.
    pub(crate) async fn heartbeat(
        self: &Arc<Self>,
        code: &str,
        now: i64,
    ) -> Result<CodeInfo, CallError> {
        let body = match self.edition {
            Edition::V1 => license_code::heartbeat_one(code),
            Edition::V2 => single(license_code::heartbeat_batches(&[code.to_owned()])),
        };
        self.blocking(move |this| {
            let (status, body) = this.ask(CodeInterface::Heartbeat, &body, now)?;
            Ok(license_code::read_one(status, &body)?)
        })
        .await
    }

    fn ask(
        &self,
        interface: CodeInterface,
        body: &[u8],
        now: i64,
    ) -> Result<(u16, Vec<u8>), CallError> {
        let target = license_code::path(interface, self.edition);
        self.send("POST", target, JSON, &[], body, now)
    }

    /// Runs a call on a thread that may block. A panic there may have come after the request was
    /// sent, so that it counts as a call without an answer.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        call: impl FnOnce(&Self) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, CallError> {
        let this = Arc::clone(self);
        tokio::task::spawn_blocking(move || call(&this)).await.unwrap_or_else(|panic| {
            Err(CallError { failure: Failure::unanswered(&panic.to_string()), sent: true })
        })
    }

    /// Tries one base after the other, as long as nothing was sent.
    fn send(
        &self,
        method: &str,
        target: &str,
        content_type: &str,
        more: &[(&str, String)],
        body: &[u8],
        now: i64,
    ) -> Result<(u16, Vec<u8>), CallError> {
        let first = self.current.load(Ordering::Relaxed);
        let mut last = CallError { failure: Failure::unanswered("no base address"), sent: false };
        for i in 0..self.bases.len() {
            let at = (first + i) % self.bases.len();
            let answer =
                self.send_to(&self.bases[at], method, target, content_type, more, body, now);
            match answer {
                Ok(answer) => {
                    self.current.store(at, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(error) if !error.sent => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one request, and where to")]
    fn send_to(
        &self,
        base: &Base,
        method: &str,
        target: &str,
        content_type: &str,
        more: &[(&str, String)],
        body: &[u8],
        now: i64,
    ) -> Result<(u16, Vec<u8>), CallError> {
        let signed = authorize(
            &self.credentials,
            &Request {
                method,
                target,
                host: &base.host,
                headers: &[("content-type", content_type)],
                payload: Payload::Bytes(body),
            },
            now,
        );
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{target}", base.url))
            .header("Content-Type", content_type)
            .header("Accept", "application/json");
        for (name, value) in signed.iter().map(|(name, value)| (*name, value)) {
            request = request.header(name, value);
        }
        for (name, value) in more {
            request = request.header(*name, value);
        }
        let call_error = |error: &ureq::Error| CallError {
            failure: Failure::unanswered(&error.to_string()),
            sent: !never_sent(error),
        };
        let answer = if method == "GET" {
            let request = request.body(()).map_err(|error| call_error(&error.into()))?;
            self.agent.run(request)
        } else {
            let request = request.body(body).map_err(|error| call_error(&error.into()))?;
            self.agent.run(request)
        };
        let mut answer = answer.map_err(|error| call_error(&error))?;
        let status = answer.status().as_u16();
        let read = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
        // It was answered, only not to the end.
        let body = read.map_err(|error| CallError { sent: true, ..call_error(&error) })?;
        Ok((status, body))
    }
}

/// The only batch that one code makes.
fn single(bodies: Vec<Vec<u8>>) -> Vec<u8> {
    bodies.into_iter().next().unwrap_or_default()
}

/// Whether the attempt failed before a connection stood.
fn never_sent(error: &ureq::Error) -> bool {
    use std::io::ErrorKind::ConnectionRefused;
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::BadUri(_)
        | ureq::Error::Http(_)
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => true,
        ureq::Error::Io(error) => {
            error.kind() == ConnectionRefused
                // A certificate that is not trusted comes wrapped.
                || error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
        }
        _ => false,
    }
}

impl Base {
    fn new(url: &str) -> anyhow::Result<Self> {
        let uri: http::Uri =
            url.parse().with_context(|| format!("koogallery.base_url: {url} is no address"))?;
        let host = uri
            .authority()
            .with_context(|| format!("koogallery.base_url: {url} names no host"))?
            .to_string();
        Ok(Self { url: url.trim_end_matches('/').to_owned(), host })
    }

    fn is_local(&self) -> bool {
        ["127.", "localhost", "[::1]"].iter().any(|local| self.host.starts_with(local))
    }
}
