//! A `licd` of its own in a fresh folder, as an operator would run it.

use std::cell::RefCell;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::calls::{self, KEY};
use crate::load::{self, Load, Source};
use crate::process;

/// Nothing listens there.
pub(crate) const NOBODY: &str = "http://127.0.0.1:9";

/// A data folder and where its server finds its database and its marketplace.
pub(crate) struct Site {
    folder: TempDir,
    licd: PathBuf,
    database: Option<String>,
}

/// A running server; ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) listen: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) token: String,
    /// From its start to the line that says it is ready.
    pub(crate) start_up: Duration,
}

impl Site {
    /// A fresh folder under `place`; without an address the database is SQLite's.
    pub(crate) fn new(licd: &Path, place: &Path, database: Option<String>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("licd-bench-").tempdir_in(place)?;
        Ok(Self { folder, licd: licd.to_owned(), database })
    }

    /// Where the server keeps everything.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The same in another folder beside it; no server of it may run.
    pub(crate) fn copy(&self, place: &Path) -> Result<Self> {
        let copy = Self::new(&self.licd, place, self.database.clone())?;
        fs::create_dir(copy.data_dir())?;
        for entry in fs::read_dir(self.data_dir())? {
            let entry = entry?;
            fs::copy(entry.path(), copy.data_dir().join(entry.file_name()))?;
        }
        Ok(copy)
    }

    /// Starts the server; `marketplace` is the base of the addresses that it calls.
    pub(crate) fn start(&self, marketplace: &str) -> Result<Server> {
        self.start_at(marketplace, SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Starts it where it is looked for.
    pub(crate) fn start_at(&self, marketplace: &str, listen: SocketAddr) -> Result<Server> {
        let log = self.folder.path().join("log");
        let file = File::create(&log)?;
        let mut command = Command::new(&self.licd);
        for (name, _) in std::env::vars_os() {
            // What this machine is really used for is neither read nor touched.
            if name.to_str().is_some_and(|name| name.starts_with("LICD_")) {
                command.env_remove(name);
            }
        }
        command
            .args(["serve", "--listen", &listen.to_string()])
            .args(["--admin-listen", "127.0.0.1:0", "--data-dir"])
            .arg(self.data_dir())
            .env("LICD_KOOGALLERY__BASE_URL", marketplace)
            .env("LICD_KOOGALLERY__ACCESS_KEY", KEY)
            .env("LICD_KOOGALLERY__AK", "AKOFTHEBENCH")
            .env("LICD_KOOGALLERY__SK", "secret-key-of-the-bench")
            .env("LICD_ISSUER", "FlowSim Ltd")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        if let Some(database) = &self.database {
            command.env("LICD_DATABASE", database);
        }
        let began = Instant::now();
        let mut child = command.spawn().context("starting licd")?;
        let (listen, admin) = loop {
            let text = fs::read_to_string(&log).unwrap_or_default();
            if let Some(found) = text.lines().find_map(ready) {
                break found;
            }
            if let Some(status) = child.try_wait()? {
                bail!("licd ended with {status}\n{text}");
            }
            if began.elapsed() > Duration::from_mins(2) {
                let _ = child.kill();
                bail!("licd is not ready after two minutes\n{text}");
            }
            thread::sleep(Duration::from_millis(1));
        };
        let start_up = began.elapsed();
        let mut server = Server { child, listen, admin, token: String::new(), start_up };
        let token = fs::read_to_string(self.data_dir().join("admin-token"))?;
        token.trim().clone_into(&mut server.token);
        Ok(server)
    }

    /// Starts it for the first time, with the product applied.
    pub(crate) fn start_fresh(&self, marketplace: &str) -> Result<Server> {
        let server = self.start(marketplace)?;
        server.admin_post("/api/v1/products", &calls::product())?;
        Ok(server)
    }
}

/// The line that says where it listens.
fn ready(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let address = |name: &str| line.get(name)?.as_str()?.trim_start_matches("http://").parse().ok();
    Some((address("listen")?, address("admin_listen")?))
}

impl Server {
    /// Memory in bytes: resident now, and the most that it was.
    pub(crate) fn memory(&self) -> (u64, u64) {
        process::memory(self.child.id()).unwrap_or_default()
    }

    /// A load on the address for the marketplace and programs.
    pub(crate) fn load(&self, connections: usize, lasting: Duration) -> Load {
        Load { address: self.listen, connections, lasting, server: self.child.id() }
    }

    /// A load on the operators' address.
    pub(crate) fn admin_load(&self, connections: usize, lasting: Duration) -> Load {
        Load { address: self.admin, ..self.load(connections, lasting) }
    }

    /// The answer of the admin listener.
    pub(crate) fn admin_get(&self, path: &str) -> Result<Value> {
        let mut request = Vec::new();
        calls::get(&self.admin.to_string(), path, Some(&self.token), &mut request);
        self.ask(request)
    }

    /// Sends a JSON body to the admin listener.
    pub(crate) fn admin_post(&self, path: &str, body: &Value) -> Result<Value> {
        let body = body.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             authorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
            self.admin,
            self.token,
            body.len()
        );
        self.ask(request.into_bytes())
    }

    /// One request by itself; the JSON that came back.
    fn ask(&self, request: Vec<u8>) -> Result<Value> {
        let one = One(Some(request), RefCell::default());
        let (outcome, one) = load::run(&self.admin_load(1, Duration::from_secs(30)), one)?;
        if let Some(wrong) = outcome.first_wrong.filter(|wrong| !wrong.starts_with("HTTP/1.1 201"))
        {
            bail!("{wrong}");
        }
        serde_json::from_slice(&one.1.into_inner()).context("an answer that is no JSON")
    }

    /// Stops it as a service manager would.
    pub(crate) fn stop(mut self) -> Result<()> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status()?;
        ensure!(sent.success(), "licd cannot be told to stop");
        let until = Instant::now() + Duration::from_mins(1);
        while self.child.try_wait()?.is_none() {
            ensure!(Instant::now() < until, "licd does not stop");
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request, and the body of its answer.
struct One(Option<Vec<u8>>, RefCell<Vec<u8>>);

impl Source for One {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        self.0.take().map(|one| request.extend(one)).is_some()
    }

    fn good(&self, body: &[u8]) -> bool {
        self.1.replace(body.to_owned());
        true
    }
}
