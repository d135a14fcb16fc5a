//! Whether a full database is as fast as an empty one: the same calls at 10 thousand licenses and
//! at millions. A machine is not as fast in one minute as in another, so that beside each size a
//! copy of the first one is measured. What costs more than half as much again is not flat.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::ask::Asking;
use crate::figures::{CONNECTIONS, figure};
use crate::histogram::Histogram;
use crate::load::{self, Outcome};
use crate::marketplace::Marketplace;
use crate::output::note;
use crate::shop::Shop;
use crate::site::{NOBODY, Server, Site};
use crate::table::{duration, grid, mib, number};

/// Licenses at which it is measured.
const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 5_000_000];
/// How much more a call may cost than at the first size.
const FLAT: f64 = 1.5;
/// The longest start-up.
const START_UP: Duration = Duration::from_millis(300);
/// Connections while it is filled, which nobody measures: the more there are, the more licenses
/// share a commit.
const FILLING: usize = 256;
/// New licenses of one measurement.
const NEW: u64 = 50_000;
/// Starts of one measurement; the middle one counts.
const STARTS: usize = 3;

/// Time for one call of each kind at one size.
struct Measured {
    size: u64,
    memory: u64,
    file: u64,
    start_up: Duration,
    costs: Vec<Cost>,
}

/// What one call of a kind takes, and what it took at the first size a moment before.
struct Cost {
    name: &'static str,
    here: Duration,
    first: Duration,
}

impl Cost {
    const fn of(name: &'static str, here: Duration) -> Self {
        Self { name, here, first: here }
    }

    fn factor(&self) -> f64 {
        self.here.as_secs_f64() / self.first.as_secs_f64().max(1e-9)
    }
}

/// A filled database at rest.
struct Filled {
    site: Site,
    shop: Shop,
    /// When the last license was sold, in milliseconds.
    at: i64,
}

/// Fills a database step by step and measures at each. The table is printed after each step: the
/// last one takes most of an hour, and who stops it keeps what was measured.
pub(crate) fn run(
    licd: &Path,
    place: &Path,
    lasting: Duration,
    up_to: u64,
    as_json: bool,
) -> Result<Value> {
    let marketplace = Marketplace::start()?;
    let site = Site::new(licd, place, None)?;
    let reachable = format!("http://{}", marketplace.address);
    site.start_fresh(&reachable)?.stop()?;
    let mut filled = Filled { site, shop: Shop::new(), at: 0 };
    let mut first: Option<Filled> = None;
    let mut all = Vec::new();
    for size in SIZES.into_iter().filter(|size| *size <= up_to) {
        note(&format!("{} licenses …", number_of(size)));
        filled.fill(&reachable, size)?;
        let beside = if let Some(first) = &first {
            first.copy(place)?.measure(SIZES[0], lasting)?.costs
        } else {
            first = Some(filled.copy(place)?);
            Vec::new()
        };
        let mut measured = filled.measure(size, lasting)?;
        for (cost, beside) in measured.costs.iter_mut().zip(beside) {
            cost.first = beside.here;
        }
        all.push(measured);
        if !as_json {
            print(&all);
        }
    }
    ensure!(!all.is_empty(), "--up-to is at least {}", SIZES[0]);
    Ok(all.iter().map(as_value).collect())
}

impl Filled {
    /// The same in another folder, to be measured without touching this one.
    fn copy(&self, place: &Path) -> Result<Self> {
        Ok(Self { site: self.site.copy(place)?, shop: self.shop.clone(), at: self.at })
    }

    /// Sells until so many licenses are there, the way everybody does; then they count as
    /// delivered.
    fn fill(&mut self, reachable: &str, licenses: u64) -> Result<()> {
        let Self { site, shop, at } = self;
        let server = site.start(reachable)?;
        // Twice over, and so many that half of the instances fill a page.
        shop.stock(&server, licenses.saturating_sub(shop.sold) + 4 * NEW)?;
        server.stop()?;

        let server = site.start(NOBODY)?;
        let missing = licenses.saturating_sub(shop.sold);
        if missing > 0 {
            let began = Instant::now();
            let outcome = shop.sell_so_many(&server.load(FILLING, began.elapsed()), missing)?;
            let memory = mib(server.memory().0);
            note(&format!(
                "  {} more at {} a second; {memory} MB resident afterwards",
                number_of(missing),
                number(outcome.rate())
            ));
            figure(outcome, None)?;
        }
        *at = crate::clock::now_ms();
        server.stop()?;
        runtime()?.block_on(deliver(site))
    }

