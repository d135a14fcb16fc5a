//! `licctl market serve --scenario`: plays the buyers, asks the seller, reports, and stops.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use koogallery_sim::endpoint::{Endpoint, Endpoints};
use koogallery_sim::message::Message;
use koogallery_sim::scenario::{
    self, AuditError, ExpectedOrder, ExpectedState, Scenario, ScenarioProgress, SellerRecords,
    Tally,
};
use koogallery_sim::{MarketEvent, Simulator};
use license_core::time::Timestamp;
use license_core::{Code, Lang};
use serde_json::{Value, json};

use super::super::seller::{endpoint, failure, key_of};
use crate::admin::Admin;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::{BAD, GOOD, Output};
use crate::table;

/// Rows of the table at most; disagreements come first.
const ROWS: usize = 40;
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The seller's endpoint under each of its keys; an error where nobody answers there.
pub(super) fn endpoints(
    scenario: &Scenario,
    access_key_file: Option<&Path>,
    environment: &Environment,
    out: &Output,
) -> anyhow::Result<Endpoints> {
    let side = &scenario.seller;
    let open = |file: &Path| -> anyhow::Result<Endpoint> {
        endpoint(&side.url, key_of(file)?, environment, out)
    };
    let basic = side.access_key_file.as_deref().or(access_key_file);
    let basic = basic.ok_or_else(|| {
        let text = out.pick("the scenario names no access key", "场景未指定访问密钥");
        Failure::new(Code::ConfigInvalid, text)
            .advise("[seller] access_key_file = \"access-key.txt\"")
    })?;
    let endpoints = Endpoints {
        basic: open(basic)?,
        general: side.general_access_key_file.as_deref().map(open).transpose()?,
        license_code: side.license_code_access_key_file.as_deref().map(open).transpose()?,
        kit: None,
    };
    let probe = Message::test("queryInstance").with("instanceId", "anybody-there");
    let probed = endpoints.basic.sign(probe.json()).and_then(|probe| endpoints.basic.send(&probe));
    probed.map_err(|error| failure(&side.url, error, out))?;
    Ok(endpoints)
}

/// Everything that a run needs beside its file.
pub(super) struct Stage<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) endpoints: &'a Endpoints,
    pub(super) simulator: &'a Simulator,
    pub(super) admin: Option<&'a Admin>,
}

