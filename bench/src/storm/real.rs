//! The storm on the real server: two minutes are pressed into two seconds, so that orders of two
//! hours come back within them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;

use crate::calls::{self, Signer};
use crate::latencies::Latencies;
use crate::load::{exchange, find};
use crate::site::{Server, Site};
use crate::table::duration;

/// What two minutes are here.
const EVERY: Duration = Duration::from_secs(2);
/// Attempts until the refund.
const TRIES: u32 = 60;
/// The marketplace waits so long for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections of the marketplace; the server takes a thousand.
const CONNECTIONS: usize = 500;
/// The storm begins so long before the server does.
const AWAY: Duration = Duration::from_secs(3);
/// Kinds of ids of this run.
const KIND: u64 = 77;

/// How it went.
pub(crate) struct Real {
    orders: u64,
    lost: u64,
    attempts: u64,
    /// From the server's readiness to the last answer.
    drained: Duration,
    latency: Latencies,
    instances: u64,
}

impl Real {
    pub(crate) fn text(&self) -> String {
        format!(
            "{} orders came back within {} (two minutes, pressed together): all answered after \
             {}, p50 {}, p99 {}, {} attempts, {} refunded, {} instances.",
            self.orders,
            duration(EVERY),
            duration(self.drained),
            duration(self.latency.percentile(50.0)),
            duration(self.latency.percentile(99.0)),
            self.attempts,
            self.lost,
            self.instances
        )
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "orders": self.orders,
            "refunded": self.lost,
            "attempts": self.attempts,
            "drained_s": self.drained.as_secs_f64(),
            "p50_us": self.latency.percentile(50.0).as_secs_f64() * 1e6,
            "p99_us": self.latency.percentile(99.0).as_secs_f64() * 1e6,
            "instances": self.instances,
        })
    }
}

struct Shared {
    signer: RefCell<Signer>,
    idle: RefCell<Vec<TcpStream>>,
    places: Semaphore,
    listen: std::net::SocketAddr,
    seen: RefCell<(u64, u64, Latencies)>,
}

/// Lets so many orders come back to a server that was away.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of orders")]
pub(crate) fn run(site: &Site, marketplace: &str, orders: f64) -> Result<Real> {
    let orders = orders as u64;
    // It was there before: its product is known, its address too.
    let server = site.start_fresh(marketplace)?;
    let listen = server.listen;
    server.stop()?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shared = Rc::new(Shared {
        signer: RefCell::new(Signer::new(listen)),
        idle: RefCell::default(),
        places: Semaphore::new(CONNECTIONS),
        listen,
        seen: RefCell::default(),
    });
    let all = LocalSet::new();
    let start = Instant::now();
    let running: Vec<_> = (0..orders)
        .map(|number| all.spawn_local(order(number, start, Rc::clone(&shared))))
        .collect();
    let (server, ready) = runtime.block_on(all.run_until(async {
        tokio::time::sleep(AWAY).await;
        // Starting it blocks this thread for a moment: the marketplace's other calls wait.
        let server = site.start_at(marketplace, listen)?;
        let ready = Instant::now();
        for one in running {
            one.await?;
        }
        Ok::<_, anyhow::Error>((server, ready))
    }))?;
    let drained = ready.elapsed();
    drop(all);
    let (attempts, lost, latency) = shared.seen.take();
    let instances = count(&server)?;
    ensure!(instances == orders - lost, "{orders} orders, {lost} lost, but {instances} instances");
    server.stop()?;
    Ok(Real { orders, lost, attempts, drained, latency, instances })
}

/// One order, until it is answered or refunded.
async fn order(number: u64, start: Instant, shared: Rc<Shared>) {
    let [high, low, ..] = calls::mix(number).to_be_bytes();
    let phase = EVERY.mul_f64(f64::from(u16::from_be_bytes([high, low])) / f64::from(u16::MAX));
    let mut due = start + phase;
    for _ in 0..TRIES {
        tokio::time::sleep_until(due.into()).await;
        shared.seen.borrow_mut().0 += 1;
        let begun = Instant::now();
        let answered = tokio::time::timeout(PATIENCE, attempt(number, &shared)).await;
        if let Ok(Ok(())) = answered {
            shared.seen.borrow_mut().2.record(begun.elapsed());
            return;
        }
        due += EVERY;
    }
    shared.seen.borrow_mut().1 += 1;
}

async fn attempt(number: u64, shared: &Shared) -> Result<()> {
    let _place = shared.places.acquire().await?;
    let idle = shared.idle.borrow_mut().pop();
    let mut stream = match idle {
        Some(stream) => stream,
        None => TcpStream::connect(shared.listen).await?,
    };
    let order = format!("CS{}", calls::id(KIND, number).replace('-', ""));
    let body = calls::new_instance(&order, &calls::id(KIND + 1, number));
    let (mut request, mut answer) = (Vec::new(), Vec::new());
    shared.signer.borrow_mut().call(&body, &mut request);
    let (status, body) = exchange(&mut stream, &request, &mut answer).await?;
    ensure!(status == 200 && find(&answer[body..], b"\"000000\"").is_some(), "refused");
    shared.idle.borrow_mut().push(stream);
    Ok(())
}

/// Instances that are there, however many pages they fill.
fn count(server: &Server) -> Result<u64> {
    let (mut count, mut after) = (0, String::new());
    loop {
        let page = server.admin_get(&format!("/api/v1/instances?limit=1000{after}"))?;
        let rows = page.as_array().context("a list")?;
        let Some(last) = rows.last() else { return Ok(count) };
        count += rows.len() as u64;
        after = format!("&after={}", last["instance_id"].as_str().context("its id")?);
    }
}
