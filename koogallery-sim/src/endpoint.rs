//! Calls a seller's endpoint as the marketplace does: signed, over HTTP, timed.

use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use koogallery::signature::{self, AccessKey};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::http::{Method, Request};

use crate::sources::SimSources;

/// The marketplace gives up on an answer after this long.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ANSWER_LEN: u64 = 1 << 20;

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a call could not be made or was not answered.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The text names no endpoint.
    #[error("`{0}` is no http or https address")]
    InvalidUrl(String),
    /// The connection failed, or no whole answer came.
    #[error("calling {url}: {source}")]
    Call {
        /// The endpoint.
        url: String,
        /// What went wrong.
        source: Box<ureq::Error>,
    },
    /// A nonce or an id could not be made.
    #[error("no random numbers: {0}")]
    Random(#[from] io::Error),
}

impl EndpointError {
    /// The innermost reason, in a few words.
    #[must_use]
    pub fn cause(&self) -> String {
        let mut error: &dyn std::error::Error = self;
        while let Some(source) = error.source() {
            error = source;
        }
        error.to_string()
    }

    /// Whether the other side closed the connection.
    pub(crate) fn is_cut(&self) -> bool {
        let Self::Call { source, .. } = self else { return false };
        let ureq::Error::Io(error) = &**source else { return false };
        matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
    }
}

/// One request, complete: sent twice it is byte-identical.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    pub(crate) method: Method,
    /// Below the endpoint: the kit's interfaces have paths of their own.
    pub(crate) path: String,
    /// Beside the usual ones: the kit's signatures.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// `signature=…&timestamp=…&nonce=…`, or less of it.
    pub(crate) query: String,
    pub(crate) body: Vec<u8>,
}

