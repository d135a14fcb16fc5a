//! A running `licd` on free ports, and what an operator asks it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::call::{self, Call};
use crate::http::{self, Reply};
use crate::market::TestMarketplace;
use crate::program::{self, Running};
use crate::time;
use crate::{AK, GENERAL_KEY, KEY, KIT_KEY, LICENSE_CODE_KEY, SK};

/// A seller's machine: a data folder and the configuration, with or without a running server.
#[derive(Debug)]
pub struct Site {
    folder: Arc<TempDir>,
    variables: BTreeMap<String, String>,
    listen: String,
    admin_listen: String,
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

impl Site {
    /// A fresh data folder; nothing listens where the marketplace is looked for.
    ///
    /// # Panics
    ///
    /// When there is no room for a temporary folder.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("licd-test-").tempdir().expect("a folder");
        let any = || "127.0.0.1:0".to_owned();
        let (folder, variables) = (Arc::new(folder), BTreeMap::new());
        let site = Self { folder, variables, listen: any(), admin_listen: any() };
        site.with("LICD_KOOGALLERY__BASE_URL", "http://127.0.0.1:9")
            .with("LICD_KOOGALLERY__ACCESS_KEY", KEY)
            .with("LICD_KOOGALLERY__LICENSE_CODE_ACCESS_KEY", LICENSE_CODE_KEY)
            .with("LICD_KOOGALLERY__KIT_ACCESS_KEY", KIT_KEY)
            .with("LICD_KOOGALLERY__GENERAL_ACCESS_KEY", GENERAL_KEY)
            .with("LICD_KOOGALLERY__AK", AK)
            .with("LICD_KOOGALLERY__SK", SK)
            .with("LICD_ISSUER", "FlowSim Ltd")
    }

    /// A fresh data folder, and this marketplace to call.
    #[must_use]
    pub fn towards(marketplace: &TestMarketplace) -> Self {
        Self::new().with("LICD_KOOGALLERY__BASE_URL", marketplace.url())
    }

    /// Sets a key of the configuration by its environment variable.
    #[must_use]
    pub fn with(mut self, variable: &str, value: &str) -> Self {
        self.variables.insert(variable.to_owned(), value.to_owned());
        self
    }

    /// Listens on these addresses: those who call find a server that was started again.
    #[must_use]
    pub fn listening(mut self, listen: &str, admin_listen: &str) -> Self {
        listen.clone_into(&mut self.listen);
        admin_listen.clone_into(&mut self.admin_listen);
        self
    }

    /// Where the server keeps everything.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder beside the data.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `licd` with these arguments and this site's configuration.
    #[must_use]
    pub fn licd(&self, args: &[&str]) -> std::process::Command {
        let mut command = program::command(program::licd(), &self.variables);
        command.args(args).current_dir(self.folder.path());
        command
    }

    fn serve(&self) -> std::process::Command {
        let mut command = self.licd(&["serve", "--listen", &self.listen]);
        command.args(["--admin-listen", &self.admin_listen, "--data-dir"]).arg(self.data_dir());
        command
    }

    /// Starts the server.
    ///
    /// # Panics
    ///
    /// When it is not ready within 40 seconds; its output is in the message.
    #[must_use]
    pub fn start(&self) -> Server {
        let log = self.folder.path().join(format!("log-{}", time::unique()));
        let file = File::create(&log).unwrap();
        let mut command = self.serve();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let mut running = Running(command.spawn().expect("licd starts"));

        let (listen, admin) = time::wait_for("licd is ready", time::SOON, || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let ready = text.lines().find_map(ready);
            if ready.is_none()
                && let Some(status) = running.wait(Duration::ZERO)
            {
                panic!("licd ended with {status}\n{text}");
            }
            ready
        });
        let token = fs::read_to_string(self.data_dir().join("admin-token"));
        let token = token.unwrap_or_default().trim().to_owned();
        Server { running, listen, admin, token, log, _folder: Arc::clone(&self.folder) }
    }

    /// Starts the server where it must refuse to.
    ///
    /// # Panics
    ///
    /// When it does not end by itself.
    #[must_use]
    pub fn start_refused(&self, more: &[&str]) -> Output {
        program::run(self.serve().args(more), Duration::from_secs(30))
    }
}

/// The line that says where it listens: JSON, since no terminal reads it.
fn ready(line: &str) -> Option<(String, String)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let find = |name: &str| {
        let value = line.get(name).or_else(|| line.get("fields")?.get(name))?;
        value.as_str().map(str::to_owned)
    };
    Some((find("listen")?, find("admin_listen")?))
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Server {
    running: Running,
    /// Where the marketplace and programs call.
    pub listen: String,
    /// Where operators call.
    pub admin: String,
    /// The first admin token.
    pub token: String,
    log: PathBuf,
    /// A server outlives the site that it was started from, its data does too.
    _folder: Arc<TempDir>,
}

