//! `licctl market serve`: the marketplace's open interfaces on loopback.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use anyhow::{Context, bail};
use koogallery::aksk::Credentials;
use koogallery::order;
use license_core::Lang;
use license_core::code::Code;
use license_core::time::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::market::console::stamp;
use crate::market::ledger::{Ledger, Upload, Verdict};
use crate::market::open_api::{self, Happening, Marketplace, locked};
use crate::market::orders::OrderBook;
use crate::output::{BAD, BOLD, DIM, GOOD, Output, WARN};
use crate::secret;

/// Play the marketplace's open interfaces on loopback: order look-ups and uploads.
///
/// Answers the nine MOCK orders and those of a file, checks AK/SK, and prints each upload as it
/// arrives. Point licd at it with `koogallery.base_url`. What was received stands at /uploads.
/// Exit code 1 when an event got two different licenses.
#[derive(clap::Args)]
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
        let sk = secret::given(self.secret.sk.as_deref(), self.secret.sk_file.as_deref())?;
        let orders = OrderBook::open(self.orders.as_deref())
            .map_err(|error| Failure::new(Code::ConfigInvalid, format!("{error:#}")))?;
        if let Some(folder) = &self.uploads_dir {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("making the folder {}", folder.display()))?;
        }
        let known = orders.len();
        let (happenings, seen) = channel();
        let marketplace = Arc::new(Marketplace {
            credentials: Credentials::new(self.ak, sk.unwrap_or_default().as_str()),
            environment: *environment,
            orders: Mutex::new(orders),
            ledger: Mutex::new(Ledger::default()),
            uploads_dir: self.uploads_dir,
            happenings: happenings.clone(),
        });

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
        runtime.spawn(serve(listener, Arc::clone(&marketplace), happenings)?);
        ready(address, known, out)?;
        watch(&seen, environment, out)?;
        finish(&locked(&marketplace.ledger), out)
    }
}

/// Runs until it is told to stop; requests under way are answered first.
fn serve(
    listener: TcpListener,
    marketplace: Arc<Marketplace>,
    happenings: Sender<Happening>,
) -> anyhow::Result<impl Future<Output = ()>> {
    Ok(async move {
        let served = axum::serve(listener, open_api::router(marketplace))
            .with_graceful_shutdown(told_to_stop())
            .await;
        if let Err(error) = served {
            let _ = happenings.send(Happening::Trouble(error.to_string()));
        }
        let _ = happenings.send(Happening::Stopped);
    })
}

#[cfg(unix)]
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn told_to_stop() {
    let _ = tokio::signal::ctrl_c().await;
}

