//! What `licctl market serve` prints: each thing as it happens, for people or as JSON lines.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::mpsc::Receiver;

use koogallery::order;
use koogallery_sim::received_uploads::{ReceivedUpload, UploadVerdict};
use koogallery_sim::time::stamp;
use koogallery_sim::{MarketEvent, Simulator, Totals};
use license_core::Lang;
use license_core::time::Timestamp;
use serde_json::{Value, json};

use crate::environment::Environment;
use crate::output::{BAD, BOLD, DIM, GOOD, Output, WARN};

pub(super) fn ready(address: SocketAddr, known: usize, out: &mut Output) -> anyhow::Result<()> {
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

pub(super) fn watch(
    seen: &Receiver<MarketEvent>,
    environment: &Environment,
    out: &mut Output,
) -> anyhow::Result<()> {
    for event in seen {
        if matches!(event, MarketEvent::Stopped) {
            break;
        }
        if out.is_json() {
            line(&as_json(&event, environment.now())?, out)?;
        } else {
            let clock = stamp("%H:%M:%S", environment.now().as_secs());
            let text = describe(&event, out.lang());
            out.line(format!("{DIM}{clock}{DIM:#}  {text}"))?;
        }
    }
    Ok(())
}

fn line(value: &Value, out: &mut Output) -> anyhow::Result<()> {
    out.line(value)?;
    Ok(())
}

fn as_json(event: &MarketEvent, now: Timestamp) -> anyhow::Result<Value> {
    let mut value = match event {
        MarketEvent::OrderAsked { order, line, known } => {
            json!({ "event": "order", "order_id": order, "order_line_id": line, "known": known })
        }
        MarketEvent::Uploaded(upload) => {
            let mut value = serde_json::to_value(upload)?;
            value["event"] = "upload".into();
            value
        }
        MarketEvent::Refused { request, status, code, reason } => json!({
            "event": "refused", "request": request, "status": status, "code": code,
            "reason": reason,
        }),
        MarketEvent::Code { step, code, outcome } => {
            json!({ "event": "code", "step": step, "license_code": code, "outcome": outcome })
        }
        MarketEvent::Usage { form, counted, repeated, abnormal } => json!({
            "event": "usage", "form": form, "counted": counted, "repeated": repeated,
            "abnormal": abnormal,
        }),
        MarketEvent::Login { step, client } => {
            json!({ "event": "login", "step": step, "client_id": client })
        }
        MarketEvent::Faulty { api, fault } => {
            json!({ "event": "fault", "api": api, "fault": fault })
        }
        MarketEvent::Trouble(text) => json!({ "event": "trouble", "message": text }),
        MarketEvent::Stopped => json!({ "event": "stopped" }),
    };
    value["at"] = serde_json::to_value(now)?;
    Ok(value)
}

fn describe(event: &MarketEvent, lang: Lang) -> String {
    match (event, lang) {
        (MarketEvent::OrderAsked { order, known: true, .. }, Lang::En) => {
            format!("order {order} was asked for and answered")
        }
        (MarketEvent::OrderAsked { order, known: true, .. }, Lang::Zh) => {
            format!("查询订单 {order}:已应答")
        }
        (MarketEvent::OrderAsked { order, .. }, Lang::En) => {
            format!("{WARN}order {order} was asked for and is not known{WARN:#} (MKT.0101)")
        }
        (MarketEvent::OrderAsked { order, .. }, Lang::Zh) => {
            format!("{WARN}查询订单 {order}:不存在{WARN:#}(MKT.0101)")
        }
        (MarketEvent::Uploaded(upload), lang) => describe_upload(upload, lang),
        (MarketEvent::Refused { request, status, code, reason }, Lang::En) => {
            format!("{WARN}refused{WARN:#} {request}: {reason} (HTTP {status}, {code})")
        }
        (MarketEvent::Refused { request, status, code, reason }, Lang::Zh) => {
            format!("{WARN}拒绝{WARN:#} {request}:{reason}(HTTP {status},{code})")
        }
        (MarketEvent::Code { step, code, outcome }, Lang::En) => {
            format!("authorization code {code}, {step}: {outcome}")
        }
        (MarketEvent::Code { step, code, outcome }, Lang::Zh) => {
            format!("授权码 {code},{step}:{outcome}")
        }
        (MarketEvent::Usage { form, counted, repeated, abnormal }, Lang::En) => format!(
            "usage ({form} form): {counted} records counted, {repeated} repeated, \
             {abnormal} refused"
        ),
        (MarketEvent::Usage { form, counted, repeated, abnormal }, Lang::Zh) => {
            format!("使用量({form}):计入 {counted} 条,重复 {repeated} 条,拒绝 {abnormal} 条")
        }
        (MarketEvent::Login { step, client }, Lang::En) => format!("login, {step} {client}"),
        (MarketEvent::Login { step, client }, Lang::Zh) => format!("登录,{step} {client}"),
        (MarketEvent::Faulty { api, fault }, Lang::En) => {
            format!("{WARN}fault as ordered{WARN:#}: {api}, {fault}")
        }
        (MarketEvent::Faulty { api, fault }, Lang::Zh) => {
            format!("{WARN}按要求注入故障{WARN:#}:{api},{fault}")
        }
        (MarketEvent::Trouble(text), _) => format!("{BAD}{text}{BAD:#}"),
        (MarketEvent::Stopped, _) => String::new(),
    }
}

fn describe_upload(upload: &ReceivedUpload, lang: Lang) -> String {
    let ReceivedUpload { event_id, bytes, count, sha256, .. } = upload;
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
        (UploadVerdict::First, Lang::En) => {
            format!("{GOOD}upload{GOOD:#} for event {event_id}: {what}")
        }
        (UploadVerdict::First, Lang::Zh) => format!("{GOOD}上传{GOOD:#} 事件 {event_id}:{what}"),
        (UploadVerdict::Repeat, Lang::En) => {
            return format!(
                "{DIM}upload for event {event_id} again ({count}), content unchanged{DIM:#}"
            );
        }
        (UploadVerdict::Repeat, Lang::Zh) => {
            return format!("{DIM}事件 {event_id} 第 {count} 次上传,内容相同{DIM:#}");
        }
        (UploadVerdict::Violation, Lang::En) => {
            format!("{BAD}VIOLATION{BAD:#}: event {event_id} already had other content, now {what}")
        }
        (UploadVerdict::Violation, Lang::Zh) => {
            format!("{BAD}违规{BAD:#}:事件 {event_id} 此前已上传不同内容,现为 {what}")
        }
    };
    let content = upload.content.as_deref().unwrap_or("…");
    // A file begins with lines for people; what it carries begins after its mark.
    let content = content.split_once("-----BEGIN LICENSE-----").map_or(content, |(_, rest)| rest);
    let start: String = content.trim_start().chars().take(60).collect();
    format!("{head}\n          {DIM}{start}…{DIM:#}")
}

pub(super) fn finish(simulator: &Simulator, out: &mut Output) -> anyhow::Result<ExitCode> {
    let totals = simulator.totals();
    let violations = totals.upload_violations + totals.usage_violations;
    let Totals { uploads, events, usage: records, faults, .. } = totals;
    if out.is_json() {
        line(
            &json!({
                "event": "stopped", "uploads": uploads, "events": events, "usage": records,
                "faults": faults, "violations": violations,
            }),
            out,
        )?;
    } else {
        out.line(match out.lang() {
            Lang::En => format!(
                "stopped; uploads: {uploads}, events: {events}, usage: {records}, \
                 faults: {faults}, violations: {violations}"
            ),
            Lang::Zh => format!(
                "已停止:{events} 个事件共 {uploads} 次上传,使用量 {records} 条,故障 {faults} 次,\
                 违规 {violations} 次"
            ),
        })?;
    }
    Ok(ExitCode::from(u8::from(violations > 0)))
}
