//! A marketplace that answers well and at once: every order is one of a thousand machines for a
//! year, every upload is taken. It lives on a thread of its own in this process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use koogallery::time::compact;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::clock;
use crate::load::find;
use crate::output::note;

/// Machines of an order.
pub(crate) const QUANTITY: u64 = 1000;

/// The marketplace; it listens until the process ends.
pub(crate) struct Marketplace {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    orders: AtomicU64,
    uploads: AtomicU64,
}

impl Marketplace {
    /// Listens on a free port.
    pub(crate) fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let seen = Arc::<Seen>::default();
        let shared = Arc::clone(&seen);
        thread::Builder::new().name("marketplace".to_owned()).spawn(move || {
            runtime.block_on(async {
                while let Ok((stream, _)) = listener.accept().await {
                    let seen = Arc::clone(&shared);
                    // The server closes connections as it likes: that is no failure of ours.
                    tokio::spawn(async move { serve(stream, &seen).await.ok() });
                }
            });
        })?;
        Ok(Self { address, seen })
    }

    /// Uploads that arrived.
    pub(crate) fn uploads(&self) -> u64 {
        self.seen.uploads.load(Ordering::Relaxed)
    }

    /// Waits until no more uploads come: whatever is measured next is measured alone.
    pub(crate) fn settle(&self) {
        note("  waiting until what was signed has arrived …");
        let (began, first) = (Instant::now(), self.uploads());
        let mut last = first;
        loop {
            thread::sleep(Duration::from_secs(1));
            let now = self.uploads();
            if now == last {
                break;
            }
            last = now;
        }
        // The last second brought nothing.
        let seconds = began.elapsed().as_secs().saturating_sub(1).max(1);
        note(&format!("  {} uploads, {} a second", last - first, (last - first) / seconds));
    }

    /// Orders that were asked for.
    pub(crate) fn orders(&self) -> u64 {
        self.seen.orders.load(Ordering::Relaxed)
    }
}

async fn serve(mut stream: TcpStream, seen: &Seen) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut request = Vec::with_capacity(8192);
    loop {
        request.clear();
        let head = loop {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
            if let Some(head) = find(&request, b"\r\n\r\n") {
                break head;
            }
        };
        let text = std::str::from_utf8(&request[..head])?.to_ascii_lowercase();
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.map_or(Ok(0), str::parse)?;
        while request.len() < head + 4 + length {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        let first = std::str::from_utf8(&request[..head])?.lines().next().context("a request")?;
        let body = if first.starts_with("GET ") {
            seen.orders.fetch_add(1, Ordering::Relaxed);
            order(first)
        } else {
            seen.uploads.fetch_add(1, Ordering::Relaxed);
            r#"{"error_code":"CBC.0000","error_msg":"Success"}"#.to_owned()
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    }
}

fn order(line: &str) -> String {
    let id = line.split("orderId=").nth(1).and_then(|rest| rest.split(['&', ' ']).next());
    let id = id.unwrap_or_default();
    let now = clock::now();
    json!({
        "resultCode": "MKT.0000",
        "resultMsg": "success",
        "orderInfo": {
            "orderId": id,
            "orderType": "NEW",
            "createTime": compact(now - 120),
            "orderLine": [{
                "orderLineId": format!("{id}-000001"),
                "chargingMode": "PERIOD",
                "expireTime": compact(now + 366 * 86_400),
                "periodType": "year",
                "periodNumber": 1,
                "productInfo": [{
                    "productId": "OFFI846204237451911168",
                    "skuCode": "sku-of-the-bench",
                    "linearValue": QUANTITY,
                    "productName": "FlowSim",
                }],
                "extendParams": [],
                "currency": "100",
                "currencyAfterDiscount": "100",
            }],
            "buyerInfo": {
                "customerId": "customer-1",
                "customerName": "mock_user_01",
                "customerRealName": "示例工业软件（深圳）有限公司",
                "customerType": 0,
            },
            "extendParams": [],
        }
    })
    .to_string()
}
