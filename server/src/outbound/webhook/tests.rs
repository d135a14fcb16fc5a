use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use rustls::pki_types::PrivateKeyDer;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(10);
const SECRET: &str = "0123456789abcdef-webhook";

/// Computed with OpenSSL: `printf '1795132800.{"alert":"test"}' | openssl dgst -sha256 -hmac KEY`.
#[test]
fn the_signature_covers_time_and_body() {
    let sign = |at, body: &str| signature(&Secret::new(SECRET), at, body.as_bytes());
    assert_eq!(
        sign(1_795_132_800, r#"{"alert":"test"}"#),
        "v1=f596eaa780eebfab4fcfa91a1d049c1cfa25bf331885bfadfa85d8271b92bd0b"
    );
    assert_ne!(
        sign(1_795_132_801, r#"{"alert":"test"}"#),
        "v1=f596eaa780eebfab4fcfa91a1d049c1cfa25bf331885bfadfa85d8271b92bd0b"
    );
    assert_ne!(
        sign(1_795_132_800, r#"{"alert":"tess"}"#),
        "v1=f596eaa780eebfab4fcfa91a1d049c1cfa25bf331885bfadfa85d8271b92bd0b"
    );
}

/// Answers every request over TLS with the same bytes; the requests come out of the channel.
struct Receiver {
    port: u16,
    requests: mpsc::Receiver<String>,
    folder: tempfile::TempDir,
}

impl Receiver {
    fn start(answer: impl Into<Vec<u8>>) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), made.cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let tls = Arc::new(tls);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, requests) = mpsc::channel();
        let answer = answer.into();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(session) = rustls::ServerConnection::new(Arc::clone(&tls)) else { return };
                let mut stream = rustls::StreamOwned::new(session, stream);
                let mut request = Vec::new();
                let mut some = [0; 4096];
                while !is_whole(&request) {
                    match stream.read(&mut some) {
                        Ok(read) if read > 0 => request.extend(&some[..read]),
                        _ => break,
                    }
                }
                let _ = sender.send(String::from_utf8_lossy(&request).into_owned());
                let _ = stream.write_all(&answer);
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        });
        Self { port, requests, folder }
    }

    fn config(&self, allow_private: bool) -> Alerts {
        Alerts {
            webhook: Some(Secret::new(format!("https://localhost:{}/alerts?token=t", self.port))),
            webhook_secret: Some(Secret::new(SECRET)),
            allow_private,
            ca_file: Some(self.folder.path().join("ca.pem")),
            ..Alerts::default()
        }
    }

    fn send(&self, allow_private: bool) -> Result<(), String> {
        let webhook = Webhook::new(&self.config(allow_private), TIMEOUT).unwrap().unwrap();
        webhook.send(br#"{"alert":"test"}"#, 1_795_132_800)
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|length| length.parse().ok()).is_some_and(|length: usize| body.len() >= length)
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn a_message_arrives_signed() {
    let receiver = Receiver::start(OK);
    receiver.send(true).unwrap();
    let request = receiver.requests.recv().unwrap();
    assert!(request.starts_with("POST /alerts?token=t HTTP/1.1\r\n"), "{request}");
    let lower = request.to_lowercase();
    for line in [
        "licd-timestamp: 1795132800",
        "licd-signature: v1=f596eaa780eebfab4fcfa91a1d049c1cfa25bf331885bfadfa85d8271b92bd0b",
        "content-type: application/json",
    ] {
        assert!(lower.contains(line), "{line}\n{request}");
    }
    assert!(request.ends_with("\r\n\r\n{\"alert\":\"test\"}"), "{request}");
}

/// The name is a public one as far as its text goes; what it leads to decides.
#[test]
fn a_name_that_leads_inside_is_not_connected_to() {
    let receiver = Receiver::start(OK);
    let refused = receiver.send(false).unwrap_err();
    assert!(refused.contains("private"), "{refused}");
    assert!(!refused.contains("localhost") && !refused.contains("token"), "{refused}");
    assert!(receiver.requests.try_recv().is_err());

    // Spellings that only the resolver understands.
    for host in ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]"] {
        let mut config = receiver.config(false);
        config.webhook = Some(Secret::new(format!("https://{host}:{}/", receiver.port)));
        let webhook = Webhook::new(&config, TIMEOUT).unwrap().unwrap();
        assert!(webhook.send(b"{}", 0).is_err(), "{host}");
    }
    assert!(receiver.requests.try_recv().is_err());
}

#[test]
fn only_an_answer_of_the_200s_is_taken_for_success() {
    for (answer, outcome) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", Ok(())),
        ("HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n", Err("HTTP 500")),
        ("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", Err("HTTP 404")),
        // Where it points to is never asked.
        (
            "HTTP/1.1 302 X\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
            Err("HTTP 302"),
        ),
    ] {
        let receiver = Receiver::start(answer);
        assert_eq!(receiver.send(true), outcome.map_err(str::to_owned), "{answer}");
    }
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n".to_vec();
    answer.resize(2_000_000, b'x');
    let receiver = Receiver::start(answer);
    let start = Instant::now();
    receiver.send(true).unwrap();
    assert!(start.elapsed() < TIMEOUT);
}

#[test]
fn a_certificate_of_nobody_is_not_believed() {
    let receiver = Receiver::start(OK);
    let mut config = receiver.config(true);
    config.ca_file = None;
    let webhook = Webhook::new(&config, TIMEOUT).unwrap().unwrap();
    assert!(webhook.send(b"{}", 0).is_err());
    assert!(receiver.requests.try_recv().map_or(true, |request| request.is_empty()));
}

#[test]
fn a_ca_file_that_will_not_do_is_named() {
    let mut config = Receiver::start(OK).config(true);
    config.ca_file = Some(Path::new("/nonexistent").to_owned());
    let error = Webhook::new(&config, TIMEOUT).err().unwrap();
    assert!(error.to_string().contains("alerts.ca_file"), "{error}");
    config.webhook = None;
    assert!(Webhook::new(&config, TIMEOUT).unwrap().is_none());
}
