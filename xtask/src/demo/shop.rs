//! A seller's shop in one folder: the built programs, `licd` and the marketplace it is called by.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::process::{self, Running};

/// What the marketplace signs its calls with; a real one comes from the seller's console.
const ACCESS_KEY: &str = "demo-access-key-of-the-basic-interface";
const AK: &str = "DEMOAK";
const SK: &str = "demo-secret-key";

pub(crate) const PRODUCT: &str = r#"id = "flowsim"
name = "FlowSim 流体仿真"
koogallery = [{ product_id = "OFFI846204237451911168", sku_code = "0a4d1578-5295-46a7-92d4-7c803dccc51d" }]

[license]
kind = "node-locked"
machines = "order"
form = "string"
entitlements = { mesh = true, solver-cores = 64 }
grace_days = 7
maintenance_days = 365
"#;

/// The programs and where they work.
pub(crate) struct Shop {
    programs: PathBuf,
    pub(crate) folder: PathBuf,
}

/// A running `licd`.
pub(crate) struct Server {
    pub(crate) running: Running,
    pub(crate) listen: String,
    pub(crate) admin: String,
}

impl Shop {
    /// Writes the secrets into files, as an operator would.
    pub(crate) fn set_up(root: &Path, folder: &Path) -> Result<Self> {
        for (name, text) in [("access-key", ACCESS_KEY), ("sk", SK), ("flowsim.toml", PRODUCT)] {
            fs::write(folder.join(name), text)?;
        }
        Ok(Self { programs: target_dir(root)?.join("debug"), folder: folder.to_owned() })
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn ours(&self, program: &str) -> Command {
        self.command(&self.programs.join(program))
    }

    /// A program in the demo's folder.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = process::command(&self.folder, program, &[]);
        // The demo must not read or touch what this machine is really used for.
        for (name, _) in std::env::vars_os() {
            let ours = ["LICD_", "LICCTL_", "LICSDK_"];
            if name.to_str().is_some_and(|name| ours.iter().any(|prefix| name.starts_with(prefix)))
            {
                command.env_remove(name);
            }
        }
        command
    }

    /// Starts `licctl market serve`; gives its address.
    pub(crate) fn open_marketplace(&self) -> Result<(Running, String)> {
        let mut serve = self.ours("licctl");
        serve.args(["market", "serve", "--json", "--listen", "127.0.0.1:0", "--ak", AK]).args([
            "--sk-file",
            "sk",
            "--uploads-dir",
            "received",
        ]);
        let log = self.folder.join("marketplace.log");
        Running::serve(&mut serve, &log, Duration::from_secs(20), |line| {
            let line: Value = serde_json::from_str(line).ok()?;
            (line["event"] == "ready").then(|| line["address"].as_str().map(str::to_owned))?
        })
    }

    /// Starts `licd serve` on a free port, towards this marketplace.
    pub(crate) fn open_server(&self, marketplace: &str) -> Result<Server> {
        let mut serve = self.ours("licd");
        serve
            .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .env("LICD_KOOGALLERY__BASE_URL", marketplace)
            .env("LICD_KOOGALLERY__ACCESS_KEY_FILE", self.path("access-key"))
            .env("LICD_KOOGALLERY__AK", AK)
            .env("LICD_KOOGALLERY__SK_FILE", self.path("sk"))
            .env("LICD_ISSUER", "FlowSim Ltd");
        let log = self.folder.join("licd.log");
        let (running, (listen, admin)) =
            Running::serve(&mut serve, &log, Duration::from_secs(30), |line| {
                let line: Value = serde_json::from_str(line).ok()?;
                let text = |name: &str| line[name].as_str().map(str::to_owned);
                Some((text("listen")?, text("admin_listen")?))
            })?;
        Ok(Server { running, listen, admin })
    }

    /// Runs `licctl`, against the server where there is one.
    pub(crate) fn licctl(&self, server: Option<&Server>, args: &[&str]) -> Result<Output> {
        let mut licctl = self.ours("licctl");
        licctl.args(args);
        if let Some(server) = server {
            let token = fs::read_to_string(self.folder.join("licd-data/admin-token"))
                .context("the first admin token")?;
            licctl.env("LICCTL_SERVER", &server.admin).env("LICCTL_TOKEN", token.trim());
        }
        Ok(licctl.output()?)
    }

    /// Runs `licctl`, which must succeed, and reads the JSON that it prints.
    pub(crate) fn ask(&self, server: Option<&Server>, args: &[&str]) -> Result<Value> {
        let output = self.licctl(server, &[args, &["--json"]].concat())?;
        ensure!(output.status.success(), "licctl {}:\n{}", args.join(" "), said(&output));
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// What a program said on both channels.
pub(crate) fn said(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

/// Where cargo builds: `CARGO_TARGET_DIR`, a config file, or the repository's own folder.
pub(crate) fn target_dir(root: &Path) -> Result<PathBuf> {
    let args = ["metadata", "--format-version", "1", "--no-deps"];
    let output = process::cargo(root, &args).output()?;
    ensure!(output.status.success(), "cargo metadata:\n{}", said(&output));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    Ok(metadata["target_directory"].as_str().context("no target_directory")?.into())
}

/// Runs a build; its output is shown only when it fails.
pub(crate) fn build(command: &mut Command, log: &Path) -> Result<()> {
    let file = fs::File::create(log)?;
    command.stdout(file.try_clone()?).stderr(file);
    let status = Running::start(command)?.wait(Duration::from_mins(30))?;
    match status {
        Some(status) if status.success() => Ok(()),
        _ => bail!("{command:?} failed:\n{}", process::tail(log, 40)),
    }
}

/// Asks until there is an answer.
pub(crate) fn wait_for<T>(
    what: &str,
    within: Duration,
    mut ask: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let until = Instant::now() + within;
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        ensure!(Instant::now() < until, "{what}: not within {within:?}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// The body behind a plain `http://` address on this machine.
pub(crate) fn fetch(url: &str) -> Result<String> {
    let (host, path) =
        url.trim_start_matches("http://").split_once('/').context("an address without a path")?;
    let mut stream = TcpStream::connect(host)?;
    write!(stream, "GET /{path} HTTP/1.0\r\nhost: {host}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
    ensure!(head.split(' ').nth(1) == Some("200"), "{url}: {head}");
    Ok(body.to_owned())
}