impl SignedRequest {
    /// A signed call of the JSON interfaces.
    fn post(query: String, body: Vec<u8>) -> Self {
        Self { method: Method::POST, path: String::new(), headers: Vec::new(), query, body }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct EndpointReply {
    /// The HTTP status.
    pub status: u16,
    pub(crate) text: String,
    /// The body, where it is a JSON object.
    pub json: Option<Value>,
    pub(crate) took: Duration,
    /// The header `Body-Sign` of the V1 interfaces.
    pub(crate) body_sign: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

impl EndpointReply {
    /// A member of the answer that is a text.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&str> {
        self.json.as_ref()?.get(name)?.as_str()
    }

    /// The marketplace's six digits.
    #[must_use]
    pub fn result_code(&self) -> Option<&str> {
        self.member("resultCode")
    }

    /// The answer in a few words: the code and the text, or the status.
    #[must_use]
    pub fn summary(&self) -> String {
        match (self.result_code(), self.member("resultMsg")) {
            (Some(code), Some(text)) => format!("{code} {text}"),
            (Some(code), None) => code.to_owned(),
            (None, _) => format!("HTTP {}", self.status),
        }
    }
}

/// A seller's endpoint and the key that signs what is sent to it.
#[derive(Debug)]
pub struct Endpoint {
    url: String,
    key: AccessKey,
    agent: ureq::Agent,
    sources: SimSources,
    /// The last time that was given out.
    last_ms: AtomicI64,
}

/// The endpoint under each interface type's key; without a key there is nothing to be sent.
#[derive(Debug)]
pub struct Endpoints {
    /// Basic interfaces.
    pub basic: Endpoint,
    /// Authorization codes.
    pub license_code: Option<Endpoint>,
    /// Order notification.
    pub general: Option<Endpoint>,
    /// The joint-operation kit.
    pub kit: Option<Endpoint>,
}

impl Endpoint {
    /// The endpoint at `url`; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Where the text is no http or https address.
    pub fn new(url: &str, key: AccessKey, sources: SimSources) -> Result<Self, EndpointError> {
        let valid = url.parse::<ureq::http::Uri>().is_ok_and(|uri| {
            uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"))
        });
        if !valid {
            return Err(EndpointError::InvalidUrl(url.to_owned()));
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            // An answer that comes too late is one with a verdict of its own.
            .timeout_global(Some(ANSWER_TIMEOUT * 2))
            .build()
            .into();
        Ok(Self { url: url.to_owned(), key, agent, sources, last_ms: AtomicI64::new(0) })
    }

    pub(crate) fn key(&self) -> &AccessKey {
        &self.key
    }

    /// Its address, as it was given.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The time of a call, no two at the same millisecond: V1 has no nonce, and a call that is sent
    /// again has another time.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let now = (self.sources.now_ms)();
        let next = |last: i64| Some(now.max(last.saturating_add(1)));
        let last = self.last_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        now.max(last.unwrap_or_default().saturating_add(1))
    }

    /// Random hexadecimal characters: a nonce, a businessId, an eventId.
    ///
    /// # Errors
    ///
    /// Where the random source fails.
    pub fn fresh<const N: usize>(&self) -> Result<String, EndpointError> {
        Ok(hex::encode(self.sources.random::<N>()?))
    }

    /// `body` signed now, by the bytes that are sent.
    ///
    /// # Errors
    ///
    /// Where the random source fails.
    pub fn sign(&self, body: impl Into<Vec<u8>>) -> Result<SignedRequest, EndpointError> {
        let body = body.into();
        let query = self.query(&body, self.now_ms())?;
        Ok(SignedRequest::post(query, body))
    }

    /// `sent` with the signature of `signed`: the canonical form of the same members, say.
    pub(crate) fn sign_as(&self, sent: &str, signed: &str) -> Result<SignedRequest, EndpointError> {
        let query = self.query(signed.as_bytes(), self.now_ms())?;
        Ok(SignedRequest::post(query, sent.as_bytes().to_vec()))
    }

    /// The query that signs `body` at `timestamp`, written as the number that it is.
    pub(crate) fn query(&self, body: &[u8], timestamp: i64) -> Result<String, EndpointError> {
        let nonce = self.fresh::<32>()?.to_uppercase();
        let signature = signature::sign(&self.key, body, &nonce, timestamp);
        Ok(format!("signature={signature}&timestamp={timestamp}&nonce={nonce}"))
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    ///
    /// Where none came.
    pub fn send(&self, request: &SignedRequest) -> Result<EndpointReply, EndpointError> {
        self.try_send(request).map_err(|source| {
            let (url, source) = (self.url.clone(), Box::new(source));
            EndpointError::Call { url, source }
        })
    }

    fn try_send(&self, request: &SignedRequest) -> Result<EndpointReply, ureq::Error> {
        let joint = if self.url.contains('?') { '&' } else { '?' };
        let base = format!("{}{}", self.url.trim_end_matches('/'), request.path);
        let url =
            if request.query.is_empty() { base } else { format!("{base}{joint}{}", request.query) };
        let mut builder = Request::builder()
            .method(request.method.clone())
            .uri(url)
            .header("Accept", "application/json")
            .header("Content-Type", "application/json;charset=utf8");
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let start = Instant::now();
        let mut answer = if request.method == Method::GET {
            self.agent.run(builder.body(())?)?
        } else {
            self.agent.run(builder.body(request.body.clone())?)?
        };
        let status = answer.status().as_u16();
        let body_sign = answer.headers().get(koogallery::v1::BODY_SIGN);
        let body_sign = body_sign.and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
        let bytes = answer.body_mut().with_config().limit(MAX_ANSWER_LEN).read_to_vec()?;
        let took = start.elapsed();
        let json = serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(EndpointReply { status, text, json, took, body_sign, bytes })
    }

    /// A program's request for a license, at the same host.
    pub(crate) fn ask_as_program(&self, request: &Value) -> Result<EndpointReply, EndpointError> {
        let uri: Option<ureq::http::Uri> = self.url.parse().ok();
        let uri = uri.ok_or_else(|| EndpointError::InvalidUrl(self.url.clone()))?;
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        let scheme = uri.scheme_str().unwrap_or("http");
        let program = Self {
            url: format!("{scheme}://{host}/v1/client/licenses"),
            key: self.key.clone(),
            agent: self.agent.clone(),
            sources: self.sources,
            last_ms: AtomicI64::default(),
        };
        program.send(&SignedRequest::post(String::new(), request.to_string().into_bytes()))
    }
}

/// A text as a part of a URL.
pub(crate) fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
