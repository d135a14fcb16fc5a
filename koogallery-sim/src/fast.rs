//! The fast answer mode, for measurements: it answers well and at once, verifies nothing and keeps
//! nothing but two counts, so that it takes as little as possible of the machine from the server
//! that is measured. It reads of HTTP only what `licd` sends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::sold_order::SoldOrder;

const UPLOADED: &str = r#"{"error_code":"CBC.0000","error_msg":"Success"}"#;

/// A marketplace where every order exists and every upload is taken; it listens until the process
/// ends.
#[derive(Debug)]
pub struct FastMarketplace {
    /// Where it listens.
    pub address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    orders: AtomicU64,
    uploads: AtomicU64,
}

impl FastMarketplace {
    /// Listens on a free port of loopback, on one thread of its own; `sold` gives the order of an
    /// id.
    ///
    /// # Errors
    ///
    /// Where there is no port, or no thread.
    pub fn start(sold: fn(&str) -> SoldOrder) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let counts = Arc::<Counts>::default();
        let shared = Arc::clone(&counts);
        thread::Builder::new().name("marketplace".to_owned()).spawn(move || {
            runtime.block_on(async {
                while let Ok((stream, _)) = listener.accept().await {
                    let counts = Arc::clone(&shared);
                    // The server closes connections as it likes: that is no failure here.
                    tokio::spawn(async move { serve(stream, &counts, sold).await.ok() });
                }
            });
        })?;
        Ok(Self { address, counts })
    }

    /// Uploads that arrived.
    #[must_use]
    pub fn uploads(&self) -> u64 {
        self.counts.uploads.load(Ordering::Relaxed)
    }

    /// Orders that were asked for.
    #[must_use]
    pub fn orders(&self) -> u64 {
        self.counts.orders.load(Ordering::Relaxed)
    }
}

/// Answers the requests of one connection, one after the other.
async fn serve(
    mut stream: TcpStream,
    counts: &Counts,
    sold: fn(&str) -> SoldOrder,
) -> io::Result<()> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    stream.set_nodelay(true)?;
    let mut request = Vec::with_capacity(8192);
    loop {
        request.clear();
        let head = loop {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
            if let Some(head) = request.windows(4).position(|four| four == b"\r\n\r\n") {
                break head;
            }
        };
        let text = std::str::from_utf8(&request[..head]).map_err(|_| invalid())?;
        let lower = text.to_ascii_lowercase();
        let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.map_or(Ok(0), str::parse).map_err(|_| invalid())?;
        let first = text.lines().next().ok_or_else(invalid)?;
        let order = first.starts_with("GET ").then(|| {
            let id = first.split("orderId=").nth(1);
            let id = id.and_then(|rest| rest.split(['&', ' ']).next()).unwrap_or_default();
            sold(id).json()
        });
        while request.len() < head + 4 + length {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        let count = if order.is_some() { &counts.orders } else { &counts.uploads };
        count.fetch_add(1, Ordering::Relaxed);
        let body = order.map_or_else(
            || UPLOADED.to_owned(),
            |order| {
                json!({ "resultCode": "MKT.0000", "resultMsg": "success", "orderInfo": order })
                    .to_string()
            },
        );
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    }
}
