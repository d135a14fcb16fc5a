//! `kill -9` at random moments under load, many times: every promise is kept.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use license_tests::market::TestMarketplace;
use license_tests::server::Site;
use license_tests::{flowsim, long, time};

use super::load::{self, Promises, Target};

#[test]
fn random_crashes_under_load_keep_every_promise() {
    let marketplace = TestMarketplace::start();
    let site = Site::towards(&marketplace);
    crash("SQLite", &site, &marketplace, if long() { 300 } else { 10 });
}

#[test]
fn random_crashes_on_postgresql_keep_every_promise() {
    let marketplace = TestMarketplace::start();
    let Some(site) = super::on_postgres(Site::towards(&marketplace)) else { return };
    crash("PostgreSQL", &site, &marketplace, if long() { 300 } else { 5 });
}

fn crash(database: &str, site: &Site, marketplace: &TestMarketplace, rounds: u32) {
    let begun = Instant::now();
    let server = site.start();
    server.apply_product(&flowsim());
    server.kill();
    let promises = Mutex::new(Promises::default());
    let mut random = time::now_ms().unsigned_abs();
    let mut slowest = Duration::ZERO;

    for round in 1..=rounds {
        let started = Instant::now();
        let server = site.start();
        slowest = slowest.max(started.elapsed());
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        let moment = Duration::from_millis(30 + (random >> 33) % 1_200);
        load::under(&Target::of(&server), marketplace, &promises, || {
            std::thread::sleep(moment);
            server.kill();
        });
        eprintln!("{database}, round {round}: killed after {moment:?}");
    }

    let promises = promises.into_inner().unwrap();
    assert!(promises.instances.len() >= rounds as usize, "the load was no load");
    let server = site.start();
    let kept = load::verify(&server, marketplace, &promises, |_| true);
    let uploads = time::wait_for("all uploads", Duration::from_mins(2), || {
        let states = load::uploads(&server);
        states.keys().all(|state| state == "delivered" || state == "superseded").then_some(states)
    });
    eprintln!(
        "{database}: {rounds} rounds in {} s, slowest start {} ms. Promised and kept: {} \
         instances, {} applications, {} licenses given to programs. {} uploads arrived, {} of \
         them once more with the same content, none with another; on the server: {uploads:?}",
        begun.elapsed().as_secs(),
        slowest.as_millis(),
        promises.instances.len(),
        promises.applications.len(),
        promises.licenses.len(),
        kept.deliveries,
        kept.repeated,
    );
}
