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
    let (marketplace, url) = timeline.step("Open a marketplace: licctl market serve", |found| {
        let (running, url) = shop.open_marketplace()?;
        found.text(format!("It answers MOCK orders and takes uploads at {url}"));
        Ok((running, url))
    })?;
    let server = timeline.step("Start licd on SQLite, in an empty folder", |found| {
        let server = shop.open_server(&url)?;
        found.text(format!("for the marketplace and for programs: {}", server.listen));
        found.text(format!("for operators: {}", server.admin));
        Ok(server)
    })?;

    timeline.step("Say what is sold: licctl product apply flowsim.toml", |found| {
        let applied = shop.licctl(Some(&server), &["product", "apply", "flowsim.toml"])?;
        ensure!(applied.status.success(), "{}", said(&applied));
        found.text(said(&applied));
        Ok(())
    })?;
    let title = "A customer buys, and the marketplace sends everything three times";
    let order = timeline.step(title, |found| buy(&shop, &server, found))?;
    let title = "The license arrives at the marketplace";
    let license = timeline.step(title, |found| arrive(&shop, &order, found))?;
    let title = "licctl verifies it with the server's public keys";
    timeline.step(title, |found| verify(&shop, &server, &license, &order.device, found))?;

    let title = "Build the C++ package, and a program that trusts these keys alone";
    let customer =
        timeline.step(title, |found| Customer::new(root, &shop, &server, &order, found))?;
    timeline.step("The C++ program asks for its license, verifies it and runs", |found| {
        let output = customer.ask(&[])?;
        found.text(said(&output));
        ensure!(output.status.success(), "the program refused its license: {}", output.status);
        let shown = shop.ask(Some(&server), &["instance", "show", &order.instance])?;
        ensure!(shown["machines"]["used"] == 1, "the same machine took a second place: {shown}");
        found.text("It is the machine that was applied for: still 1 place taken.");
        Ok(())
    })?;
    timeline.step("On another machine the same license is refused", |found| {
        let license = license.display().to_string();
        let output = customer.run(&["--license", &license, "--dev-info", ELSEWHERE])?;
        found.text(said(&output));
        ensure!(output.status.code() == Some(1), "another machine was not refused");
        ensure!(said(&output).contains("MACHINE_MISMATCH"), "refused for another reason");
        Ok(())
    })?;
    timeline.step("A newer version is published, and the program is told", |found| {
        publish(&shop, &server, found)?;
        let output = customer.ask(&["--check-updates"])?;
        found.text(said(&output));
        ensure!(output.status.success(), "the program ended with {}", output.status);
        ensure!(said(&output).contains("2.1.0"), "the newer version is not named");
        Ok(())
    })?;

    timeline.step("Stop everything", |found| close(marketplace, server, found))
}

/// What was bought.
struct Order {
    instance: String,
    event: String,
    code: String,
    device: String,
}

fn buy(shop: &Shop, server: &Server, found: &mut Findings) -> Result<Order> {
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
        found.text(format!(
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
        device,
    };
    let instances = shop.ask(Some(server), &["instance", "list"])?;
    ensure!(instances.as_array().is_some_and(|all| all.len() == 1), "not one: {instances}");
    found.text(format!("one instance came of it: {}", order.instance));
    Ok(order)
}

/// The file that `market serve` wrote.
fn arrive(shop: &Shop, order: &Order, found: &mut Findings) -> Result<PathBuf> {
    let uploads = || -> Result<Vec<Value>> {
        let log = fs::read_to_string(shop.folder.join("marketplace.log"))?;
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(lines.filter(|line| line["event"] == "upload").collect())
    };
    let upload = wait_for("the upload", Duration::from_secs(20), || {
        Ok(uploads()?.into_iter().find(|upload| upload["event_id"] == order.event.as_str()))
    })?;
    found.text(format!(
        "event {}: {} bytes, sha256 {}",
        order.event, upload["bytes"], upload["sha256"]
    ));
    std::thread::sleep(Duration::from_millis(500));
    ensure!(uploads()?.len() == 1, "uploaded more than once");
    let mut files = fs::read_dir(shop.folder.join("received"))?;
    let file = files.next().context("market serve wrote no file")??.path();
    found.text("uploaded once, although it was applied for three times");
    Ok(file)
}

fn verify(
    shop: &Shop,
    server: &Server,
    license: &Path,
    device: &str,
    found: &mut Findings,
) -> Result<()> {
    let license = license.display().to_string();
    let verified = shop.licctl(
        None,
        &[
            &["verify", &license, "--trust", &server.listen][..],
            &["--product", "flowsim", "--dev-info", device],
        ]
        .concat(),
    )?;
    ensure!(verified.status.success(), "{}", said(&verified));
    found.text(said(&verified));
    Ok(())
}

/// The customer's program and what he was given.
struct Customer<'a> {
    shop: &'a Shop,
    program: PathBuf,
    server: String,
    code: String,
}

