//! `[http]`: the two listeners, TLS, and the proxies in front.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::reader::Reader;
use super::values;
use crate::net::Network;

/// `[http]`
#[derive(Clone, Debug)]
pub(crate) struct Http {
    /// Marketplace, clients, health.
    pub(crate) listen: SocketAddr,
    /// Admin API and metrics; `None` turns them off.
    pub(crate) admin_listen: Option<SocketAddr>,
    /// Certificate and key, where TLS ends here.
    pub(crate) tls: Option<Tls>,
    /// Whose `X-Forwarded-For` counts.
    pub(crate) trusted_proxies: Vec<Network>,
}

/// PEM files of the certificate chain and of its key.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    /// The chain, leaf first.
    pub(crate) cert: PathBuf,
    /// The private key.
    pub(crate) key: PathBuf,
}

impl Http {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            listen: values::address(reader, "http.listen").unwrap_or(values::NOWHERE),
            admin_listen: match reader.path("http.admin_listen") {
                Some(_) => values::address(reader, "http.admin_listen"),
                None => None,
            },
            tls: tls(reader),
            trusted_proxies: values::networks(reader, "http.trusted_proxies"),
        }
    }

    /// What can be judged once every key was read.
    pub(super) fn check(&self, reader: &mut Reader<'_>) {
        if self.listen.port() != 0 && self.admin_listen == Some(self.listen) {
            reader.problem(
                "http.admin_listen",
                "it is the same address as http.listen",
                "give the admin listener a port of its own, or \"\" to turn it off",
            );
        }
    }
}

fn tls(reader: &mut Reader<'_>) -> Option<Tls> {
    match (reader.path("http.tls_cert"), reader.path("http.tls_key")) {
        (Some(cert), Some(key)) => Some(Tls { cert, key }),
        (None, None) => None,
        (Some(_), None) => {
            let remedy = "name the key's PEM file in http.tls_key";
            reader.problem("http.tls_cert", "there is a certificate without its key", remedy);
            None
        }
        (None, Some(_)) => {
            let remedy = "name the certificate's PEM file in http.tls_cert";
            reader.problem("http.tls_key", "there is a key without its certificate", remedy);
            None
        }
    }
}