/// Where the marketplace calls it.
impl AsRef<str> for Server {
    fn as_ref(&self) -> &str {
        &self.listen
    }
}

impl Server {
    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.running.kill();
    }

    /// Stops it as a service manager would.
    #[must_use]
    pub fn stop(mut self) -> ExitStatus {
        self.running.stop(Duration::from_secs(11))
    }

    /// Everything it wrote so far.
    #[must_use]
    pub fn output(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Signs and sends a call of the marketplace.
    #[must_use]
    pub fn call(&self, body: &Value) -> Value {
        Call::new(body.to_string()).send(self)
    }

    /// The result code of a call.
    #[must_use]
    pub fn code(&self, body: &Value) -> String {
        self.call(body)["resultCode"].as_str().expect("checked by send").to_owned()
    }

    /// Buys: the instance of this order.
    ///
    /// # Panics
    ///
    /// When the seller refuses.
    #[must_use]
    pub fn buy(&self, order: &str) -> String {
        let answer = self.call(&call::new_instance(order));
        assert_eq!(answer["resultCode"], "000000", "{answer}");
        answer["instanceId"].as_str().expect("an instanceId").to_owned()
    }

    /// Buys, and waits until the server has read the order.
    #[must_use]
    pub fn buy_and_read(&self, order: &str) -> String {
        let instance = self.buy(order);
        time::wait_for("the order is read", time::SOON, || {
            (self.instance(&instance)["order_state"] == "read").then_some(())
        });
        instance
    }

    /// `GET` on the admin listener, with the first admin token.
    #[must_use]
    pub fn admin_get(&self, path: &str) -> Reply {
        http::get(&format!("{}{path}", self.admin), Some(&self.token))
    }

    /// `POST` on the admin listener, with the first admin token.
    #[must_use]
    pub fn admin_post(&self, path: &str, value: &Value) -> Reply {
        http::post(&format!("{}{path}", self.admin), Some(&self.token), value)
    }

    /// Applies a product.
    ///
    /// # Panics
    ///
    /// When the server refuses it.
    pub fn apply_product(&self, product: &Value) {
        let reply = self.admin_post("/api/v1/products", product);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// One instance with its licenses and applications.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn instance(&self, id: &str) -> Value {
        self.read(&format!("/api/v1/instances/{id}"))
    }

    fn read(&self, path: &str) -> Value {
        let reply = self.admin_get(path);
        assert_eq!(reply.status, 200, "{path}: {}\n{}", reply.text(), self.output());
        reply.json()
    }

    /// Every instance.
    #[must_use]
    pub fn instances(&self) -> Vec<Value> {
        self.list("/api/v1/instances?limit=500")
    }

    /// Every upload.
    #[must_use]
    pub fn uploads(&self) -> Vec<Value> {
        self.list("/api/v1/uploads?limit=500")
    }

    /// The upload for an event.
    #[must_use]
    pub fn upload(&self, event: &str) -> Option<Value> {
        self.uploads().into_iter().find(|upload| upload["event_id"] == event)
    }

    fn list(&self, path: &str) -> Vec<Value> {
        self.read(path).as_array().expect("an array").clone()
    }

    /// How many machines the instance counts, and its limit.
    #[must_use]
    pub fn machines(&self, instance: &str) -> (u64, Option<u64>) {
        let machines = &self.instance(instance)["machines"];
        (machines["used"].as_u64().expect("a count"), machines["limit"].as_u64())
    }

    /// Asks for a license as a program does.
    #[must_use]
    pub fn ask(&self, code: &str, dev_info: &str) -> Reply {
        let request = json!({
            "product": "flowsim",
            "activation_code": code,
            "dev_info": dev_info,
            "form": "string",
            "version": "2.0.0",
            "nonce": time::unique(),
        });
        http::post(&format!("{}/v1/client/licenses", self.listen), None, &request)
    }

    /// The activation code that the buyer was given.
    #[must_use]
    pub fn activation_code(&self, instance: &str) -> String {
        self.instance(instance)["activation_code"].as_str().expect("a code").to_owned()
    }

    /// Prometheus' text.
    #[must_use]
    pub fn metrics(&self) -> String {
        http::get(&format!("{}/metrics", self.admin), None).text()
    }

    /// The sum over all labels of a metric; 0 where it is not there.
    #[must_use]
    pub fn metric(&self, name: &str) -> f64 {
        self.metrics()
            .lines()
            .filter(|line| line.split(['{', ' ']).next() == Some(name))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }
}
