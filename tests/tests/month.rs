//! A month of the marketplace, compressed: orders, renewals, freezes and refunds come in while the
//! open interfaces fail now and then and the power goes off at random, and in the end every order
//! stands where the marketplace believes it does; nothing twice, nothing lost.
#![expect(clippy::unwrap_used, reason = "a surprise is the failure of the test")]

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use license_tests::program::{self, Running};
use license_tests::server::Site;
use license_tests::{AK, KEY, SK, flowsim, license, long, time};
use serde_json::Value;

/// How big a month is.
struct Size {
    orders: u32,
    /// New ones a second.
    rate: u32,
    crashes: u32,
    /// Milliseconds between two crashes, on average.
    between: u64,
    within: Duration,
    /// Seconds that a license may take: a slow machine works through what has piled up.
    patience: u32,
}

fn size() -> Size {
    if long() {
        Size {
            orders: 10_000,
            rate: 25,
            crashes: 30,
            between: 12_000,
            within: Duration::from_hours(2),
            patience: 3_600,
        }
    } else {
        let within = Duration::from_mins(5);
        Size { orders: 150, rate: 15, crashes: 3, between: 3_000, within, patience: 120 }
    }
}

/// An address that was free a moment ago: those who call have to find the server again.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn scenario(size: &Size, listen: &str) -> String {
    format!(
        r#"
seed = 20261122
orders = {}
rate = {}
time_factor = 120
faults = 0.02
resend = 0.1
patience_seconds = {}

[seller]
url = "http://{listen}/koogallery"
access_key_file = "basic.key"

[share]
license = 0.9
trial = 0.1
perpetual = 0.1
renew = 0.4
refund_renewal = 0.25
upgrade = 0
freeze = 0.25
unfreeze = 0.7
release = 0.15
"#,
        size.orders, size.rate, size.patience
    )
}

#[test]
fn a_month_ends_as_the_marketplace_believes() {
    let plan = size();
    let (market, listen, admin) = (free(), free(), free());
    let site = Site::new()
        .with("LICD_KOOGALLERY__BASE_URL", &format!("http://{market}"))
        .listening(&listen, &admin);
    let mut server = site.start();
    server.apply_product(&flowsim());

    let folder = site.folder().to_owned();
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    write("basic.key", KEY);
    let sk = write("sk", SK);
    let token = write("token", &server.token);
    let month = write("month.toml", &scenario(&plan, &listen));
    let uploads = folder.join("uploads");
    let (report, errors) = (folder.join("report.json"), folder.join("report.err"));

    let mut command = program::command(program::licctl(), &BTreeMap::new());
    command
        .args(["market", "serve", "--json", "--listen", &market, "--ak", AK, "--sk-file"])
        .arg(&sk)
        .arg("--scenario")
        .arg(&month)
        .args(["--server", &format!("http://{admin}"), "--token-file"])
        .arg(&token)
        .arg("--uploads-dir")
        .arg(&uploads)
        .stdin(Stdio::null())
        .stdout(fs::File::create(&report).unwrap())
        .stderr(fs::File::create(&errors).unwrap());
    let start = Instant::now();
    let mut playing = Running(command.spawn().unwrap());

    let mut random = time::now_ms().unsigned_abs();
    for crash in 0..plan.crashes {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        let moment = Duration::from_millis(plan.between / 2 + (random >> 33) % plan.between);
        if playing.wait(moment).is_some() {
            break;
        }
        server.kill();
        // Calls meet a closed port for a while.
        thread::sleep(Duration::from_millis((random >> 13) % 700));
        server = site.start();
        eprintln!("crash {} after {:?}", crash + 1, start.elapsed());
    }
    let status = playing.wait(plan.within).expect("the month ends");
    let text = fs::read_to_string(&report).unwrap();
    let said = fs::read_to_string(&errors).unwrap();
    let month: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}{said}"));
    eprintln!("{} in {:?}", month["summary"], start.elapsed());

    let orders = month["orders"].as_array().unwrap();
    let wrong: Vec<_> =
        orders.iter().filter(|order| order["disagreements"] != serde_json::json!([])).collect();
    assert!(
        wrong.is_empty(),
        "{} of {}: {:#?}",
        wrong.len(),
        orders.len(),
        &wrong[..wrong.len().min(5)]
    );
    assert_eq!((status.code(), &month["code"]), (Some(0), &"OK".into()), "{said}");
    assert_eq!(orders.len(), usize::try_from(plan.orders).unwrap());
    let summary = &month["summary"];
    assert_eq!((&summary["violations"], &summary["refunded"]), (&0.into(), &0.into()));
    assert!(summary["faults"].as_u64().unwrap() > 0, "the marketplace had no bad day: {summary}");
    assert!(summary["failed_calls"].as_u64().unwrap() > 0, "no call met a crash: {summary}");

    // What arrived are licenses, each for its machine and of its instance.
    let mut verified = 0;
    for order in orders.iter().step_by(orders.len().div_ceil(300)) {
        for applied in order["licenses"].as_array().unwrap() {
            let event = applied["event_id"].as_str().unwrap();
            let arrived = ["txt", "lic"].into_iter().find_map(|extension| {
                fs::read_to_string(uploads.join(format!("{event}.{extension}"))).ok()
            });
            let arrived = arrived.unwrap_or_else(|| panic!("{event} was not kept"));
            let claims = license::claims(&server, &arrived, applied["dev_info"].as_str().unwrap());
            assert_eq!(claims["sub"], order["instance_id"], "{event}");
            verified += 1;
        }
    }
    assert!(verified > 50, "{verified}");
}