    fn measure(&mut self, licenses: u64, lasting: Duration) -> Result<Measured> {
        let Self { site, shop, at } = self;
        let mut starts = Vec::new();
        for _ in 0..STARTS {
            let server = site.start(NOBODY)?;
            starts.push(server.start_up);
            server.stop()?;
        }
        starts.sort();

        let server = site.start(NOBODY)?;
        let mut costs = Vec::new();
        let load = server.load(CONNECTIONS, lasting);
        // Pages that every database of this size has in memory after a moment.
        shop.resend(&server.load(CONNECTIONS, lasting / 2), 0)?;
        costs.push(Cost::of("re-send", each(shop.resend(&load, 0)?)?));
        for (name, path) in lists(&server, shop, *at)? {
            costs.push(Cost::of(name, median(&server, path, lasting / 4)?));
        }
        let memory = server.memory().0;
        let new = each(shop.sell_so_many(&load, NEW.min(licenses))?)?;
        costs.insert(0, Cost::of("new license", new));
        server.stop()?;
        let file = std::fs::metadata(site.data_dir().join("licd.db"))?.len();
        Ok(Measured { size: licenses, memory, file, start_up: starts[STARTS / 2], costs })
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// What lies years back was delivered long ago: sending millions of uploads is not what is
/// measured here, and a queue of millions is no database that grew.
async fn deliver(site: &Site) -> Result<()> {
    const STEP: &str = "UPDATE uploads SET state = 'delivered', attempts = 1, \
                        finished_at = queued_at WHERE id IN \
                        (SELECT id FROM uploads WHERE state = 'queued' LIMIT 20000)";

    let file = site.data_dir().join("licd.db");
    let mut database = SqliteConnectOptions::new().filename(file).connect().await?;
    while sqlx::query(STEP).execute(&mut database).await?.rows_affected() > 0 {}
    database.close().await?;
    Ok(())
}

/// What the server as a whole spends on one: the time divided by the number.
fn each(outcome: Outcome) -> Result<Duration> {
    Ok(Duration::from_secs_f64(1.0 / figure(outcome, None)?.rate.max(1e-9)))
}

fn median(server: &Server, path: String, lasting: Duration) -> Result<Duration> {
    let pages = Asking::admin(server, path);
    let outcome = load::run(&server.admin_load(1, lasting), pages)?.0;
    let latency: Histogram = figure(outcome, None)?.latency;
    Ok(latency.percentile(50.0))
}

/// The operators' lists, each from its beginning or from the middle on.
fn lists(server: &Server, shop: &Shop, filled_at: i64) -> Result<Vec<(&'static str, String)>> {
    let first = server.admin_get("/api/v1/licenses?limit=1")?;
    let first = first[0]["license_id"].as_str().context("a license")?.to_owned();
    let middle = half_way(&first, filled_at)?;
    let instance = shop.instance(0);
    let in_the_middle = shop.middle();
    let list = |name, what: &str| (name, format!("/api/v1/{what}"));
    Ok(vec![
        list("licenses, first page", "licenses"),
        list("licenses, a later page", &format!("licenses?after={middle}")),
        list("licenses of a product", &format!("licenses?product=flowsim&after={middle}")),
        list("licenses of a rare product", "licenses?product=rare"),
        list("licenses, active", &format!("licenses?state=active&after={middle}")),
        list("licenses, revoked", "licenses?state=revoked"),
        list("licenses of an instance", &format!("licenses?instance_id={instance}&limit=100")),
        list("instances, first page", "instances"),
        list("instances, a later page", &format!("instances?after={in_the_middle}")),
        list("instances of a product", "instances?product=flowsim&state=active"),
        list("instances, frozen", "instances?state=frozen"),
        list("uploads, a later page", &format!("uploads?after={middle}")),
        list("uploads, refused", "uploads?state=refused"),
    ])
}

/// An id half-way between this one and that time in milliseconds: ids begin with theirs.
fn half_way(id: &str, until: i64) -> Result<String> {
    let time = |id: &str| i64::from_str_radix(&id.replace('-', "")[..12], 16);
    let middle = i64::midpoint(time(id)?, until);
    Ok(format!("{:08x}-{:04x}-7000-8000-000000000000", middle >> 16, middle & 0xffff))
}

fn number_of(size: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a few millions")]
    number(size as f64)
}

fn print(all: &[Measured]) {
    let mut head = vec![String::new()];
    head.extend(all.iter().map(|one| number_of(one.size)));
    head.extend(["target".to_owned(), String::new()]);
    let mut rows = vec![head];
    for (index, cost) in all[0].costs.iter().enumerate() {
        let costs = || all.iter().map(|one| &one.costs[index]);
        let mut row = vec![cost.name.to_owned()];
        row.extend(costs().map(|one| format!("{} ({:.2}x)", duration(one.here), one.factor())));
        let most = costs().map(Cost::factor).fold(0.0, f64::max);
        row.extend([format!("<= {FLAT}x"), verdict(most <= FLAT)]);
        rows.push(row);
    }
    let mut row = vec!["start-up".to_owned()];
    row.extend(all.iter().map(|one| duration(one.start_up)));
    let reached = all.iter().all(|one| one.start_up < START_UP);
    row.extend([format!("< {}", duration(START_UP)), verdict(reached)]);
    rows.push(row);
    for (name, bytes) in
        [("memory", (|one| one.memory) as fn(&Measured) -> u64), ("database file", |one| one.file)]
    {
        let mut row = vec![name.to_owned()];
        row.extend(all.iter().map(|one| format!("{} MB", mib(bytes(one)))));
        row.extend([String::new(), String::new()]);
        rows.push(row);
    }
    grid(&rows);
}

fn verdict(reached: bool) -> String {
    if reached { "reached" } else { "NOT reached" }.to_owned()
}

fn as_value(one: &Measured) -> Value {
    let costs = one.costs.iter().map(|cost| {
        json!({
            "what": cost.name,
            "us": cost.here.as_secs_f64() * 1e6,
            "first_us": cost.first.as_secs_f64() * 1e6,
            "factor": cost.factor(),
        })
    });
    json!({
        "licenses": one.size,
        "start_up_ms": one.start_up.as_secs_f64() * 1e3,
        "rss_bytes": one.memory,
        "file_bytes": one.file,
        "costs": costs.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::half_way;

    #[test]
    fn half_way_lies_between() {
        let first = "01900000-0000-7abc-8def-000000000000";
        let until = 0x0190_0000_1000;
        let middle = half_way(first, until).unwrap();
        assert_eq!(middle, "01900000-0800-7000-8000-000000000000");
        assert_eq!(half_way(&middle, until).unwrap(), "01900000-0c00-7000-8000-000000000000");
    }
}
