//! Limits of size, time and number for headers, bodies, answers and connections.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum_server::accept::Accept;
use license_core::Code;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::metrics::REFUSED_CONNECTIONS;
use crate::error::ApiError;

/// From the first byte of a request to the end of its header, and between two requests.
pub(super) const HEADER_TIMEOUT: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 15 });
/// For a whole body: one that is sent byte by byte must free its connection.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
/// For an answer.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(25);
/// For an answer to the marketplace, which itself waits 5 s; the commit of a slow call goes on.
pub(super) const MARKET_ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Of all names and values of a request's header; the marketplace sends about 1 KiB.
pub(super) const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Header fields of a request.
pub(super) const MAX_HEADERS: usize = 64;
/// Connections of one listener at a time. HTTP/1.1 serves one request on each.
pub(super) const MAX_CONNECTIONS: usize = 1000;

/// Answers 503 where a handler takes too long.
pub(super) async fn answer_in_time(request: Request, next: Next) -> Response {
    if let Ok(response) = tokio::time::timeout(ANSWER_TIMEOUT, next.run(request)).await {
        return response;
    }
    tracing::error!("a request got no answer in time and was given up");
    ApiError::plain(Code::ServiceUnavailable).retry_after(5).into_response()
}

/// Accepts a limited number of connections at a time and closes every other one at once.
#[derive(Clone)]
pub(super) struct Doorkeeper {
    permits: Arc<Semaphore>,
}

impl Doorkeeper {
    pub(super) fn new(connections: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(connections)) }
    }
}

impl<S> Accept<TcpStream, S> for Doorkeeper {
    type Stream = LimitedStream;
    type Service = S;
    type Future = std::future::Ready<io::Result<(LimitedStream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        // Refused, not queued: a connection that waits would hold a socket all the same.
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            metrics::counter!(REFUSED_CONNECTIONS).increment(1);
            let full = io::Error::other("every place for a connection is taken");
            return std::future::ready(Err(full));
        };
        // Answers are small and whole; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        std::future::ready(Ok((LimitedStream { stream, _permit: permit }, service)))
    }
}

/// A connection that owns its permit: dropping it lets another connection in.
pub(super) struct LimitedStream {
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
}

impl AsyncRead for LimitedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for LimitedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
