//! What the demo tells: an order, sent again and again; the license that arrives; a C++ program that
//! verifies it, refuses it elsewhere and learns of a newer version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::shop::{Server, Shop, build, fetch, said, wait_for};
use super::timeline::{Findings, Timeline};
use crate::process::{self, Running};

/// Another machine: nothing of it is this one's.
const ELSEWHERE: &str = "04:7C:16:00:00:01|NOT-THIS-DISK|NOT-THIS-BOARD|NOT-THIS-CPU";

pub(crate) fn tell(root: &Path, folder: &Path, timeline: &mut Timeline) -> Result<()> {
    let shop = Shop::set_up(root, folder)?;
    timeline.step("Build licd and licctl", |_| {
        for name in ["licd", "licctl"] {
            let args = ["build", "--quiet", "--package", name];
            build(&mut process::cargo(root, &args), &folder.join(format!("build-{name}.log")))?;
        }
        Ok(())
    })?;
    let example = timeline
        .step("Build the C++ package, install it, build a program with it", |f| {
            build_example(root, &shop, f)
        })?;
    let (marketplace, url) =
        timeline.step("Open a marketplace: licctl market serve", |findings| {
            let (running, url) = shop.open_marketplace()?;
            findings.show(format!("it answers MOCK orders and takes uploads at {url}"));
            Ok((running, url))
        })?;
    let server = timeline.step("Start licd on SQLite, in an empty folder", |findings| {
        let server = shop.open_server(&url)?;
        findings.show(format!("marketplace and programs: {}", server.listen));
        findings.show(format!("operators:                {}", server.admin));
        Ok(server)
    })?;

    timeline.step("Apply the product: licctl product apply flowsim.toml", |findings| {
        let applied = shop.licctl(Some(&server), &["product", "apply", "flowsim.toml"])?;
        ensure!(applied.status.success(), "{}", said(&applied));
        findings.show(said(&applied));
        Ok(())
    })?;
    let order = timeline
        .step("A customer buys, and everything is sent three times", |findings| {
            buy(&shop, &server, findings)
        })?;
    let license =
        timeline.step("The license arrives at the marketplace", |f| arrive(&shop, &order, f))?;
    timeline.step("licctl verifies it with the server's public keys", |findings| {
        verify(&shop, &server, &license, findings)
    })?;

    let customer = Customer::new(&shop, &server, example, &order)?;
    timeline.step("The C++ program asks for its license, verifies it and runs", |findings| {
        let output = customer.run(&[])?;
        findings.show(said(&output));
        ensure!(output.status.success(), "the program refused its license: {}", output.status);
        let shown = shop.ask(Some(&server), &["instance", "show", &order.instance])?;
        ensure!(shown["machines"]["used"] == 1, "the same machine took a second place: {shown}");
        findings
            .show("the machine is the one that the license was bought for: still 1 place taken");
        Ok(())
    })?;
    timeline.step("The same license on another machine is refused", |findings| {
        let output = customer.run(&["--dev-info", ELSEWHERE])?;
        findings.show(said(&output));
        ensure!(!output.status.success(), "another machine was accepted");
        ensure!(said(&output).contains("MACHINE_MISMATCH"), "refused for another reason");
        Ok(())
    })?;
    timeline.step("A newer version is published, and the program is told", |findings| {
        publish(&shop, &server, findings)?;
        let output = customer.run(&["--check-updates"])?;
        findings.show(said(&output));
        ensure!(output.status.success(), "the program ended with {}", output.status);
        ensure!(said(&output).contains("9.1.0"), "the newer version is not named");
        Ok(())
    })?;

    timeline.step("Stop everything", |findings| close(marketplace, server, findings))
}

/// The package as a customer installs it, and a program that finds it by `find_package`.
fn build_example(root: &Path, shop: &Shop, findings: &mut Findings) -> Result<PathBuf> {
    let log = shop.folder.join("build-cpp.log");
    let prefix = shop.path("prefix");
    let (package, program) = (shop.path("build-licsdk"), shop.path("build-example"));
    let found = format!("-DCMAKE_PREFIX_PATH={prefix}");
    // cargo's dev profile: the first result matters here, not the size of the library.
    let debug = "-DCMAKE_BUILD_TYPE=Debug";
    for args in [
        &["-S", "ffi", "-B", &package, debug, "-DBUILD_TESTING=OFF"][..],
        &["--build", &package, "--parallel", "2"],
        &["--install", &package, "--prefix", &prefix],
        &["-S", "ffi/example", "-B", &program, debug, &found],
        &["--build", &program],
    ] {
        build(&mut process::command(root, "cmake", args), &log)?;
    }
    let program = Path::new(&program).join("solver");
    ensure!(program.is_file(), "no program at {}", program.display());
    findings.show("find_package(licsdk CONFIG REQUIRED), licsdk::licsdk");
    Ok(program)
}

/// What was bought.
struct Order {
    instance: String,
    event: String,
    code: String,
}

