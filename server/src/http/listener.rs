//! Both listeners: binding their addresses, serving, and stopping after the requests in flight.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use tokio::task::JoinHandle;

use super::limits::{Doorkeeper, HEADER_TIMEOUT, MAX_CONNECTIONS, MAX_HEADER_BYTES, MAX_HEADERS};
use super::{HttpState, admin, public};
use crate::config::Http;

/// Both addresses are bound; nothing is served yet.
pub(crate) struct BoundListeners {
    public: TcpListener,
    admin: Option<TcpListener>,
}

impl BoundListeners {
    /// Binds both addresses, or names the one that cannot be bound, and why.
    pub(crate) fn bind(http: &Http) -> anyhow::Result<Self> {
        let public = bind(http.listen, "--listen")?;
        let admin = match http.admin_listen {
            Some(address) => Some(bind(address, "--admin-listen")?),
            None => None,
        };
        Ok(Self { public, admin })
    }

    /// The address of the admin listener.
    pub(crate) fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref()?.local_addr().ok()
    }

    /// Starts serving. The admin listener speaks plain HTTP on loopback: the certificate names
    /// the public host, which no tool on this machine asks for.
    pub(crate) fn serve(
        self,
        state: &HttpState,
        tls: Option<RustlsConfig>,
    ) -> anyhow::Result<RunningListeners> {
        let router = public::router(state.clone(), tls.is_some());
        let public = HttpListener::start(self.public, router, tls.clone())?;
        let admin = match self.admin {
            Some(listener) => {
                let tls = tls.filter(|_| {
                    !listener.local_addr().is_ok_and(|address| address.ip().is_loopback())
                });
                let router = admin::router(state.clone(), tls.is_some());
                Some(HttpListener::start(listener, router, tls)?)
            }
            None => None,
        };
        Ok(RunningListeners { public, admin })
    }
}

fn bind(address: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "another program listens there; stop it, or give another address with {option} \
                 (port 0 takes a free one)"
            ),
            io::ErrorKind::PermissionDenied => format!(
                "ports below 1024 need a privilege; give a higher one with {option} and put a \
                 proxy in front"
            ),
            io::ErrorKind::AddrNotAvailable => {
                format!("this machine has no such address; give one of its own with {option}")
            }
            _ => format!("give another address with {option}"),
        };
        anyhow!("cannot listen on {address} ({error}): {remedy}")
    })?;
    listener.set_nonblocking(true).context("the listener cannot be used")?;
    Ok(listener)
}

/// Both listeners while they serve.
pub(crate) struct RunningListeners {
    public: HttpListener,
    admin: Option<HttpListener>,
}

impl RunningListeners {
    /// `http://127.0.0.1:8470`, with the port that was really taken.
    pub(crate) fn listen(&self) -> &str {
        &self.public.url
    }

    /// The same for the admin listener, where there is one.
    pub(crate) fn admin_listen(&self) -> Option<&str> {
        self.admin.as_ref().map(|listener| listener.url.as_str())
    }

    /// Accepts no new requests and waits for those in flight, at most `grace`.
    pub(crate) async fn stop(self, grace: Duration) {
        let listeners = [Some(self.public), self.admin];
        // Both are told first and awaited afterwards, so that they share the grace.
        for listener in listeners.iter().flatten() {
            listener.handle.graceful_shutdown(Some(grace));
        }
        for listener in listeners.into_iter().flatten() {
            if let Some(error) = listener.task.await.ok().and_then(Result::err) {
                tracing::error!(%error, "a listener failed while it stopped");
            }
        }
    }
}

struct HttpListener {
    url: String,
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

impl HttpListener {
    fn start(
        listener: TcpListener,
        router: Router,
        tls: Option<RustlsConfig>,
    ) -> anyhow::Result<Self> {
        let address = listener.local_addr().context("the listener has no address")?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let handle = Handle::new();
        let door = Doorkeeper::new(MAX_CONNECTIONS);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let mut server = axum_server::from_tcp(listener)?.handle(handle.clone());
        // Without `http1_only` the protocol is guessed first, and that guess has no time-out.
        server
            .http_builder()
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEADER_BYTES);
        let task = match tls {
            // The limit is inside of TLS: a connection holds its permit during the handshake too.
            Some(tls) => {
                let server = server.acceptor(RustlsAcceptor::new(tls).acceptor(door)).http1_only();
                tokio::spawn(server.serve(service))
            }
            None => tokio::spawn(server.acceptor(door).http1_only().serve(service)),
        };
        Ok(Self { url: format!("{scheme}://{address}"), handle, task })
    }
}
