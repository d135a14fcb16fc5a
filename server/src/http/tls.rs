//! Loads the certificate and key of the listeners.

use std::path::Path;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::version::{TLS12, TLS13};
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::{Config, Problems};

/// Reads certificate and key, where they are configured. TLS 1.2 and 1.3, nothing older.
pub(crate) fn load(config: &Config) -> Result<Option<RustlsConfig>, Problems> {
    let Some(tls) = &config.http.tls else { return Ok(None) };
    let chain = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fault("http.tls_cert", &tls.cert, &error, "CERTIFICATE"))?;
    if chain.is_empty() {
        return Err(fault("http.tls_cert", &tls.cert, &pem::Error::NoItemsFound, "CERTIFICATE"));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| fault("http.tls_key", &tls.key, &error, "PRIVATE KEY"))?;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| Problems::one(format!("http.tls_cert: {error}")))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| {
            Problems::one(format!(
                "http.tls_cert: {} and {} cannot be used together ({error}); name the \
                 certificate chain, leaf first, and the key that belongs to its leaf",
                tls.cert.display(),
                tls.key.display()
            ))
        })?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(RustlsConfig::from_config(Arc::new(server))))
}

fn fault(key: &str, path: &Path, error: &pem::Error, label: &str) -> Problems {
    let path = path.display();
    Problems::one(match error {
        pem::Error::Io(cause) => {
            format!("{key}: {path} cannot be read ({cause}); name a file that licd may read")
        }
        pem::Error::NoItemsFound => format!(
            "{key}: there is no `-----BEGIN {label}-----` in {path}; convert it to PEM, without \
             a passphrase"
        ),
        other => format!("{key}: {path} is not PEM ({other}); convert it to PEM"),
    })
}
