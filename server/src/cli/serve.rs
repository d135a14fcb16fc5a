//! `licd serve`: runs the server until a signal.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use license_core::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::options::{CommonOptions, runtime};
use crate::app::MadeFiles;
use crate::app::open;
use crate::config::{Config, Database, Loaded};
use crate::environment::Environment;
use crate::http::{
    BoundListeners, HttpState, RunningListeners, run_metrics_upkeep, start_metrics, tls,
};
use crate::logging;
use crate::output::Output;
use crate::workers;

/// For requests in flight at the stop; the workers get what is left of 10 s.
const REQUEST_GRACE: Duration = Duration::from_secs(6);
const WORK_GRACE: Duration = Duration::from_secs(3);

/// What `licd serve` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Without any option: data in ./licd-data, marketplace and clients on http://127.0.0.1:8470, admin
API on http://127.0.0.1:8471. The marketplace needs HTTPS on a domain name: set http.tls_cert and
http.tls_key, or put a reverse proxy in front (docs/OPERATIONS.md).")]
pub(crate) struct Args {
    #[command(flatten)]
    common: CommonOptions,
    /// Address for marketplace and clients [default: 127.0.0.1:8470]; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Address for admin API and metrics [default: 127.0.0.1:8471]; "" turns it off
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<String>,
}

pub(super) fn run(args: &Args, environment: Environment) -> anyhow::Result<()> {
    let _last_lines = logging::start()?;
    let outcome = prepare_and_serve(args, environment, &Output::of_this_process());
    if let Err(error) = &outcome {
        // The line for log collectors; people read the same on standard error.
        tracing::error!(error = format!("{error:#}"), "licd stops");
    }
    outcome
}

fn prepare_and_serve(args: &Args, environment: Environment, output: &Output) -> anyhow::Result<()> {
    let Loaded { config, warnings, .. } = args.common.load(vec![
        ("http.listen", args.listen.clone()),
        ("http.admin_listen", args.admin_listen.clone()),
    ])?;
    // Missing credentials are an alert of the worker that needs them: once is enough.
    for warning in warnings.iter().filter(|warning| warning.key != "koogallery.ak") {
        tracing::warn!("{}", warning.text);
    }
    let runtime = runtime()?;
    let outcome = runtime.block_on(serve(&config, environment, output));
    // Not a graceful shutdown of the runtime: it would wait for blocking threads, and a call to the
    // marketplace may hang on one.
    runtime.shutdown_background();
    outcome
}

async fn serve(config: &Config, environment: Environment, output: &Output) -> anyhow::Result<()> {
    let tls = tls(config)?;
    let metrics = start_metrics().context("the metrics cannot be set up")?;
    tokio::spawn(run_metrics_upkeep(metrics.clone()));
    let mut stop = StopSignals::listen()?;
    // Before the data folder: an address in use must not leave a new folder behind.
    let bound = BoundListeners::bind(&config.http)?;

    let app = tokio::select! {
        opened = open::open(config, environment.clone()) => opened?,
        // The database may not answer, or migrate for long. Each migration is a
        // transaction: the one that is running is rolled back.
        signal = stop.wait() => {
            tracing::info!(signal, "stopped before the database was open");
            return Ok(());
        }
    };
    if let Some(made) = app.made() {
        welcome(config, made, bound.admin_address(), &environment, output);
    }
    let (shutdown, watched) = watch::channel(false);
    let workers = workers::start(&app, watched);
    let state = HttpState {
        app: app.clone(),
        trusted_proxies: config.http.trusted_proxies.clone().into(),
        metrics,
    };
    let running = bound.serve(&state, tls)?;
    announce(&running, &environment, output);

    let signal = stop.wait().await;
    tracing::info!(signal, "stopping: requests in flight are finished");
    // A second signal ends the process at once: leases of jobs run out by themselves.
    tokio::spawn(async move {
        stop.wait().await;
        std::process::exit(1);
    });
    let _ = shutdown.send(true);
    running.stop(REQUEST_GRACE).await;
    let all = async {
        for worker in workers {
            let _ = worker.await;
        }
        app.close().await;
    };
    if tokio::time::timeout(WORK_GRACE, all).await.is_err() {
        tracing::warn!("background work did not stop in time; it is taken up at the next start");
    }
    tracing::info!("stopped");
    Ok(())
}

