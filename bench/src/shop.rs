//! What is sold and asked for in a run: instances, and the calls for their licenses.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::calls::{self, Signer};
use crate::clock;
use crate::load::{self, Load, Outcome, Prepared, Source, find};
use crate::market::QUANTITY;
use crate::site::Server;

/// Kinds of ids.
const ORDER: u64 = 1;
const BUSINESS: u64 = 2;
const EVENT: u64 = 3;

/// Instances whose machines are being set up at the same time.
const TOGETHER: u64 = 64;

/// How long signed calls may lie in stock: the server takes a minute's difference either way.
const STOCK: Duration = Duration::from_secs(40);

/// Instances with all their orders read, in the order they were bought.
#[derive(Clone)]
pub(crate) struct Shop {
    instances: Rc<Vec<String>>,
    /// Licenses that were asked for.
    pub(crate) sold: u64,
}

/// `newInstance`, one after the other.
struct Purchases {
    signer: Signer,
    next: u64,
    end: u64,
}

impl Source for Purchases {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        if self.next == self.end {
            return false;
        }
        let order = format!("CS{}", calls::id(ORDER, self.next).replace('-', ""));
        let body = calls::new_instance(&order, &calls::id(BUSINESS, self.next));
        self.signer.call(&body, request);
        self.next += 1;
        true
    }

    fn good(&self, body: &[u8]) -> bool {
        find(body, b"\"000000\"").is_some()
    }
}

/// `getLicenseAsync`: each for another machine and event, or again for those that were sold.
pub(crate) struct Applications {
    signer: Signer,
    instances: Rc<Vec<String>>,
    next: u64,
    end: u64,
    /// Ask again for one of so many.
    again: Option<u64>,
}

impl Applications {
    fn number(&self) -> u64 {
        self.again.map_or(self.next, |sold| calls::mix(self.next) % sold.max(1))
    }
}

impl Source for Applications {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        if self.next >= self.end {
            return false;
        }
        let number = self.number();
        let instance = &self.instances[instance_of(number)];
        let body = calls::apply(
            instance,
            &calls::id(EVENT, number),
            &calls::machine(number),
            // The same application is the same to the second.
            clock::now() / 3600 * 3600,
        );
        self.signer.call(&body, request);
        self.next += 1;
        true
    }

    fn good(&self, body: &[u8]) -> bool {
        find(body, b"\"000004\"").is_some()
    }
}

/// Which instance the license of that number belongs to.
pub(crate) fn instance_of(number: u64) -> usize {
    let instance = number / (TOGETHER * QUANTITY) * TOGETHER + number % TOGETHER;
    usize::try_from(instance).unwrap_or(usize::MAX)
}

impl Shop {
    /// Buys instances and nothing else.
    pub(crate) fn purchases(load: &Load) -> Result<Outcome> {
        let purchases = Purchases { signer: Signer::new(load.address), next: 0, end: u64::MAX };
        Ok(load::run(load, purchases)?.0)
    }

    /// Nothing was sold yet.
    pub(crate) fn new() -> Self {
        Self { instances: Rc::default(), sold: 0 }
    }

    /// Buys instances until so many licenses can be asked for, and waits until all their orders
    /// were read: the server needs a marketplace for that.
    pub(crate) fn stock(&mut self, server: &Server, licenses: u64) -> Result<()> {
        let have = self.instances.len() as u64;
        let want = (self.sold + licenses).div_ceil(TOGETHER * QUANTITY) * TOGETHER;
        if want <= have {
            return Ok(());
        }
        let mut instances: Vec<String> = self.instances.to_vec();
        instances.extend((have..want).map(|number| calls::id(BUSINESS, number)));
        let signer = Signer::new(server.listen);
        let purchases = Purchases { signer, next: have, end: want };
        let (outcome, _) = load::run(&server.load(32, Duration::from_mins(10)), purchases)?;
        if let Some(wrong) = outcome.first_wrong {
            anyhow::bail!("newInstance: {wrong}");
        }
        wait_until_read(server, want)?;
        self.instances = Rc::new(instances);
        Ok(())
    }

