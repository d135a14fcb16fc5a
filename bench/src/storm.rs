//! After an outage everybody comes back: the marketplace sends what failed again every two minutes
//! for two hours, then refunds it. A small run on the real server with the clock pressed together,
//! and the same counted through for larger sellers with the capacity that was measured.

mod model;
mod real;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::figures::{CONNECTIONS, figure};
use crate::market;
use crate::output::{line, note};
use crate::shop::Shop;
use crate::site::Site;
use crate::table::{duration, grid, number};
use model::{Outage, Storm};

/// Sellers whose orders meet in one server.
const SELLERS: f64 = 10_000.0;
/// A busy seller's orders a day, and an absurd one's.
const ORDERS_A_DAY: [f64; 4] = [2.0, 20.0, 200.0, 2_000.0];
/// How long nobody answered, in minutes.
const OUTAGES: [u32; 3] = [30, 120, 180];
/// What one question to the marketplace takes where it is far away.
const FAR: Duration = Duration::from_millis(50);
/// Questions that the server asks at the same time (`server/src/workers/orders.rs`).
const PARALLEL: f64 = 16.0;
const DAY: f64 = 86_400.0;

/// Runs and counts.
pub(crate) fn run(licd: &Path, place: &Path, lasting: Duration, as_json: bool) -> Result<Value> {
    let marketplace = market::start()?;
    let reachable = format!("http://{}", marketplace.address);
    let site = Site::new(licd, place, None)?;
    let server = site.start_fresh(&reachable)?;
    note("new instances, 32 connections …");
    let capacity = figure(Shop::purchases(&server.load(CONNECTIONS, lasting))?, None)?.rate;
    server.stop()?;

    // Two hours of a busy market, come back at once.
    let orders = (SELLERS * ORDERS_A_DAY[1] * 7200.0 / DAY).round();
    note(&format!("{} orders come back to a server that was away …", number(orders)));
    let real = real::run(&Site::new(licd, place, None)?, &reachable, orders)?;

    let storms: Vec<_> = OUTAGES
        .into_iter()
        .flat_map(|minutes| ORDERS_A_DAY.map(|orders| (minutes, orders)))
        .map(|(minutes, orders)| {
            let outage = Outage {
                orders_a_second: SELLERS * orders / DAY,
                seconds: minutes * 60,
                capacity,
                reads_a_second: PARALLEL / FAR.as_secs_f64(),
            };
            (minutes, orders, outage, model::count(&outage))
        })
        .collect();
    if !as_json {
        line(&real.text());
        line(&format!(
            "\nCounted through with {} new instances a second, as measured, and {} orders read a \
             second ({PARALLEL} questions at a time of {} each):\n",
            number(capacity),
            number(PARALLEL / FAR.as_secs_f64()),
            duration(FAR)
        ));
        print(&storms);
    }
    let counted = storms.iter().map(|(minutes, orders, _, storm)| {
        json!({
            "outage_minutes": minutes,
            "orders_a_seller_a_day": orders,
            "waiting": storm.waiting,
            "lost": storm.lost,
            "lost_share": storm.lost_share(),
            "answered_after_s": storm.answered_after,
            "read_after_s": storm.read_after,
        })
    });
    let counted: Vec<_> = counted.collect();
    Ok(json!({ "new_instances_a_second": capacity, "real": real.json(), "model": counted }))
}

fn print(storms: &[(u32, f64, Outage, Storm)]) {
    let head = [
        "outage",
        "orders a seller a day",
        "a second",
        "waiting at its end",
        "calls in the worst second",
        "all answered after",
        "all orders read after",
        "refunded",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    for (minutes, orders, outage, storm) in storms {
        let after = |seconds: Option<u32>| match seconds {
            Some(seconds) => format!("{seconds} s"),
            None => "never".to_owned(),
        };
        rows.push([
            format!("{minutes} min"),
            number(*orders),
            number(outage.orders_a_second),
            number(storm.waiting),
            number(storm.worst),
            after(storm.answered_after),
            after(storm.read_after),
            format!("{} ({:.1} %)", number(storm.lost), storm.lost_share() * 100.0),
        ]);
    }
    grid(&rows);
}