fn buy(shop: &Shop, server: &Server, findings: &mut Findings) -> Result<Order> {
    let device = shop.licctl(None, &["devinfo"])?;
    ensure!(device.status.success(), "licctl devinfo: {}", said(&device));
    let device = String::from_utf8(device.stdout)?.trim().to_owned();
    let seller = format!("{}/koogallery", server.listen);
    let bought = shop.ask(
        Some(server),
        &[
            &["market", "buy", &seller, "--access-key-file", "access-key"][..],
            &["--order", "MOCKPERIODYEARNEW", "--dev-info", &device, "--resend", "2"],
        ]
        .concat(),
    )?;
    ensure!(bought["code"] == "OK", "{bought}");
    for call in bought["calls"].as_array().context("no calls")? {
        let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
        findings.show(format!(
            "{:<16} attempt {}: {} {}",
            text("activity"),
            call["attempt"],
            text("result_code"),
            text("result_msg"),
        ));
    }
    let text = |name: &str| -> Result<String> {
        Ok(bought[name].as_str().with_context(|| format!("no {name} in {bought}"))?.to_owned())
    };
    let order = Order {
        instance: text("instance_id")?,
        event: text("event_id")?,
        code: text("activation_code").context("the buyer was shown no activation code")?,
    };
    let instances = shop.ask(Some(server), &["instance", "list"])?;
    ensure!(instances.as_array().is_some_and(|all| all.len() == 1), "not one: {instances}");
    findings.show(format!("one instance came of it: {}", order.instance));
    Ok(order)
}

/// The file that `market serve` wrote.
fn arrive(shop: &Shop, order: &Order, findings: &mut Findings) -> Result<PathBuf> {
    let uploads = || -> Result<Vec<Value>> {
        let log = fs::read_to_string(shop.folder.join("marketplace.log"))?;
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(lines.filter(|line| line["event"] == "upload").collect())
    };
    let upload = wait_for("the upload", Duration::from_secs(20), || {
        Ok(uploads()?.into_iter().find(|upload| upload["event_id"] == order.event.as_str()))
    })?;
    findings.show(format!(
        "event {}: {} bytes, sha256 {}",
        order.event, upload["bytes"], upload["sha256"]
    ));
    std::thread::sleep(Duration::from_millis(500));
    ensure!(uploads()?.len() == 1, "uploaded more than once");
    let mut files = fs::read_dir(shop.folder.join("received"))?;
    let file = files.next().context("market serve wrote no file")??.path();
    findings.show("uploaded once, although it was applied for three times");
    Ok(file)
}

fn verify(shop: &Shop, server: &Server, license: &Path, findings: &mut Findings) -> Result<()> {
    let license = license.display().to_string();
    let args = ["verify", &license, "--trust", &server.listen, "--product", "flowsim"];
    let verified = shop.licctl(None, &args)?;
    ensure!(verified.status.success(), "{}", said(&verified));
    findings.show(said(&verified));
    Ok(())
}

/// The customer's program and what it was given.
struct Customer<'a> {
    shop: &'a Shop,
    program: PathBuf,
    server: String,
    code: String,
}

impl<'a> Customer<'a> {
    fn new(shop: &'a Shop, server: &Server, program: PathBuf, order: &Order) -> Result<Self> {
        let jwks = fetch(&format!("{}/.well-known/jwks.json", server.listen))?;
        fs::write(shop.folder.join("trust.json"), jwks)?;
        let (server, code) = (server.listen.clone(), order.code.clone());
        Ok(Self { shop, program, server, code })
    }

    fn run(&self, args: &[&str]) -> Result<Output> {
        let mut program = self.shop.command(&self.program);
        program
            .args(["--trust", "trust.json"])
            .args(args)
            .env("LICSDK_SERVER", &self.server)
            .env("LICSDK_ACTIVATION_CODE", &self.code)
            .env("LICSDK_STATE_DIR", self.shop.path("customer"));
        Ok(program.output()?)
    }
}

fn publish(shop: &Shop, server: &Server, findings: &mut Findings) -> Result<()> {
    fs::write(shop.folder.join("flowsim-9.1.0.tar.gz"), vec![7; 100_000])?;
    fs::write(shop.folder.join("notes.md"), "A faster mesher.\n")?;
    let published = shop.licctl(
        Some(server),
        &[
            &["release", "publish", "--product", "flowsim", "--version", "9.1.0"][..],
            &["--file", "flowsim-9.1.0.tar.gz", "--notes-en", "notes.md"],
            &["--url", "https://download.example.com/flowsim-9.1.0.tar.gz"],
        ]
        .concat(),
    )?;
    ensure!(published.status.success(), "{}", said(&published));
    findings.show(said(&published));
    Ok(())
}

fn close(marketplace: Running, server: Server, findings: &mut Findings) -> Result<()> {
    let limit = Duration::from_secs(10);
    let stopped = server.running.stop(limit)?.context("licd did not stop within 10 s")?;
    ensure!(stopped.success(), "licd stopped with {stopped}");
    let stopped = marketplace.stop(limit)?.context("market serve did not stop within 10 s")?;
    ensure!(stopped.success(), "market serve stopped with {stopped}");
    findings.show("licd and the marketplace stopped when they were told to");
    Ok(())
}