impl Stage<'_> {
    pub(super) fn run(
        &self,
        seen: &Receiver<MarketEvent>,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        let start = Instant::now();
        let (stop, over) = (AtomicBool::new(false), AtomicBool::new(false));
        let tally = Tally::default();
        let bar = ProgressBar::new(self.scenario.orders.into()).with_style(
            ProgressStyle::with_template("{bar:40} {pos}/{len} {elapsed_precise} {eta}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.enable_steady_tick(Duration::from_millis(250));
        let (orders, troubles) = std::thread::scope(|scope| {
            let player = scope.spawn(|| {
                let orders = self
                    .play(&tally, &ScenarioProgress { order_over: &|| bar.inc(1), stop: &stop });
                over.store(true, Ordering::Relaxed);
                orders
            });
            let troubles = watch(seen, &stop, &over);
            (player.join(), troubles)
        });
        let orders = orders.map_err(|_| anyhow::anyhow!("the player of the scenario broke"))?;
        bar.finish_and_clear();
        for trouble in troubles {
            out.warn(Code::Internal, trouble)?;
        }
        if self.admin.is_none() {
            let text = out.pick(
                "no token was given: the seller was asked by queryInstance alone; add --server and \
                 --token-file to compare states, dates and places",
                "未提供令牌:仅通过 queryInstance 核对;加 --server 和 --token-file 可核对状态、日期与名额",
            );
            let text = text.to_owned();
            out.note(text)?;
        }
        let interrupted = stop.load(Ordering::Relaxed);
        self.report(&orders?, &tally, interrupted, start.elapsed(), out)
    }

    fn play(
        &self,
        tally: &Tally,
        progress: &ScenarioProgress<'_>,
    ) -> anyhow::Result<Vec<ExpectedOrder>> {
        let mut orders =
            scenario::run(self.scenario, self.endpoints, self.simulator, tally, progress)?;
        if !progress.stop.load(Ordering::Relaxed) {
            let patience = Duration::from_secs_f64(self.scenario.patience_seconds);
            let audited =
                scenario::audit(&mut orders, self.endpoints, self.simulator, self.admin, patience);
            audited.map_err(|error| match error {
                AuditError::Endpoint(error) => error.into(),
                AuditError::Records(error) => error,
            })?;
        }
        Ok(orders)
    }

    fn report(
        &self,
        orders: &[ExpectedOrder],
        tally: &Tally,
        interrupted: bool,
        took: Duration,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        let wrong = orders.iter().filter(|order| !order.disagreements.is_empty()).count();
        let refunded = orders.iter().filter(|b| b.state == ExpectedState::Refunded).count();
        let (calls, failed, resends) = tally.read();
        let totals = self.simulator.totals();
        let (uploads, events, faults) = (totals.uploads, totals.events, totals.faults);
        let violations = totals.upload_violations;
        let agreed = wrong == 0 && violations == 0 && !interrupted;
        let code = if agreed { Code::Ok } else { Code::Conflict };
        if out.is_json() {
            out.value(&json!({
                "code": code.as_str(),
                "interrupted": interrupted,
                "orders": orders,
                "summary": {
                    "orders": orders.len(), "disagreeing": wrong, "refunded": refunded,
                    "calls": calls, "failed_calls": failed, "resends": resends,
                    "licenses": events, "uploads": uploads, "violations": violations,
                    "faults": faults, "seconds": took.as_secs(),
                },
            }))?;
        } else {
            print(orders, out)?;
            let style = if agreed { GOOD } else { BAD };
            let seconds = took.as_secs();
            out.line(match out.lang() {
                Lang::En => format!(
                    "{calls} calls ({failed} failed, {resends} sent again), {events} licenses in \
                     {uploads} uploads, {faults} faults, {seconds} s\n{style}{} orders, {wrong} \
                     disagreeing, {refunded} refunded, {violations} violations{style:#}",
                    orders.len()
                ),
                Lang::Zh => format!(
                    "调用 {calls} 次(失败 {failed},重发 {resends}),{events} 份 License 共 {uploads} \
                     次上传,故障 {faults} 次,{seconds} 秒\n{style}订单 {} 个,不一致 {wrong},退款 \
                     {refunded},违规 {violations}{style:#}",
                    orders.len()
                ),
            })?;
        }
        Ok(ExitCode::from(u8::from(!agreed)))
    }
}

impl SellerRecords for Admin {
    type Error = anyhow::Error;

    fn instances(&self) -> anyhow::Result<Vec<Value>> {
        self.list("/api/v1/instances", &[], |row| id_of(row, "instance_id"))
    }

    fn licenses(&self) -> anyhow::Result<Vec<Value>> {
        self.list("/api/v1/licenses", &[], |row| id_of(row, "license_id"))
    }
}

fn id_of(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}

/// Listens until the play is over; tells it to stop when the server was told to.
fn watch(seen: &Receiver<MarketEvent>, stop: &AtomicBool, over: &AtomicBool) -> Vec<String> {
    let mut troubles = Vec::new();
    while !over.load(Ordering::Relaxed) {
        match seen.recv_timeout(POLL_INTERVAL) {
            Ok(MarketEvent::Stopped) => stop.store(true, Ordering::Relaxed),
            Ok(MarketEvent::Trouble(text)) => troubles.push(text),
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    troubles
}

fn print(orders: &[ExpectedOrder], out: &mut Output) -> anyhow::Result<()> {
    let lang = out.lang();
    let head = match lang {
        Lang::En => {
            ["order", "instance", "state", "until", "machines", "licenses", "calls", "verdict"]
        }
        Lang::Zh => ["订单", "实例", "状态", "到期", "机器", "License", "调用", "结论"],
    };
    let mut table = table::new(head);
    let (wrong, right): (Vec<_>, Vec<_>) =
        orders.iter().partition(|order| !order.disagreements.is_empty());
    for order in wrong.iter().chain(&right).take(ROWS) {
        let verdict = match (order.disagreements.as_slice(), lang) {
            ([], Lang::En) => "agree".to_owned(),
            ([], Lang::Zh) => "一致".to_owned(),
            (texts, Lang::En) => format!("DISAGREE: {}", texts.join("; ")),
            (texts, Lang::Zh) => format!("不一致:{}", texts.join(";")),
        };
        table.add_row([
            order.order_id.clone(),
            table::text(&order.instance_id),
            table::text(order.state),
            table::day(order.expires.map(Timestamp::from_secs)),
            format!("{}/{}", order.machines.len(), order.quantity),
            order.licenses.len().to_string(),
            format!("{} ({})", order.calls, order.failed),
            verdict,
        ]);
    }
    out.line(table.trim_fmt())?;
    if let Some(more) = orders.len().checked_sub(ROWS).filter(|more| *more > 0) {
        out.line(match lang {
            Lang::En => format!("… and {more} more"),
            Lang::Zh => format!("……另有 {more} 个"),
        })?;
    }
    Ok(())
}
