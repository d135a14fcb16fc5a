//! HTTP as a stranger speaks it: every status is an answer, and raw bytes where a client library
//! would refuse to be rude.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Header names in lower case, and their values.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// When it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .proxy(None)
        .max_redirects(0)
        .build()
        .into()
}

fn reply(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Reply, String> {
    let mut answer = sent.map_err(|error| error.to_string())?;
    let headers = answer
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let body = answer.body_mut().read_to_vec().map_err(|error| error.to_string())?;
    Ok(Reply { status: answer.status().as_u16(), headers, body })
}

/// `GET`, with a bearer token where given.
///
/// # Errors
///
/// What the client says when no answer comes.
pub fn try_get(url: &str, token: Option<&str>) -> Result<Reply, String> {
    let mut request = agent().get(url);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    reply(request.call())
}

/// `GET` where an answer must come.
///
/// # Panics
///
/// When none does.
#[must_use]
pub fn get(url: &str, token: Option<&str>) -> Reply {
    try_get(url, token).unwrap_or_else(|error| panic!("GET {url}: {error}"))
}

/// `POST` of these bytes.
///
/// # Errors
///
/// What the client says when no answer comes: the server went away, say.
pub fn try_post(url: &str, kind: &str, token: Option<&str>, body: &[u8]) -> Result<Reply, String> {
    let mut request = agent().post(url).header("content-type", kind);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    reply(request.send(body))
}

/// `POST` of these bytes with these headers.
///
/// # Panics
///
/// When no answer comes.
#[must_use]
pub fn post_with(url: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut request = agent().post(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    reply(request.send(body)).unwrap_or_else(|error| panic!("POST {url}: {error}"))
}

/// `POST` of a JSON value.
///
/// # Panics
///
/// When no answer comes.
#[must_use]
pub fn post(url: &str, token: Option<&str>, value: &Value) -> Reply {
    try_post(url, "application/json", token, value.to_string().as_bytes())
        .unwrap_or_else(|error| panic!("POST {url}: {error}"))
}

/// Writes these bytes to the host of `url` and reads until it closes the connection.
///
/// # Panics
///
/// When nobody listens.
#[must_use]
pub fn raw(url: &str, request: &[u8], half_close: bool) -> String {
    let host = url.trim_start_matches("http://").split('/').next().unwrap();
    let mut stream = TcpStream::connect(host).expect("somebody listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may answer and close before it has read all of it: that is one of the cases.
    let _ = stream.write_all(request);
    if half_close {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