impl<'a> Customer<'a> {
    /// Installs the package as a customer does and builds a program that finds it by
    /// `find_package`, with the server's public keys compiled in.
    fn new(
        root: &Path,
        shop: &'a Shop,
        server: &Server,
        order: &Order,
        found: &mut Findings,
    ) -> Result<Self> {
        let keys = fetch(&format!("{}/.well-known/jwks.json", server.listen))?;
        fs::write(shop.folder.join("trust.json"), keys)?;
        let (prefix, sdk, solver) = (shop.path("prefix"), shop.path("sdk"), shop.path("solver"));
        let prefix_path = format!("-DCMAKE_PREFIX_PATH={prefix}");
        let trust = format!("-DTRUST_JWKS={}", shop.path("trust.json"));
        // cargo's dev profile: the first result counts here, not the size of the library.
        let (debug, release) = ("-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_BUILD_TYPE=Release");
        for args in [
            &["-S", "ffi", "-B", &sdk, debug, "-DBUILD_TESTING=OFF"][..],
            &["--build", &sdk, "--parallel", "2"],
            &["--install", &sdk, "--prefix", &prefix],
            &["-S", "ffi/example", "-B", &solver, release, &prefix_path, &trust],
            &["--build", &solver],
        ] {
            build(&mut process::command(root, "cmake", args), &shop.folder.join("cmake.log"))?;
        }
        found
            .text("find_package(licsdk CONFIG REQUIRED), licsdk::licsdk; the keys are compiled in");
        Ok(Self {
            shop,
            program: Path::new(&solver).join("solver"),
            server: server.listen.clone(),
            code: order.code.clone(),
        })
    }

    /// Runs it as a customer who was given an activation code.
    fn ask(&self, args: &[&str]) -> Result<Output> {
        self.run(&[&["--server", &self.server, "--activation-code", &self.code][..], args].concat())
    }

    fn run(&self, args: &[&str]) -> Result<Output> {
        let state = self.shop.path("customer");
        let mut program = self.shop.command(&self.program);
        Ok(program.args(["--state-dir", &state]).args(args).output()?)
    }
}

fn publish(shop: &Shop, server: &Server, found: &mut Findings) -> Result<()> {
    fs::write(shop.folder.join("flowsim-2.1.0.tar.gz"), vec![7; 100_000])?;
    fs::write(shop.folder.join("notes.md"), "A faster mesher.\n")?;
    let published = shop.licctl(
        Some(server),
        &[
            &["release", "publish", "--product", "flowsim", "--version", "2.1.0"][..],
            &["--file", "flowsim-2.1.0.tar.gz", "--notes-en", "notes.md"],
            &["--url", "https://download.example.com/flowsim-2.1.0.tar.gz"],
        ]
        .concat(),
    )?;
    ensure!(published.status.success(), "{}", said(&published));
    found.text(said(&published));
    Ok(())
}

fn close(marketplace: Running, server: Server, found: &mut Findings) -> Result<()> {
    let limit = Duration::from_secs(10);
    let stopped = server.running.stop(limit)?.context("licd did not stop within 10 s")?;
    ensure!(stopped.success(), "licd stopped with {stopped}");
    let stopped = marketplace.stop(limit)?.context("market serve did not stop within 10 s")?;
    ensure!(stopped.success(), "market serve stopped with {stopped}");
    found.text("licd and the marketplace stopped when they were told to");
    Ok(())
}
