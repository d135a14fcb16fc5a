//! `licctl market serve`: the marketplace's open interfaces on loopback.

mod report;
mod scenario;

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use anyhow::{Context, bail};
use koogallery::aksk::Credentials;
use koogallery_sim::faults::Faults;
use koogallery_sim::oauth::ClientApplication;
use koogallery_sim::orders::OrderStore;
use koogallery_sim::scenario::Scenario;
use koogallery_sim::{MarketEvent, Setup, Simulator, server};
use license_core::{Code, Lang};
use tokio::net::TcpListener;

use crate::admin::ServerArgs;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Output;
use crate::secret_arg;

/// How long requests under way may take after the word to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  licctl market serve --ak AK-TEST --sk-file sk.txt
  licctl market serve --ak AK-TEST --sk-file sk.txt --orders orders.json --uploads-dir received
  licctl market serve --ak AK-TEST --sk-file sk.txt --fail 'upload:500x3,order:timeout'
  licctl market serve --ak AK-TEST --sk-file sk.txt --access-key-file key.txt --scenario month.toml \\
         --seller http://127.0.0.1:8470/koogallery --token-file licd-data/admin-token

A scenario (every line has a default; time_factor 120 turns two minutes into a second):
  seed = 7
  orders = 150
  rate = 10
  time_factor = 120
  faults = 0.02
  [seller]
  url = \"http://127.0.0.1:8470/koogallery\"
  access_key_file = \"access-key.txt\"
  [share]
  renew = 0.3
  freeze = 0.15
  release = 0.1

An order is what the marketplace answers as `orderInfo`:
  {\"orderId\":\"CS1\",\"orderType\":\"NEW\",\"createTime\":\"20270101080000\",\"orderLine\":[
   {\"orderLineId\":\"CS1-000001\",\"chargingMode\":\"PERIOD\",\"expireTime\":\"20280101235959\",
    \"productInfo\":[{\"productId\":\"OFFI846204237451911168\",\"linearValue\":5}]}]}";

/// Play the marketplace's open interfaces on loopback.
///
/// Answers the nine MOCK orders and those of a file, takes uploads, authorization codes (activate,
/// heartbeat; v1 and v2), usage (new and old form) and logins, checks every signature, and prints
/// each thing as it happens. Point licd at it with `koogallery.base_url`. What was received stands
/// at /uploads, /usage and /codes; `POST /codes` sells a code, `POST /codes/CODE/expire` (receive,
/// renew, release) changes it. Exit code 1 when an event got two different licenses, or a record of
/// usage two meanings.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8480")]
    listen: String,
    /// Access key id that the seller signs with (`koogallery.ak`).
    #[arg(long, value_name = "AK", env = "LICCTL_AK")]
    ak: String,
    #[command(flatten)]
    secret: SecretKey,
    /// Orders beside the MOCK orders: JSON, one `orderInfo` or an array; read again when changed.
    #[arg(long, value_name = "FILE")]
    orders: Option<PathBuf>,
    /// Write each license that arrives into this folder.
    #[arg(long, value_name = "DIR")]
    uploads_dir: Option<PathBuf>,
    /// Access key of the basic interfaces: the signature over usage is verified with it.
    #[arg(long, value_name = "FILE")]
    access_key_file: Option<PathBuf>,
    /// Applications that the authentication centre knows, beside `mock-client`: a JSON array of
    /// `{client_id, client_secret, redirect_uris}`.
    #[arg(long, value_name = "FILE")]
    clients: Option<PathBuf>,
    /// Answer wrongly: `API:FAULT[xN]`, several with commas; N times, or always.
    ///
    /// APIs: order, upload, activate, heartbeat, usage, authorize, token, userinfo, logout. Faults:
    /// 500, 429, 406, 401, 403 (nothing is done), timeout, close, slow, garbage (it is done, and its
    /// answer lost, late or a proxy's page).
    #[arg(long, value_name = "FAULTS", default_value = "", hide_default_value = true)]
    fail: Faults,
    /// Play the buyers of this TOML file against a seller, report what disagrees, and stop.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// The seller's endpoint, instead of the scenario's.
    #[arg(long, value_name = "URL", requires = "scenario")]
    seller: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct SecretKey {
    /// Secret key that the seller signs with (`koogallery.sk`).
    #[arg(long, value_name = "SK", env = "LICCTL_SK", hide_env_values = true)]
    sk: Option<String>,
    /// File that holds the secret key.
    #[arg(long, value_name = "FILE")]
    sk_file: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        let address = loopback(&self.listen, out)?;
        let sk = secret_arg::given(self.secret.sk.as_deref(), self.secret.sk_file.as_deref())?;
        let orders = OrderStore::open(self.orders.as_deref())
            .map_err(|error| Failure::new(Code::ConfigInvalid, error.to_string()))?;
        if let Some(folder) = &self.uploads_dir {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("making the folder {}", folder.display()))?;
        }
        let access_key = secret_arg::given(None, self.access_key_file.as_deref())?;
        let clients = clients(self.clients.as_deref())?;
        let mut staged = None;
        if let Some(file) = &self.scenario {
            let mut scenario = Scenario::read(file)
                .map_err(|error| Failure::new(Code::ConfigInvalid, error.to_string()))?;
            scenario.seller.url = self.seller.unwrap_or(scenario.seller.url);
            let key = self.access_key_file.as_deref();
            let endpoints = scenario::endpoints(&scenario, key, environment, out)?;
            let admin = self.server.is_given().then(|| self.server.connect(out)).transpose()?;
            staged = Some((scenario, endpoints, admin));
        }
        let share = staged.as_ref().map_or(0.0, |(scenario, ..)| scenario.faults);
        let seed = staged.as_ref().map_or(0, |(scenario, ..)| scenario.seed);
        let known = orders.file_len();
        let (events, reported) = channel();
        let simulator = Arc::new(Simulator::new(Setup {
            credentials: Credentials::new(self.ak, sk.unwrap_or_default().as_str()),
            access_key,
            sources: environment.sources(),
            orders,
            clients,
            faults: self.fail.with_share(share, seed),
            uploads_dir: self.uploads_dir,
            keep_requests: false,
            events: events.clone(),
        }));

        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(address)).map_err(|error| {
            let text = match out.lang() {
                Lang::En => format!("listening on {address}: {error}"),
                Lang::Zh => format!("监听 {address} 失败:{error}"),
            };
            let next = out.pick(
                "choose another --listen; port 0 takes a free one",
                "请换一个 --listen 端口;0 表示任选空闲端口",
            );
            Failure::new(Code::ConfigInvalid, text).advise(next)
        })?;
        let address = listener.local_addr()?;
        // Before the ready line: whoever reads it may stop this at once.
        let signals = runtime.block_on(async { Signals::listen() })?;
        runtime.spawn(serve(listener, Arc::clone(&simulator), signals, events));
        if let Some((scenario, endpoints, admin)) = &staged {
            let admin = admin.as_ref();
            let simulator = &simulator;
            let stage = scenario::Stage { scenario, endpoints, simulator, admin };
            return stage.run(&reported, out);
        }
        report::ready(address, known, out)?;
        report::watch(&reported, environment, out)?;
        report::finish(&simulator, out)
    }
}

