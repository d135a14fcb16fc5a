//! The figures through the front door: a real `licd serve`, real HTTP, calls signed as the
//! marketplace signs them. Each brings the limits that it is compared with.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use koogallery_sim::fast::FastMarketplace;

use crate::ask::Asking;
use crate::echo::Echo;
use crate::limits;
use crate::load::{self, Outcome};
use crate::market;
use crate::output::note;
use crate::postgres::Cluster;
use crate::shop::{Shop, to_prepare};
use crate::site::{NOBODY, Server, Site};
use crate::table::{Check, Figure, Row, Target};

/// Callers at the same time.
pub(crate) const CONNECTIONS: usize = 32;
/// Licenses of the memory's figure.
const MILLION: u64 = 1_000_000;
/// A server that has just started is not yet what it will be.
const WARM_UP: Duration = Duration::from_secs(1);
/// More licenses a second than this are not expected here: instances are bought beforehand.
const MOST_A_SECOND: u64 = 32_000;

/// What can be asked for by `--only`.
pub(crate) const NAMES: [&str; 15] = [
    "fsync",
    "signature",
    "commits",
    "axum",
    "axum-alone",
    "inserts",
    "new",
    "resend",
    "unreachable",
    "alone",
    "postgres",
    "ask",
    "query",
    "releases",
    "memory",
];

