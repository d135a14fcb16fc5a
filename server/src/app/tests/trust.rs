//! Whom the server believes to be the marketplace.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::fake_marketplace::Double;
use super::fixture::{Fixture, flowsim, new_instance};
use crate::app::open;
use crate::app::products;
use crate::config::Config;

/// Speaks TLS before the marketplace, with a certificate for `name`; returns it as PEM.
async fn front(market: &Double, name: &str) -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let behind = market.address;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let mut inside = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    (address, made.cert.pem())
}

/// Restarts with the marketplace behind TLS.
async fn behind_tls(fixture: Fixture, name: &str, trusted: bool) -> Fixture {
    let (address, pem) = front(&fixture.market, name).await;
    let ca = fixture.folder().join("ca.pem");
    std::fs::write(&ca, pem).unwrap();
    let change = move |config: &mut Config| {
        config.koogallery.base_urls = vec![format!("https://localhost:{}", address.port())];
        config.koogallery.ca_file = trusted.then_some(ca);
    };
    fixture.crash_with(change).await.started()
}

async fn offered() -> (Fixture, String) {
    let fixture = Fixture::bare().await;
    products::apply(&fixture.app, flowsim()).await.unwrap();
    fixture.offer("CS1", 1, |_| ());
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    (fixture, instance)
}

#[tokio::test]
async fn a_certificate_of_the_named_authority_is_believed() {
    let (fixture, instance) = offered().await;
    let fixture = behind_tls(fixture, "localhost", true).await;
    fixture.until(|detail| detail.instance.machines.limit == Some(1), &instance).await;
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_gets_nothing() {
    let (fixture, instance) = offered().await;
    let fixture = behind_tls(fixture, "localhost", false).await;
    fixture.until(|detail| detail.instance.order_error.is_some(), &instance).await;
    assert_eq!(fixture.market.state().requests, 0);
    let error = fixture.detail(&instance).await.instance.order_error.unwrap();
    assert!(error.contains("NO_ANSWER"), "{error}");
}

#[tokio::test]
async fn a_certificate_for_another_host_gets_nothing() {
    let (fixture, instance) = offered().await;
    let fixture = behind_tls(fixture, "marketplace.example", true).await;
    fixture.until(|detail| detail.instance.order_error.is_some(), &instance).await;
    assert_eq!(fixture.market.state().requests, 0);
}

#[tokio::test]
async fn a_ca_file_that_cannot_be_used_is_named() {
    let fixture = Fixture::bare().await;
    let mut config = fixture.config.clone();
    let folder = tempfile::TempDir::new().unwrap();
    config.data_dir = folder.path().to_owned();
    config.koogallery.ca_file = Some("/nowhere/ca.pem".into());
    let environment = fixture.app.context.environment.clone();
    let error = open::open(&config, environment).await.err().unwrap();
    assert!(format!("{error:#}").contains("/nowhere/ca.pem"), "{error:#}");
}