/// The streams of SIGTERM and SIGINT.
#[cfg(unix)]
struct StopSignals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignals {
    fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let listen =
            |kind| signal(kind).context("the operating system does not pass its signals on");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Returns on a signal only: a runtime that shuts down closes the streams, which is none.
    async fn wait(&mut self) -> &'static str {
        tokio::select! {
            Some(()) = self.terminate.recv() => "SIGTERM",
            Some(()) = self.interrupt.recv() => "SIGINT",
            else => std::future::pending().await,
        }
    }
}

/// Ctrl-C, the only one elsewhere.
#[cfg(not(unix))]
struct StopSignals;

#[cfg(not(unix))]
impl StopSignals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self)
    }

    async fn wait(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}

/// The line that says where the server can be reached.
fn announce(running: &RunningListeners, environment: &Environment, output: &Output) {
    let listen = running.listen();
    let mut text = format!(
        "{}: {listen} ({})",
        output.pick("licd is ready", "licd 已就绪"),
        output.pick("marketplace, clients", "云商店、客户端")
    );
    if let Some(admin) = running.admin_listen() {
        let _ = write!(text, "  {admin} ({})", output.pick("admin", "管理"));
    }
    let mut fields = Map::new();
    fields.insert("listen".to_owned(), listen.into());
    fields
        .insert("admin_listen".to_owned(), running.admin_listen().map_or(Value::Null, Value::from));
    output.event(&now(environment), &text, &text, fields);
}

/// What was made at the first start, and what to do next.
fn welcome(
    config: &Config,
    made: &MadeFiles,
    admin: Option<SocketAddr>,
    environment: &Environment,
    output: &Output,
) {
    let folder = config.data_dir.display();
    let token = made.admin_token_file.display();
    let admin = admin.map_or_else(String::new, |address| {
        format!(" --server http://{address} --token-file {token}")
    });
    let key =
        |role: &str| made.key_files.iter().any(|path| path.ends_with(format!("{role}-key.pem")));
    let line = |shown: bool, name: &str, en: &str, zh: &str| {
        if shown { format!("  {name:<16} {}\n", output.pick(en, zh)) } else { String::new() }
    };
    let files = [
        line(config.database == Database::Sqlite, "licd.db", "the database", "数据库"),
        line(key("issuing"), "issuing-key.pem", "the key that signs licenses", "许可证签名密钥"),
        line(
            key("release"),
            "release-key.pem",
            "the key that signs release lists",
            "发布清单签名密钥",
        ),
        line(true, "admin-token", "the first admin token", "首个管理员令牌"),
    ]
    .concat();
    let en = format!(
        "This is the first start: {folder} was made, for your eyes only. It holds\n\
         {files}\
         Keep a copy of the keys in a safe place: a lost key cannot be made again.\n\
         \n\
         What to do next\n\
         \x20 1. See it answer:\n\
         \x20    licctl product list{admin}\n\
         \x20 2. Describe what you sell in product.toml, then: licctl product apply product.toml\n\
         \x20 3. Copy the access key and the AK/SK of the seller console into licd.toml\n\
         \x20    ([koogallery] access_key, ak, sk) and start with: licd serve --config licd.toml\n\
         \x20 4. Give the marketplace this address: https://YOUR-DOMAIN/koogallery\n\
         \x20    (TLS or a reverse proxy: docs/OPERATIONS.md)\n"
    );
    let zh = format!(
        "首次启动：已创建 {folder}，仅您本人可读，其中有\n\
         {files}\
         请妥善备份密钥：丢失后将无法再签发许可证。\n\
         \n\
         接下来\n\
         \x20 1. 查看是否应答：\n\
         \x20    licctl product list{admin}\n\
         \x20 2. 在 product.toml 中描述您的产品，然后执行：licctl product apply product.toml\n\
         \x20 3. 将卖家中心的 access key 与 AK/SK 写入 licd.toml 的 [koogallery]\n\
         \x20    （access_key、ak、sk），并以 licd serve --config licd.toml 启动\n\
         \x20 4. 在云商店填写生产接口地址：https://您的域名/koogallery\n\
         \x20    (TLS 或反向代理见 docs/OPERATIONS.md)\n"
    );
    let mut fields = Map::new();
    fields.insert("data_dir".to_owned(), folder.to_string().into());
    fields.insert("admin_token_file".to_owned(), token.to_string().into());
    let message = "first start: data folder, keys and the first admin token were made";
    output.event(&now(environment), output.pick(&en, &zh), message, fields);
}

fn now(environment: &Environment) -> String {
    Timestamp::from_secs(environment.clock.now_ms().div_euclid(1000)).to_string()
}
