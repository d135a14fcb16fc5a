//! The load: one thread, connections that stay open, each with one request under way. It shares
//! two cores with the server, so it parses of an answer only what it must.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::latencies::Latencies;
use crate::process;

/// Where requests come from.
pub(crate) trait Source: 'static {
    /// Writes the next request, header and all; `false` when there is none any more.
    fn next(&mut self, request: &mut Vec<u8>) -> bool;

    /// Whether the body of an answer with status 200 is the one that is expected.
    fn good(&self, body: &[u8]) -> bool;
}

/// How it went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) latency: Latencies,
    /// Answers that were not the expected one.
    pub(crate) wrong: u64,
    pub(crate) first_wrong: Option<String>,
    pub(crate) elapsed: Duration,
    /// Processors that the generator kept busy.
    pub(crate) own_cpu: f64,
    /// Processors that the server kept busy.
    pub(crate) server_cpu: f64,
}

/// Who is to be asked, by how many at once, for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) lasting: Duration,
    /// The process that answers.
    pub(crate) server: u32,
}

impl Outcome {
    pub(crate) fn good(&self) -> u64 {
        self.latency.count() - self.wrong
    }

    /// Good answers a second.
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 requests")]
    pub(crate) fn rate(&self) -> f64 {
        self.good() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

struct Shared<S> {
    source: S,
    outcome: Outcome,
    until: Instant,
}

/// Sends for so long, or until the source is empty; gives the source back.
pub(crate) fn run<S: Source>(load: &Load, source: S) -> Result<(Outcome, S)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let before = (process::thread_cpu(), process::cpu(load.server));
    let began = Instant::now();
    let shared = Rc::new(RefCell::new(Shared {
        source,
        outcome: Outcome::default(),
        until: began + load.lasting,
    }));
    let all = LocalSet::new();
    let running: Vec<_> = (0..load.connections)
        .map(|_| all.spawn_local(connection(load.address, Rc::clone(&shared))))
        .collect();
    runtime.block_on(all.run_until(async {
        for one in running {
            one.await??;
        }
        Ok::<_, anyhow::Error>(())
    }))?;
    drop(all);
    let shared = Rc::into_inner(shared).context("a connection is still there")?.into_inner();
    let elapsed = began.elapsed();
    let busy = |before: Duration, after: Duration| {
        after.saturating_sub(before).as_secs_f64() / elapsed.as_secs_f64().max(1e-9)
    };
    let outcome = Outcome {
        elapsed,
        own_cpu: busy(before.0, process::thread_cpu()),
        server_cpu: busy(before.1, process::cpu(load.server)),
        ..shared.outcome
    };
    Ok((outcome, shared.source))
}

async fn connection<S: Source>(address: SocketAddr, shared: Rc<RefCell<Shared<S>>>) -> Result<()> {
    let mut stream = TcpStream::connect(address).await.context("connecting to the server")?;
    stream.set_nodelay(true)?;
    let mut request = Vec::with_capacity(4096);
    let mut answer = Vec::with_capacity(16 * 1024);
    let mut begun = Instant::now();
    loop {
        request.clear();
        {
            let mut shared = shared.borrow_mut();
            if begun >= shared.until || !shared.source.next(&mut request) {
                return Ok(());
            }
        }
        begun = Instant::now();
        let (status, body) = exchange(&mut stream, &request, &mut answer).await?;
        let ended = Instant::now();
        let mut shared = shared.borrow_mut();
        shared.outcome.latency.record(ended - begun);
        let good = shared.source.good(&answer[body..]);
        if status != 200 || !good {
            shared.outcome.wrong += 1;
            let text = || String::from_utf8_lossy(&answer[..answer.len().min(1000)]).into_owned();
            shared.outcome.first_wrong.get_or_insert_with(text);
        }
        begun = ended;
    }
}

/// Sends one request and reads its answer; gives the status and where the body begins.
pub(crate) async fn exchange(
    stream: &mut TcpStream,
    request: &[u8],
    answer: &mut Vec<u8>,
) -> Result<(u16, usize)> {
    stream.write_all(request).await?;
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            bail!("the server closed a connection: {}", String::from_utf8_lossy(answer));
        }
        if let Some(head) = find(answer, b"\r\n\r\n") {
            let body = head + 4;
            let (status, length) =
                head_of(&answer[..head]).ok_or_else(|| anyhow!("an answer without length"))?;
            while answer.len() < body + length {
                if stream.read_buf(answer).await? == 0 {
                    bail!("the server closed a connection in the middle of an answer");
                }
            }
            return Ok((status, body));
        }
    }
}

/// Status and length of the body.
fn head_of(head: &[u8]) -> Option<(u16, usize)> {
    const LENGTH: &[u8] = b"content-length: ";

    let status = std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()?;
    let at = head.windows(LENGTH.len()).position(|window| window.eq_ignore_ascii_case(LENGTH))?;
    let digits = head[at + LENGTH.len()..].split(|byte| !byte.is_ascii_digit()).next()?;
    Some((status, std::str::from_utf8(digits).ok()?.parse().ok()?))
}

/// Where the needle begins.
pub(crate) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

/// Requests that were made before the clock started; what is asked for beyond them is made when
/// it is asked for.
pub(crate) struct Prepared<S> {
    source: S,
    bytes: Vec<u8>,
    ends: std::vec::IntoIter<usize>,
    at: usize,
}

impl<S: Source> Prepared<S> {
    pub(crate) fn new(mut source: S, count: usize) -> Self {
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(count));
        while ends.len() < count && source.next(&mut bytes) {
            ends.push(bytes.len());
        }
        Self { source, bytes, ends: ends.into_iter(), at: 0 }
    }

    /// The source behind it.
    pub(crate) fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// The source behind it, and how many of its requests were made and never sent.
    pub(crate) fn into_source(self) -> (S, usize) {
        (self.source, self.ends.len())
    }
}

impl<S: Source> Source for Prepared<S> {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        let Some(end) = self.ends.next() else { return self.source.next(request) };
        request.extend_from_slice(&self.bytes[self.at..end]);
        self.at = end;
        true
    }

    fn good(&self, body: &[u8]) -> bool {
        self.source.good(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_however_it_is_written() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nx: y";
        assert_eq!(head_of(head), Some((200, 12)));
        assert_eq!(head_of(b"HTTP/1.1 503 X\r\na: b\r\ncontent-length: 7"), Some((503, 7)));
        assert_eq!(head_of(b"HTTP/1.1 200 OK\r\nx: y"), None);
        assert_eq!(head_of(b"HTT"), None);
    }

    struct Numbers(u8);

    impl Source for Numbers {
        fn next(&mut self, request: &mut Vec<u8>) -> bool {
            self.0 += 1;
            request.push(self.0);
            self.0 < 5
        }

        fn good(&self, _: &[u8]) -> bool {
            true
        }
    }

    #[test]
    fn what_was_prepared_comes_first_and_nothing_twice() {
        let mut prepared = Prepared::new(Numbers(0), 2);
        let mut all = Vec::new();
        while prepared.next(&mut all) {}
        assert_eq!(all, [1, 2, 3, 4, 5]);
        assert_eq!(prepared.into_source().1, 0);
        assert_eq!(Prepared::new(Numbers(0), 3).into_source().1, 3);
    }
}
