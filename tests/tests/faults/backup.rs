//! A machine that is lost, and restored from a backup that was made under load.

use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use koogallery_sim::faults::ApiFault;
use license_tests::http;
use license_tests::license;
use license_tests::market::TestMarketplace;
use license_tests::program;
use license_tests::server::{Server, Site};
use license_tests::{flowsim, time};
use serde_json::{Value, json};

use super::load::{self, Promises, Target};
use super::on_postgres;

#[test]
fn from_sqlite_to_sqlite() {
    let marketplace = TestMarketplace::start();
    drill(&marketplace, &Site::towards(&marketplace), &Site::towards(&marketplace));
}

#[test]
fn from_sqlite_to_postgresql() {
    let marketplace = TestMarketplace::start();
    let Some(new) = on_postgres(Site::towards(&marketplace)) else { return };
    drill(&marketplace, &Site::towards(&marketplace), &new);
}

#[test]
fn from_postgresql_to_sqlite() {
    let marketplace = TestMarketplace::start();
    let Some(old) = on_postgres(Site::towards(&marketplace)) else { return };
    drill(&marketplace, &old, &Site::towards(&marketplace));
}

#[test]
fn from_postgresql_to_postgresql() {
    let marketplace = TestMarketplace::start();
    let Some(old) = on_postgres(Site::towards(&marketplace)) else { return };
    let Some(new) = on_postgres(Site::towards(&marketplace)) else { return };
    drill(&marketplace, &old, &new);
}

/// `licd` with these words in this site's data folder; what it said.
fn licd(site: &Site, words: &[&str]) -> (Option<i32>, String) {
    let mut command = site.licd(words);
    command.arg("--data-dir").arg(site.data_dir());
    let done = program::run(&mut command, Duration::from_mins(2));
    let text = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    (done.status.code(), text)
}

fn drill(marketplace: &TestMarketplace, old: &Site, new: &Site) {
    let passphrase = old.folder().join("passphrase");
    std::fs::write(&passphrase, "correct horse battery staple\n").unwrap();
    let file: PathBuf = old.folder().join("backup");
    let (file, passphrase) = (file.to_str().unwrap(), passphrase.to_str().unwrap());

    let server = old.start();
    server.apply_product(&flowsim());
    let promises = Mutex::new(Promises::default());
    let before = load::under(&Target::of(&server), marketplace, &promises, || {
        thread::sleep(Duration::from_millis(1500));
        // From here on uploads get no answer: what is in the backup is still on its way.
        marketplace.uploading(Some(ApiFault::Close));
        thread::sleep(Duration::from_millis(500));
        let mut before = promises.lock().unwrap().clone();
        // An application that still waits for its order has no license yet: it gets one later,
        // and another one from the server that was restored.
        let issued = marketplace.deliveries();
        before.applications.retain(|event, _| issued.iter().any(|known| known.event == *event));
        let (status, text) = licd(old, &["backup", file, "--passphrase-file", passphrase]);
        assert_eq!(status, Some(0), "{text}");
        assert!(text.contains("keys are in it, encrypted"), "{text}");
        thread::sleep(Duration::from_millis(300));
        before
    });
    assert!(!before.applications.is_empty() && !before.licenses.is_empty(), "no load");

    // A list that readers have seen and that is newer than the backup; then the machine is lost.
    let instance = before.instances.values().next().unwrap();
    assert_eq!(server.code(&license_tests::call::status(instance, "FREEZE")), "000000");
    let (seen, entries) = license::revocations(&server);
    assert!(!entries.is_empty());
    let token = server.token.clone();
    server.kill();

    let (status, text) = licd(new, &["restore", file]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("PASSPHRASE_NEEDED"), "{text}");
    let (status, text) = licd(new, &["restore", file, "--passphrase-file", passphrase]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("confirm-restore"), "{text}");
    let (status, text) = licd(new, &["restore", file, "--passphrase-file", passphrase]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("DATABASE_NOT_EMPTY"), "{text}");

    marketplace.uploading(None);
    let already = marketplace.deliveries().len();
    let mut server = new.start();
    server.token = token;
    time::wait_for("the log", time::SOON, || {
        server.output().contains("uploads wait").then_some(())
    });
    assert_eq!(restore(&server)["uploads_wait"], true);
    thread::sleep(Duration::from_secs(2));
    assert_eq!(marketplace.deliveries().len(), already, "uploads wait for the confirmation");
    let (seq, _) = license::revocations(&server);
    assert!(seq > seen, "{seq} after {seen}");

    // Programs are served meanwhile; what the marketplace did not hear of is sent once confirmed.
    assert_eq!(restore(&server)["uploads_wait"], true);
    let listed = licctl(&server, &["upload", "list"]);
    assert!(listed.contains("RESTORE_UNCONFIRMED"), "{listed}");
    let confirmed = licctl(&server, &["upload", "confirm-restore", "--lang", "en"]);
    assert!(confirmed.contains("uploads go on"), "{confirmed}");
    assert_eq!(restore(&server), json!({ "uploads_wait": false }));

    load::verify(&server, marketplace, &before, |event| before.applications.contains_key(event));
    time::wait_for("all uploads", Duration::from_mins(2), || {
        load::uploads(&server).keys().all(|state| state == "delivered").then_some(())
    });
    assert_eq!(server.stop().code(), Some(0));
}

fn restore(server: &Server) -> Value {
    let reply = http::get(&format!("{}/api/v1/restore", server.admin), Some(&server.token));
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn licctl(server: &Server, words: &[&str]) -> String {
    let mut command = program::command(program::licctl(), &std::collections::BTreeMap::new());
    command.args(words).args(["--server", &server.admin]).env("LICCTL_TOKEN", &server.token);
    let done = program::run(&mut command, Duration::from_mins(1));
    String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned()
}