    /// Room for licenses that are not sold yet.
    fn end(&self) -> u64 {
        self.instances.len() as u64 * QUANTITY
    }

    /// The instance of that number.
    pub(crate) fn instance(&self, number: usize) -> &str {
        &self.instances[number]
    }

    /// The instance in the middle of a list of all.
    pub(crate) fn middle(&self) -> String {
        let mut sorted = self.instances.to_vec();
        sorted.sort();
        sorted.get(sorted.len() / 2).cloned().unwrap_or_default()
    }

    /// Asks for new licenses.
    pub(crate) fn sell(&mut self, load: &Load, prepared: u64) -> Result<Outcome> {
        let source = self.applications(load.address, None);
        let (outcome, next) = run(load, source, prepared)?;
        self.sold = next;
        Ok(outcome)
    }

    /// Asks for so many new licenses, however long it takes.
    pub(crate) fn sell_so_many(&mut self, load: &Load, count: u64) -> Result<Outcome> {
        let end = (self.sold + count).min(self.end());
        let source = Applications { end, ..self.applications(load.address, None) };
        let load = Load { lasting: Duration::from_hours(24), ..*load };
        let (outcome, next) = run(&load, source, 0)?;
        self.sold = next;
        Ok(outcome)
    }

    /// Asks again for licenses that were sold.
    pub(crate) fn resend(&self, load: &Load, prepared: u64) -> Result<Outcome> {
        ensure!(self.sold > 0, "nothing was sold that could be asked for again");
        let source = self.applications(load.address, Some(self.sold));
        Ok(run(load, source, prepared)?.0)
    }

    fn applications(&self, listen: SocketAddr, again: Option<u64>) -> Applications {
        let (next, end) = if again.is_some() { (0, u64::MAX) } else { (self.sold, self.end()) };
        let instances = Rc::clone(&self.instances);
        Applications { signer: Signer::new(listen), instances, next, end, again }
    }
}

/// Runs the source, with so many calls signed before the clock starts; gives its next number.
fn run(load: &Load, mut source: Applications, prepared: u64) -> Result<(Outcome, u64)> {
    source.signer.ahead_ms = 20_000;
    let mut stock = Prepared::new(source, usize::try_from(prepared)?);
    stock.source_mut().signer.ahead_ms = 0;
    let (outcome, stock) = load::run(load, stock)?;
    let (source, unsent) = stock.into_source();
    Ok((outcome, source.next - unsent as u64))
}

/// How many calls to sign beforehand for a run of that length at that rate.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of requests"
)]
pub(crate) fn to_prepare(rate: f64, lasting: Duration) -> u64 {
    (rate * lasting.min(STOCK).as_secs_f64()) as u64
}

/// Waits until every one of the instances knows its order.
fn wait_until_read(server: &Server, count: u64) -> Result<()> {
    let until = Instant::now() + Duration::from_mins(20);
    let (mut after, mut read) = (String::new(), 0);
    while read < count {
        ensure!(Instant::now() < until, "only {read} of {count} orders were read");
        let page = server.admin_get(&format!("/api/v1/instances?limit=1000{after}"))?;
        let rows = page.as_array().context("a list")?;
        let done = rows.iter().take_while(|row| row["order_state"] == "read").count();
        read += done as u64;
        if let Some(last) = rows[..done].last().and_then(|row: &Value| row["instance_id"].as_str())
        {
            after = format!("&after={last}");
        }
        if done < rows.len() || rows.is_empty() {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_instance_has_more_machines_than_were_bought() {
        let count = TOGETHER * QUANTITY * 2;
        let mut used = vec![0_u64; 2 * usize::try_from(TOGETHER).unwrap()];
        for number in 0..count {
            used[instance_of(number)] += 1;
        }
        assert!(used.iter().all(|used| *used == QUANTITY));
    }
}
