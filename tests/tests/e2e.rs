//! The main job with nothing played by us: `licd`, `licctl market serve`, `licctl`, and the license
//! that arrives.
#![expect(clippy::unwrap_used, reason = "a surprise is the failure of the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use license_tests::program::{self, Running};
use license_tests::server::{Server, Site};
use license_tests::{AK, KEY, MACHINE, MARKET_PRODUCT, MARKET_SKU, SK, license, machine, time};
use serde_json::Value;

const PRODUCT: &str = r#"
id = "flowsim"
name = "FlowSim 流体仿真"
koogallery = [{ product_id = "PRODUCT", sku_code = "SKU" }]

[license]
kind = "node-locked"
machines = "order"
form = "string"
entitlements = { mesh = true, solver-cores = 64 }
grace_days = 7
maintenance_days = 365
"#;

/// `licctl market serve`, and what it printed.
struct Played {
    _running: Running,
    url: String,
    log: PathBuf,
    folder: tempfile::TempDir,
}

impl Played {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::write(folder.path().join("sk"), SK).unwrap();
        let file = fs::File::create(&log).unwrap();
        let mut command = program::command(program::licctl(), &BTreeMap::new());
        command.args(["market", "serve", "--listen", "127.0.0.1:0", "--ak", AK, "--sk-file"]);
        command.arg(folder.path().join("sk")).arg("--uploads-dir").arg(folder.path().join("saved"));
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let running = Running(command.spawn().unwrap());
        let url = time::wait_for("market serve is ready", time::SOON, || {
            let text = fs::read_to_string(&log).ok()?;
            let start = text.find("http://127.0.0.1:")?;
            let end = text[start..].find(|c: char| c.is_whitespace() || c == '"')?;
            Some(text[start..start + end].trim_end_matches('/').to_owned())
        });
        Self { _running: running, url, log, folder }
    }

    fn output(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

fn licctl(server: &Server, args: &[&str]) -> Output {
    let variables = [
        ("LICCTL_SERVER".to_owned(), server.admin.clone()),
        ("LICCTL_TOKEN".to_owned(), server.token.clone()),
    ];
    let mut command = program::command(program::licctl(), &BTreeMap::from(variables));
    program::run(command.args(args), Duration::from_mins(1))
}

fn json(output: &Output) -> Value {
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_signed_order_becomes_a_license_that_is_verified() {
    let market = Played::start();
    let site = Site::new().with("LICD_KOOGALLERY__BASE_URL", &market.url);
    let server = site.start();
    let product = PRODUCT.replace("PRODUCT", MARKET_PRODUCT).replace("SKU", MARKET_SKU);
    let product = write(site.folder(), "flowsim.toml", &product);
    let key = write(site.folder(), "key", KEY);

    assert!(licctl(&server, &["product", "apply", &product]).status.success());
    let seller = format!("{}/koogallery", server.listen);
    let bought = json(&licctl(
        &server,
        &[
            "market",
            "buy",
            &seller,
            "--key-file",
            &key,
            "--order",
            "MOCKPERIODYEARNEW",
            "--dev-info",
            MACHINE,
            "--resend",
            "2",
            "--json",
        ],
    ));
    assert_eq!(bought["code"], "OK", "{bought}");
    let instance = bought["instance_id"].as_str().unwrap();
    let event = bought["event_id"].as_str().unwrap();

    let upload = time::wait_for("the upload", time::SOON, || {
        server.upload(event).filter(|upload| upload["state"] == "delivered")
    });
    assert_eq!(upload["instance_id"], instance);
    time::wait_for("market serve shows it", time::SOON, || {
        market.output().contains(event).then_some(())
    });

    let listed = json(&licctl(&server, &["instance", "list", "--json"]));
    assert_eq!(listed.as_array().unwrap().len(), 1, "re-sends made no second one: {listed}");
    let shown = json(&licctl(&server, &["instance", "show", instance, "--json"]));
    assert_eq!(shown["machines"]["used"], 1);
    assert_eq!(shown["machines"]["limit"], 50);
    assert_eq!(shown["product"], "flowsim");

    // The very bytes that the marketplace received.
    let saved: Vec<_> = fs::read_dir(market.folder.path().join("saved")).unwrap().collect();
    assert_eq!(saved.len(), 1, "{saved:?}");
    let saved = saved[0].as_ref().unwrap().path();
    let text = fs::read_to_string(&saved).unwrap();
    let claims = license::claims(&server, &text, MACHINE);
    assert_eq!(claims["sub"], instance);
    assert_eq!(claims["ent"]["solver-cores"], 64);

    let saved = saved.to_str().unwrap();
    let verified = json(&licctl(
        &server,
        &[
            "verify",
            saved,
            "--trust",
            &server.listen,
            "--product",
            "flowsim",
            "--dev-info",
            MACHINE,
            "--json",
        ],
    ));
    assert_eq!(verified["code"], "OK", "{verified}");
    assert_eq!(verified["claims"]["jti"], claims["jti"]);
    let elsewhere = licctl(
        &server,
        &["verify", saved, "--trust", &server.listen, "--dev-info", &machine(3), "--json"],
    );
    assert_eq!(elsewhere.status.code(), Some(1));
    let refused: Value = serde_json::from_slice(&elsewhere.stdout).unwrap();
    assert_eq!(refused["code"], "MACHINE_MISMATCH", "{refused}");
}

/// The console's debugging page, played against the server, finds nothing to complain about.
#[test]
fn market_debug_passes() {
    let market = Played::start();
    let site = Site::new().with("LICD_KOOGALLERY__BASE_URL", &market.url);
    let server = site.start();
    let key = write(site.folder(), "key", KEY);
    let seller = format!("{}/koogallery", server.listen);
    let output = licctl(&server, &["market", "debug", &seller, "--key-file", &key]);
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(server.instances().is_empty(), "debugging makes nothing that counts");
}