/// The address, refused where others could reach it: AK/SK are no protection for a toy.
fn loopback(listen: &str, out: &Output) -> anyhow::Result<SocketAddr> {
    let all: Vec<SocketAddr> = match listen.to_socket_addrs() {
        Ok(all) => all.collect(),
        Err(error) => bail!(
            Failure::new(Code::ConfigInvalid, format!("--listen {listen}: {error}"))
                .advise("127.0.0.1:8480")
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

fn ready(address: SocketAddr, known: usize, out: &mut Output) -> anyhow::Result<()> {
    let mocks = order::MOCK_ORDERS.len();
    if out.is_json() {
        return line(
            &json!({
                "event": "ready", "address": format!("http://{address}"),
                "mock_orders": mocks, "orders": known,
            }),
            out,
        );
    }
    out.line(match out.lang() {
        Lang::En => format!(
            "{GOOD}ready{GOOD:#}: the marketplace listens on {BOLD}http://{address}{BOLD:#} \
             ({mocks} MOCK orders, {known} of your own)"
        ),
        Lang::Zh => format!(
            "{GOOD}就绪{GOOD:#}:模拟云商店监听 {BOLD}http://{address}{BOLD:#}\
             ({mocks} 个 MOCK 订单,{known} 个自定义订单)"
        ),
    })?;
    Ok(())
}

fn watch(
    seen: &Receiver<Happening>,
    environment: &Environment,
    out: &mut Output,
) -> anyhow::Result<()> {
    for happening in seen {
        if matches!(happening, Happening::Stopped) {
            break;
        }
        if out.is_json() {
            line(&as_json(&happening, environment.now())?, out)?;
        } else {
            let clock = stamp("%H:%M:%S", environment.now().as_secs());
            let text = describe(&happening, out.lang());
            out.line(format!("{DIM}{clock}{DIM:#}  {text}"))?;
        }
    }
    Ok(())
}

fn line(value: &Value, out: &mut Output) -> anyhow::Result<()> {
    out.line(value)?;
    Ok(())
}

fn as_json(happening: &Happening, now: Timestamp) -> anyhow::Result<Value> {
    let mut value = match happening {
        Happening::OrderAsked { order, line, known } => {
            json!({ "event": "order", "order_id": order, "order_line_id": line, "known": known })
        }
        Happening::Uploaded(upload) => {
            let mut value = serde_json::to_value(upload)?;
            value["event"] = "upload".into();
            value
        }
        Happening::Refused { request, status, code, reason } => json!({
            "event": "refused", "request": request, "status": status, "code": code,
            "reason": reason,
        }),
        Happening::Trouble(text) => json!({ "event": "trouble", "message": text }),
        Happening::Stopped => json!({ "event": "stopped" }),
    };
    value["at"] = serde_json::to_value(now)?;
    Ok(value)
}

fn describe(happening: &Happening, lang: Lang) -> String {
    match (happening, lang) {
        (Happening::OrderAsked { order, known: true, .. }, Lang::En) => {
            format!("order {order} was asked for and answered")
        }
        (Happening::OrderAsked { order, known: true, .. }, Lang::Zh) => {
            format!("查询订单 {order}:已应答")
        }
        (Happening::OrderAsked { order, .. }, Lang::En) => {
            format!("{WARN}order {order} was asked for and is not known{WARN:#} (MKT.0101)")
        }
        (Happening::OrderAsked { order, .. }, Lang::Zh) => {
            format!("{WARN}查询订单 {order}:不存在{WARN:#}(MKT.0101)")
        }
        (Happening::Uploaded(upload), lang) => describe_upload(upload, lang),
        (Happening::Refused { request, status, code, reason }, Lang::En) => {
            format!("{WARN}refused{WARN:#} {request}: {reason} (HTTP {status}, {code})")
        }
        (Happening::Refused { request, status, code, reason }, Lang::Zh) => {
            format!("{WARN}拒绝{WARN:#} {request}:{reason}(HTTP {status},{code})")
        }
        (Happening::Trouble(text), _) => format!("{BAD}{text}{BAD:#}"),
        (Happening::Stopped, _) => String::new(),
    }
}

fn describe_upload(upload: &Upload, lang: Lang) -> String {
    let Upload { event_id, bytes, count, sha256, .. } = upload;
    let hash = &sha256[..16];
    let what = match (&upload.file_name, lang) {
        (Some(name), Lang::En) => {
            format!("FILE \"{name}\" of {bytes} bytes, SHA-256 verified: {hash}…")
        }
        (Some(name), Lang::Zh) => format!("FILE「{name}」{bytes} 字节,SHA-256 已核对:{hash}…"),
        (None, Lang::En) => format!("CHARACTERS, {bytes} of them, SHA-256 {hash}…"),
        (None, Lang::Zh) => format!("CHARACTERS,{bytes} 个字符,SHA-256 {hash}…"),
    };
    let head = match (upload.verdict, lang) {
        (Verdict::First, Lang::En) => format!("{GOOD}upload{GOOD:#} for event {event_id}: {what}"),
        (Verdict::First, Lang::Zh) => format!("{GOOD}上传{GOOD:#} 事件 {event_id}:{what}"),
        (Verdict::Repeat, Lang::En) => {
            return format!(
                "{DIM}upload for event {event_id} again ({count}), content unchanged{DIM:#}"
            );
        }
        (Verdict::Repeat, Lang::Zh) => {
            return format!("{DIM}事件 {event_id} 第 {count} 次上传,内容相同{DIM:#}");
        }
        (Verdict::Violation, Lang::En) => {
            format!("{BAD}VIOLATION{BAD:#}: event {event_id} already had other content, now {what}")
        }
        (Verdict::Violation, Lang::Zh) => {
            format!("{BAD}违规{BAD:#}:事件 {event_id} 此前已上传不同内容,现为 {what}")
        }
    };
    let content = upload.content.as_deref().unwrap_or("…");
    // A file begins with lines for people; what it carries begins after its mark.
    let content = content.split_once("-----BEGIN LICENSE-----").map_or(content, |(_, rest)| rest);
    let start: String = content.trim_start().chars().take(60).collect();
    format!("{head}\n          {DIM}{start}…{DIM:#}")
}

fn finish(ledger: &Ledger, out: &mut Output) -> anyhow::Result<ExitCode> {
    let (uploads, events, violations) =
        (ledger.uploads().len(), ledger.events(), ledger.violations());
    if out.is_json() {
        line(
            &json!({
                "event": "stopped", "uploads": uploads, "events": events, "violations": violations,
            }),
            out,
        )?;
    } else {
        out.line(match out.lang() {
            Lang::En => {
                format!("stopped: {uploads} uploads for {events} events, {violations} violations")
            }
            Lang::Zh => format!("已停止:{events} 个事件共 {uploads} 次上传,违规 {violations} 次"),
        })?;
    }
    Ok(ExitCode::from(u8::from(violations > 0)))
}
