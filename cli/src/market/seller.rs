//! Calls a seller's endpoint as the marketplace does: signed, over HTTP, timed.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use koogallery::signature::{self, AccessKey};
use license_core::Code;
use serde_json::Value;
use ureq::http::{Method, Request};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Output;

/// The marketplace gives up on an answer after this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
const ANSWER_LIMIT: u64 = 1 << 20;

/// One request, complete: sent twice it is byte-identical.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) method: Method,
    /// Below the endpoint: the kit's interfaces have paths of their own.
    pub(crate) path: String,
    /// Beside the usual ones: the kit's signatures.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// `signature=…&timestamp=…&nonce=…`, or less of it.
    pub(crate) query: String,
    pub(crate) body: Vec<u8>,
}

impl Shot {
    /// A signed call of the JSON interfaces.
    fn post(query: String, body: Vec<u8>) -> Self {
        Self { method: Method::POST, path: String::new(), headers: Vec::new(), query, body }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) json: Option<Value>,
    pub(crate) took: Duration,
    /// The header `Body-Sign` of the V1 interfaces.
    pub(crate) body_sign: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    /// A member of the answer that is a text.
    pub(crate) fn member(&self, name: &str) -> Option<&str> {
        self.json.as_ref()?.get(name)?.as_str()
    }

    pub(crate) fn result_code(&self) -> Option<&str> {
        self.member("resultCode")
    }

    /// The answer in a few words: the code and the text, or the status.
    pub(crate) fn summary(&self) -> String {
        match (self.result_code(), self.member("resultMsg")) {
            (Some(code), Some(text)) => format!("{code} {text}"),
            (Some(code), None) => code.to_owned(),
            (None, _) => format!("HTTP {}", self.status),
        }
    }
}

/// A seller's endpoint and the key that signs what is sent to it.
pub(crate) struct Seller {
    url: String,
    key: AccessKey,
    agent: ureq::Agent,
    environment: Environment,
    /// The last time that was given out.
    last_ms: AtomicI64,
}

/// The endpoint under each interface type's key; without a key there is nothing to be sent.
pub(crate) struct Sellers {
    pub(crate) basic: Seller,
    pub(crate) license_code: Option<Seller>,
    pub(crate) general: Option<Seller>,
    pub(crate) kit: Option<Seller>,
}

impl Seller {
    pub(crate) fn new(
        url: &str,
        key: AccessKey,
        environment: &Environment,
        out: &Output,
    ) -> anyhow::Result<Self> {
        let valid = url.parse::<ureq::http::Uri>().is_ok_and(|uri| {
            uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"))
        });
        if !valid {
            let message = out.pick("is no http or https address", "不是 http 或 https 地址");
            let next = out.pick(
                "give the endpoint as in the console, for example http://127.0.0.1:8470/koogallery",
                "请填写控制台中的生产接口地址,例如 http://127.0.0.1:8470/koogallery",
            );
            let message = format!("`{url}` {message}");
            return Err(Failure::new(Code::RequestInvalid, message).advise(next).into());
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(PATIENCE * 2))
            .build()
            .into();
        Ok(Self {
            url: url.to_owned(),
            key,
            agent,
            environment: *environment,
            last_ms: AtomicI64::new(0),
        })
    }