/// One run.
pub(crate) struct Run<'a> {
    pub(crate) licd: &'a Path,
    /// Where data is put: everything on one disk.
    pub(crate) place: PathBuf,
    pub(crate) lasting: Duration,
    /// Empty: everything but `memory`.
    pub(crate) only: &'a [String],
    pub(crate) marketplace: FastMarketplace,
    cluster: Option<Cluster>,
    rows: Vec<Row>,
    measured: HashMap<&'static str, Figure>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        licd: &'a Path,
        place: PathBuf,
        lasting: Duration,
        only: &'a [String],
    ) -> Result<Self> {
        if let Some(name) = only.iter().find(|name| !NAMES.contains(&name.as_str())) {
            bail!("there is no figure {name}; there are {}", NAMES.join(", "));
        }
        Ok(Self {
            licd,
            place,
            lasting,
            only,
            marketplace: market::start()?,
            cluster: None,
            rows: Vec::new(),
            measured: HashMap::new(),
        })
    }

    fn wants(&self, name: &str) -> bool {
        if self.only.is_empty() { name != "memory" } else { self.only.iter().any(|n| n == name) }
    }

    fn any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.wants(name))
    }

    /// Measures everything that is wanted; limits stand before what is compared with them.
    pub(crate) fn all(mut self) -> Result<Vec<Row>> {
        for (limit, compared) in [
            ("fsync", &["alone"][..]),
            ("signature", &["new", "alone"]),
            ("commits", &["new"]),
            ("axum", &["resend", "ask", "query", "releases"]),
            ("axum-alone", &["alone"]),
            ("inserts", &["postgres"]),
        ] {
            if self.wants(limit) || self.any(compared) {
                self.limit(limit)?;
            }
        }
        if self.any(&["new", "resend", "ask", "query", "releases"]) {
            self.with_marketplace()?;
        }
        if self.any(&["unreachable", "alone"]) {
            self.without_marketplace()?;
        }
        if self.wants("postgres") {
            self.on_postgres()?;
        }
        if self.wants("memory") {
            self.memory()?;
        }
        let place = |row: &Row| NAMES.iter().position(|name| *name == row.name);
        self.rows.sort_by_key(place);
        Ok(self.rows)
    }

    fn add(&mut self, name: &'static str, what: &'static str, figure: Figure, checks: Vec<Check>) {
        self.measured.insert(name, figure.clone());
        self.rows.push(Row { name, what, figure, checks });
    }

    fn cluster(&mut self) -> Result<&mut Cluster> {
        if self.cluster.is_none() {
            note("starting a private PostgreSQL …");
            self.cluster = Some(Cluster::start(&self.place)?);
        }
        self.cluster.as_mut().context("just started")
    }

    /// A limit of this machine, measured when it is first asked for.
    fn limit(&mut self, name: &'static str) -> Result<Figure> {
        if let Some(figure) = self.measured.get(name) {
            return Ok(figure.clone());
        }
        note(&format!("measuring {name} …"));
        let lasting = self.lasting;
        let (what, figure) = match name {
            "fsync" => ("fdatasync of 4 KiB", limits::sync(&self.place, lasting.min(5 * WARM_UP))?),
            "signature" => {
                ("Ed25519 signatures, one core", limits::signature(lasting.min(3 * WARM_UP)))
            }
            "commits" => {
                ("single-row commits, sqlx, SQLite", limits::commits(&self.place, lasting)?)
            }
            "axum" => ("bare axum answer, 32 connections", echo(CONNECTIONS, lasting)?),
            "axum-alone" => ("bare axum answer, one caller alone", echo(1, lasting)?),
            "inserts" => {
                let place = self.place.clone();
                let figure = self.cluster()?.inserts(&place, CONNECTIONS, lasting)?;
                ("pgbench single-row insert, 32 clients", figure)
            }
            _ => bail!("{name} is no limit"),
        };
        self.add(name, what, figure.clone(), Vec::new());
        Ok(figure)
    }

    /// The figure's rate as so many times the limit's.
    fn times(
        &mut self,
        figure: &Figure,
        limit: &'static str,
        text: &str,
        least: Option<f64>,
    ) -> Result<Check> {
        let limit = match self.measured.get(limit) {
            Some(figure) => figure.rate,
            None => self.limit(limit)?.rate,
        };
        Ok(Check {
            text: format!("x {text}"),
            value: figure.rate / limit.max(1e-9),
            target: least.map(Target::AtLeast),
        })
    }

    fn with_marketplace(&mut self) -> Result<()> {
        let site = Site::new(self.licd, &self.place, None)?;
        let server = site.start_fresh(&format!("http://{}", self.marketplace.address))?;
        let mut shop = Shop::new();
        note("new licenses, SQLite, marketplace reachable …");
        let (orders, uploads) = (self.marketplace.orders(), self.marketplace.uploads());
        let figure = self.sell(&server, &mut shop)?;
        note(&format!(
            "  the marketplace was asked for {} orders and took {} uploads meanwhile",
            self.marketplace.orders() - orders,
            self.marketplace.uploads() - uploads
        ));
        let checks = vec![
            self.times(&figure, "commits", "single-row commits", Some(4.0))?,
            p99(&figure, 10.0),
            self.times(&figure, "signature", "signatures of one core", None)?,
        ];
        self.add("new", "new licenses, 32 connections, SQLite", figure, checks);
        if self.wants("resend") {
            market::settle(&self.marketplace);
            note("re-sends …");
            let figure = self.resend(&server, &shop)?;
            let checks = vec![self.times(&figure, "axum", "bare axum answer", Some(0.25))?];
            self.add("resend", "re-sends of the same", figure, checks);
        }
        self.other_calls(&server, &shop)?;
        server.stop()
    }

    fn other_calls(&mut self, server: &Server, shop: &Shop) -> Result<()> {
        for (name, what) in [
            ("ask", "a program asks again (POST /v1/client/licenses)"),
            ("query", "queryInstance"),
            ("releases", "release list"),
        ] {
            if !self.wants(name) {
                continue;
            }
            note(&format!("{what} …"));
            let asking = || Asking::new(name, server, shop);
            load::run(&server.load(CONNECTIONS, WARM_UP), asking()?)?;
            let load = server.load(CONNECTIONS, self.lasting);
            let figure = figure(load::run(&load, asking()?)?.0, Some(server))?;
            let checks = vec![self.times(&figure, "axum", "bare axum answer", None)?];
            self.add(name, what, figure, checks);
        }
        Ok(())
    }

    fn without_marketplace(&mut self) -> Result<()> {
        let site = Site::new(self.licd, &self.place, None)?;
        let server = site.start_fresh(&format!("http://{}", self.marketplace.address))?;
        let mut shop = Shop::new();
        shop.stock(&server, self.licenses())?;
        server.stop()?;
        let server = site.start(NOBODY)?;
        if self.wants("unreachable") {
            note("new licenses, SQLite, marketplace unreachable …");
            let figure = self.sell(&server, &mut shop)?;
            if !self.measured.contains_key("new") {
                self.with_marketplace()?;
            }
            let checks = vec![self.times(&figure, "new", "with it reachable", Some(0.95))?];
            self.add("unreachable", "the same, marketplace unreachable", figure, checks);
        }
        if self.wants("alone") {
            note("one caller alone …");
            let mut median_of = |name| anyhow::Ok(self.limit(name)?.latency.percentile(50.0));
            let sync = median_of("fsync")?;
            let parts = sync + median_of("signature")? + median_of("axum-alone")?;
            let lasting = self.lasting;
            // What the run before left over is written back meanwhile.
            std::thread::sleep(2 * WARM_UP);
            let figure = figure(shop.sell(&server.load(1, lasting), 0)?, Some(&server))?;
            let median = figure.latency.percentile(50.0);
            let times = |text: &str, limit: Duration, target| Check {
                text: format!("x {text} (p50)"),
                value: median.as_secs_f64() / limit.as_secs_f64().max(1e-9),
                target,
            };
            let checks = vec![
                times("fdatasync", sync, Some(Target::AtMost(1.5))),
                times("HTTP, signature and fdatasync", parts, None),
            ];
            self.add("alone", "new licenses, one caller alone", figure, checks);
        }
        server.stop()
    }

    fn on_postgres(&mut self) -> Result<()> {
        self.limit("inserts")?;
        let database = self.cluster()?.database("licd")?;
        let site = Site::new(self.licd, &self.place, Some(database))?;
        let server = site.start_fresh(&format!("http://{}", self.marketplace.address))?;
        note("new licenses, PostgreSQL …");
        let figure = self.sell(&server, &mut Shop::new())?;
        let checks = vec![self.times(&figure, "inserts", "pgbench's inserts", Some(0.6))?];
        self.add("postgres", "new licenses, 32 connections, PostgreSQL", figure, checks);
        server.stop()
    }

    fn memory(&mut self) -> Result<()> {
        let site = Site::new(self.licd, &self.place, None)?;
        let server = site.start_fresh(&format!("http://{}", self.marketplace.address))?;
        let mut shop = Shop::new();
        note("a million licenses in one run …");
        shop.stock(&server, MILLION)?;
        let outcome = shop.sell_so_many(&server.load(CONNECTIONS, WARM_UP), MILLION)?;
        let figure = figure(outcome, Some(&server))?;
        let (resident, most) = figure.memory.unwrap_or_default();
        let mib = |bytes: u64| f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)) / 1024.0;
        let check =
            |text: &str, bytes, target| Check { text: text.to_owned(), value: mib(bytes), target };
        let checks = vec![
            check("MB resident", resident, Some(Target::AtMost(60.0))),
            check("MB at most", most, None),
        ];
        self.add("memory", "1,000,000 licenses in one run", figure, checks);
        server.stop()
    }

    /// Licenses to have in stock for a run.
    fn licenses(&self) -> u64 {
        (self.lasting + 2 * WARM_UP).as_secs() * MOST_A_SECOND
    }

    /// New licenses after a second of warming up, signed before the clock starts.
    fn sell(&self, server: &Server, shop: &mut Shop) -> Result<Figure> {
        shop.stock(server, self.licenses())?;
        let warm = shop.sell(&server.load(CONNECTIONS, WARM_UP), 0)?;
        let prepared = to_prepare(warm.rate() * 1.2, self.lasting);
        figure(shop.sell(&server.load(CONNECTIONS, self.lasting), prepared)?, Some(server))
    }

    fn resend(&self, server: &Server, shop: &Shop) -> Result<Figure> {
        let warm = shop.resend(&server.load(CONNECTIONS, WARM_UP), 0)?;
        let prepared = to_prepare(warm.rate() * 1.2, self.lasting);
        figure(shop.resend(&server.load(CONNECTIONS, self.lasting), prepared)?, Some(server))
    }
}

