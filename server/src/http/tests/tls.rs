//! The listeners with a certificate, and files that cannot be used as one.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::client::{exchange, request};
use super::{Answer, Server};
use crate::config::{Config, Tls};

/// A certificate for `localhost` and its key, as files.
fn certificate(folder: &Path) -> (Tls, rcgen::CertifiedKey<rcgen::KeyPair>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = Tls { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
    std::fs::write(&tls.cert, made.cert.pem()).unwrap();
    std::fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();
    (tls, made)
}

#[tokio::test]
async fn tls_on_the_public_listener_plain_http_on_loopback_admin() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, made) = certificate(folder.path());
    let server = Server::start_with(|config| config.http.tls = Some(tls)).await;

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    for (version, other) in [
        (&rustls::version::TLS13, rustls::ProtocolVersion::TLSv1_3),
        (&rustls::version::TLS12, rustls::ProtocolVersion::TLSv1_2),
    ] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        let stream = TcpStream::connect(server.public).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(other));
        let answer = exchange(stream, &request("GET", "/healthz", &[], b"")).await;
        let answer = Answer::parse(&answer).unwrap();
        assert_eq!(answer.status, 200);
        assert!(answer.header("strict-transport-security").is_some());
    }

    // Plain text gets no answer where TLS is spoken.
    let stream = TcpStream::connect(server.public).await.unwrap();
    let bytes = exchange(stream, &request("GET", "/healthz", &[], b"")).await;
    assert!(!String::from_utf8_lossy(&bytes).contains("200 OK"));
    let stream = TcpStream::connect(server.admin).await.unwrap();
    let answer = exchange(stream, &request("GET", "/openapi.json", &[], b"")).await;
    assert_eq!(Answer::parse(&answer).unwrap().status, 200);
    server.stop().await;
}

#[test]
fn files_that_will_not_do_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (good, _) = certificate(folder.path());
    let other = tempfile::tempdir().unwrap();
    let (foreign, _) = certificate(other.path());
    let text = folder.path().join("text.pem");
    std::fs::write(&text, "hello").unwrap();

    for (tls, key, part) in [
        (
            Tls { cert: "/nonexistent".into(), key: good.key.clone() },
            "http.tls_cert",
            "cannot be read",
        ),
        (Tls { cert: text.clone(), key: good.key.clone() }, "http.tls_cert", "no `-----BEGIN CERT"),
        (Tls { cert: good.cert.clone(), key: text }, "http.tls_key", "no `-----BEGIN PRIVATE KEY"),
        (Tls { cert: good.cert, key: foreign.key }, "http.tls_cert", "cannot be used together"),
    ] {
        let mut config = Config::for_tests(folder.path());
        config.http.tls = Some(tls);
        let problem = crate::http::tls(&config).err().unwrap().to_string();
        assert!(problem.starts_with(key) && problem.contains(part), "{problem}");
    }
}