    pub(crate) fn key(&self) -> &AccessKey {
        &self.key
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The time of a call, no two at the same millisecond: the first edition has no nonce, and a
    /// call that is sent again has another time.
    pub(crate) fn now_ms(&self) -> i64 {
        let now = (self.environment.now_ms)();
        let next = |last: i64| Some(now.max(last.saturating_add(1)));
        let last = self.last_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        now.max(last.unwrap_or_default().saturating_add(1))
    }

    /// Random hexadecimal characters: a nonce, a businessId, an eventId.
    pub(crate) fn fresh<const N: usize>(&self) -> anyhow::Result<String> {
        Ok(hex::encode(self.environment.random::<N>()?))
    }

    /// `body` signed now, by the bytes that are sent.
    pub(crate) fn sign(&self, body: impl Into<Vec<u8>>) -> anyhow::Result<Shot> {
        let body = body.into();
        let query = self.query(&body, self.now_ms())?;
        Ok(Shot::post(query, body))
    }

    /// `sent` with the signature of `signed`: the canonical form of the same members, say.
    pub(crate) fn sign_as(&self, sent: &str, signed: &str) -> anyhow::Result<Shot> {
        let query = self.query(signed.as_bytes(), self.now_ms())?;
        Ok(Shot::post(query, sent.as_bytes().to_vec()))
    }

    /// The query that signs `body` at `timestamp`, written as the number that it is.
    pub(crate) fn query(&self, body: &[u8], timestamp: i64) -> anyhow::Result<String> {
        let nonce = self.fresh::<32>()?.to_uppercase();
        let signature = signature::sign(&self.key, body, &nonce, timestamp);
        Ok(query(&signature, timestamp, &nonce))
    }

    pub(crate) fn send(&self, shot: &Shot) -> anyhow::Result<Reply> {
        let joint = if self.url.contains('?') { '&' } else { '?' };
        let base = format!("{}{}", self.url.trim_end_matches('/'), shot.path);
        let url = if shot.query.is_empty() { base } else { format!("{base}{joint}{}", shot.query) };
        let mut request = Request::builder()
            .method(shot.method.clone())
            .uri(url)
            .header("Accept", "application/json")
            .header("Content-Type", "application/json;charset=utf8");
        for (name, value) in &shot.headers {
            request = request.header(*name, value);
        }
        let start = Instant::now();
        let answer = if shot.method == Method::GET {
            self.agent.run(request.body(())?)
        } else {
            self.agent.run(request.body(shot.body.clone())?)
        };
        let mut answer = answer.with_context(|| format!("calling {}", self.url))?;
        let status = answer.status().as_u16();
        let body_sign = answer.headers().get(koogallery::v1::BODY_SIGN);
        let body_sign = body_sign.and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
        let bytes = answer.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec()?;
        let took = start.elapsed();
        let json = serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Reply { status, text, json, took, body_sign, bytes })
    }

    /// A program's request for a license, at the same host.
    pub(crate) fn ask_as_program(&self, request: &Value) -> anyhow::Result<Reply> {
        let uri: ureq::http::Uri = self.url.parse()?;
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        let scheme = uri.scheme_str().unwrap_or("http");
        let program = Self {
            url: format!("{scheme}://{host}/v1/client/licenses"),
            key: self.key.clone(),
            agent: self.agent.clone(),
            environment: self.environment,
            last_ms: AtomicI64::default(),
        };
        program.send(&Shot::post(String::new(), request.to_string().into_bytes()))
    }

    /// As [`Seller::send`], with an unreachable seller as an error that says what to look at.
    pub(crate) fn call(&self, shot: &Shot, out: &Output) -> anyhow::Result<Reply> {
        self.send(shot).map_err(|error| unreachable(&self.url, &error, out))
    }
}

fn query(signature: &str, timestamp: i64, nonce: &str) -> String {
    format!("signature={signature}&timestamp={timestamp}&nonce={nonce}")
}

fn unreachable(url: &str, error: &anyhow::Error, out: &Output) -> anyhow::Error {
    let cause = error.root_cause();
    let message = match out.lang() {
        license_core::Lang::En => format!("no answer from {url}: {cause}"),
        license_core::Lang::Zh => format!("{url} 没有应答:{cause}"),
    };
    let next = out.pick(
        "is licd running, and is this its `listen` address with the path /koogallery?",
        "licd 是否在运行?该地址是否为其 listen 地址加 /koogallery?",
    );
    Failure::new(Code::ServerUnreachable, message).advise(next).into()
}
