//! How much of the server one connection, one body, one request may take.

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

use super::metrics::REFUSED;
use crate::error::ApiError;

/// From the first byte of a request to the end of its header, and between two requests.
pub(super) const HEADER_TIME: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 15 });
/// For a whole body, so that one sent byte by byte gives its place back.
pub(super) const BODY_TIME: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
/// For an answer.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(25);
/// For an answer to the marketplace, which itself waits 5 s.
pub(super) const MARKET_TIME: Duration = Duration::from_secs(10);
/// Names and values together; the marketplace sends about 1 KiB.
pub(super) const HEADER_BYTES: usize = 16 * 1024;
pub(super) const HEADERS: usize = 64;
/// Connections of one listener at a time. HTTP/1.1 serves one request on each.
pub(super) const CONNECTIONS: usize = 1000;

/// Answers 503 where a handler takes too long.
pub(super) async fn answer_in_time(request: Request, next: Next) -> Response {
    if let Ok(response) = tokio::time::timeout(ANSWER_TIME, next.run(request)).await {
        return response;
    }
    tracing::error!("a request got no answer in time and was given up");
    ApiError::plain(Code::ServiceUnavailable).retry_after(5).into_response()
}

/// Lets a limited number of connections in; one more is closed at once.
#[derive(Clone)]
pub(super) struct Doorkeeper {
    places: Arc<Semaphore>,
}

impl Doorkeeper {
    pub(super) fn new(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)) }
    }
}

impl<S> Accept<TcpStream, S> for Doorkeeper {
    type Stream = Admitted;
    type Service = S;
    type Future = std::future::Ready<io::Result<(Admitted, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            metrics::counter!(REFUSED).increment(1);
            let full = io::Error::other("every place for a connection is taken");
            return std::future::ready(Err(full));
        };
        // Answers are small and whole; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        std::future::ready(Ok((Admitted { stream, _place: place }, service)))
    }
}

/// A connection together with its place.
pub(super) struct Admitted {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Admitted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Admitted {
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