fn p99(figure: &Figure, most_ms: f64) -> Check {
    Check {
        text: "ms p99".to_owned(),
        value: figure.latency.percentile(99.0).as_secs_f64() * 1e3,
        target: Some(Target::AtMost(most_ms)),
    }
}

/// What an outcome comes to; an unexpected answer is the end of the run.
pub(crate) fn figure(outcome: Outcome, server: Option<&Server>) -> Result<Figure> {
    if let Some(wrong) = &outcome.first_wrong {
        bail!("{} of {} answers were wrong: {wrong}", outcome.wrong, outcome.latency.count());
    }
    let mut figure = Figure::new(outcome.rate(), outcome.latency);
    figure.cpu = Some((outcome.server_cpu, outcome.own_cpu));
    figure.memory = server.map(Server::memory);
    Ok(figure)
}

/// The bare answer, by the same generator with the same signed calls.
fn echo(connections: usize, lasting: Duration) -> Result<Figure> {
    let echo = Echo::start()?;
    let call = || Asking::bare(echo.address);
    let (warm, _) = load::run(&echo.load(connections, WARM_UP), call())?;
    let prepared = usize::try_from(to_prepare(warm.rate() * 1.2, lasting))?;
    let stock = load::Prepared::new(call(), prepared);
    figure(load::run(&echo.load(connections, lasting), stock)?.0, None)
}