/// The applications of the file, and the one that is always there.
fn clients(file: Option<&Path>) -> anyhow::Result<Vec<ClientApplication>> {
    let mut clients = vec![ClientApplication {
        id: "mock-client".to_owned(),
        secret: "mock-client-secret".to_owned(),
        redirect_uris: Vec::new(),
    }];
    if let Some(file) = file {
        let reading = || format!("reading the clients in {}", file.display());
        let text = std::fs::read_to_string(file).with_context(reading)?;
        let more: Vec<ClientApplication> = serde_json::from_str(&text)
            .with_context(reading)
            .map_err(|error| Failure::new(Code::ConfigInvalid, format!("{error:#}")))?;
        clients.extend(more);
    }
    Ok(clients)
}

/// Answers until it is told to stop; requests under way are answered first, for a while.
async fn serve(
    listener: TcpListener,
    simulator: Arc<Simulator>,
    mut signals: Signals,
    events: Sender<MarketEvent>,
) {
    let at_last = events.clone();
    let told = async move {
        signals.told_to_stop().await;
        tokio::spawn(async move {
            tokio::time::sleep(SHUTDOWN_TIMEOUT).await;
            let _ = at_last.send(MarketEvent::Stopped);
        });
    };
    if let Err(error) = server::serve(listener, simulator, told).await {
        let _ = events.send(MarketEvent::Trouble(error.to_string()));
    }
    let _ = events.send(MarketEvent::Stopped);
}

/// Ctrl-C and SIGTERM, heard from the moment this exists.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        Ok(Self { interrupt: signal(interrupt)?, terminate: signal(terminate)? })
    }

    #[cfg(unix)]
    async fn told_to_stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn told_to_stop(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// The address, refused where others could reach it: AK/SK are no protection for a toy.
fn loopback(listen: &str, out: &Output) -> anyhow::Result<SocketAddr> {
    let all: Vec<SocketAddr> = match listen.to_socket_addrs() {
        Ok(all) => all.collect(),
        Err(error) => bail!(
            Failure::new(Code::ConfigInvalid, format!("--listen {listen}: {error}"))
                .advise("--listen 127.0.0.1:8480")
        ),
    };
    match all.first() {
        Some(first) if all.iter().all(|address| address.ip().is_loopback()) => Ok(*first),
        _ => {
            let text = out.pick("is not on loopback", "不是本机回环地址");
            let next = out.pick(
                "it plays the marketplace for this machine alone: use 127.0.0.1 or [::1]",
                "仅供本机模拟云商店:请使用 127.0.0.1 或 [::1]",
            );
            let text = format!("--listen {listen} {text}");
            bail!(Failure::new(Code::ConfigInvalid, text).advise(next))
        }
    }
}
