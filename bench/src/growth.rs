//! Whether a full database is as fast as an empty one: the same calls at 10 thousand licenses and
//! at millions. A machine is not as fast in one second as in another, so that each size and a copy
//! of the first one are measured in turns. What costs more than half as much again is not flat.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::ask::Asking;
use crate::figures::{CONNECTIONS, figure};
use crate::latencies::Latencies;
use crate::load::{self, Outcome};
use crate::market;
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
/// How often a size and the first one take turns at each kind of call.
const TURNS: u32 = 2;
/// New licenses of one turn.
const NEW: u64 = 10_000;
/// Machines beyond those that are sold: more than are measured with, and so many that half of the
/// instances fill a page.
const STOCK: u64 = 200_000;
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

/// What one call of a kind takes, and what it takes at the first size in the same seconds.
struct Cost {
    name: &'static str,
    here: Duration,
    first: Duration,
}

impl Cost {
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
    let marketplace = market::start()?;
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
            Some(first.copy(place)?)
        } else {
            first = Some(filled.copy(place)?);
            None
        };
        all.push(measure(&mut filled, beside, size, lasting)?);
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
        shop.stock(&server, licenses.saturating_sub(shop.sold) + STOCK)?;
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
}

/// Measures one size, and the first one beside it.
fn measure(
    filled: &mut Filled,
    mut beside: Option<Filled>,
    licenses: u64,
    lasting: Duration,
) -> Result<Measured> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let server = filled.site.start(NOBODY)?;
        starts.push(server.start_up);
        server.stop()?;
    }
    starts.sort();

    let mut sides = vec![Side::start(filled)?];
    sides.extend(beside.as_mut().map(Side::start).transpose()?);
    let turn = lasting / TURNS;
    for side in &mut sides {
        // Pages that every database of this size has in memory after a moment.
        side.filled.shop.resend(&side.server.load(CONNECTIONS, turn), 0)?;
    }
    let mut costs = vec![in_turns("re-send", &mut sides, |side| {
        each(side.filled.shop.resend(&side.server.load(CONNECTIONS, turn), 0)?)
    })?];
    for (at, name) in LISTS.into_iter().enumerate() {
        costs.push(in_turns(name, &mut sides, |side| {
            median(&side.server, side.paths[at].clone(), turn / 4)
        })?);
    }
    let memory = sides[0].server.memory().0;
    let new = in_turns("new license", &mut sides, |side| {
        each(side.filled.shop.sell_so_many(&side.server.load(CONNECTIONS, turn), NEW)?)
    })?;
    costs.insert(0, new);
    for side in sides {
        side.server.stop()?;
    }
    let file = std::fs::metadata(filled.site.data_dir().join("licd.db"))?.len();
    Ok(Measured { size: licenses, memory, file, start_up: starts[STARTS / 2], costs })
}

/// A database that is being measured.
struct Side<'a> {
    filled: &'a mut Filled,
    server: Server,
    /// Of [`LISTS`].
    paths: Vec<String>,
}

impl<'a> Side<'a> {
    fn start(filled: &'a mut Filled) -> Result<Self> {
        let server = filled.site.start(NOBODY)?;
        let paths = lists(&server, &filled.shop, filled.at)?;
        Ok(Self { filled, server, paths })
    }
}

/// The mean of what each side needs, the size itself first.
fn in_turns(
    name: &'static str,
    sides: &mut [Side<'_>],
    one: impl Fn(&mut Side<'_>) -> Result<Duration>,
) -> Result<Cost> {
    let mut spent = vec![Duration::ZERO; sides.len()];
    for _ in 0..TURNS {
        for (side, spent) in sides.iter_mut().zip(&mut spent) {
            *spent += one(side)?;
        }
    }
    let first = spent.last().copied().unwrap_or_default() / TURNS;
    Ok(Cost { name, here: spent[0] / TURNS, first })
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
    let latency: Latencies = figure(outcome, None)?.latency;
    Ok(latency.percentile(50.0))
}

/// The operators' lists.
const LISTS: [&str; 13] = [
    "licenses, first page",
    "licenses, a later page",
    "licenses of a product",
    "licenses of a rare product",
    "licenses, active",
    "licenses, revoked",
    "licenses of an instance",
    "instances, first page",
    "instances, a later page",
    "instances of a product",
    "instances, frozen",
    "uploads, a later page",
    "uploads, refused",
];

/// Where they are, each from its beginning or from the middle on.
fn lists(server: &Server, shop: &Shop, filled_at: i64) -> Result<Vec<String>> {
    let first = server.admin_get("/api/v1/licenses?limit=1")?;
    let first = first[0]["license_id"].as_str().context("a license")?.to_owned();
    let middle = half_way(&first, filled_at)?;
    let instance = shop.instance(0);
    let in_the_middle = shop.middle();
    let paths: [String; LISTS.len()] = [
        "licenses".to_owned(),
        format!("licenses?after={middle}"),
        format!("licenses?product=flowsim&after={middle}"),
        "licenses?product=rare".to_owned(),
        format!("licenses?state=active&after={middle}"),
        "licenses?state=revoked".to_owned(),
        format!("licenses?instance_id={instance}&limit=100"),
        "instances".to_owned(),
        format!("instances?after={in_the_middle}"),
        "instances?product=flowsim&state=active".to_owned(),
        "instances?state=frozen".to_owned(),
        format!("uploads?after={middle}"),
        "uploads?state=refused".to_owned(),
    ];
    Ok(paths.map(|path| format!("/api/v1/{path}")).into())
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
