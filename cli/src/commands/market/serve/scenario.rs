//! `licctl market serve --scenario`: plays the buyers, asks the seller, reports, and stops.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use license_core::{Code, Lang};
use serde_json::json;

use super::super::key_of;
use crate::admin::Admin;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::market::message::Message;
use crate::market::open_api::{Happening, Marketplace, locked};
use crate::market::scenario::{Belief, Progress, Scenario, Standing, Tally, audit, play};
use crate::market::seller::{Seller, Sellers};
use crate::output::{BAD, GOOD, Output};
use crate::table;

/// Rows of the table at most; disagreements come first.
const ROWS: usize = 40;
const NAP: Duration = Duration::from_millis(100);

/// The seller's endpoint under each of its keys; an error where nobody answers there.
pub(super) fn sellers(
    scenario: &Scenario,
    access_key_file: Option<&Path>,
    environment: &Environment,
    out: &Output,
) -> anyhow::Result<Sellers> {
    let side = &scenario.seller;
    let open = |file: &Path| -> anyhow::Result<Seller> {
        Seller::new(&side.url, key_of(file)?, environment, out)
    };
    let basic = side.access_key_file.as_deref().or(access_key_file);
    let basic = basic.ok_or_else(|| {
        let text = out.pick("the scenario names no access key", "场景未指定访问密钥");
        Failure::new(Code::ConfigInvalid, text)
            .advise("[seller] access_key_file = \"access-key.txt\"")
    })?;
    let sellers = Sellers {
        basic: open(basic)?,
        general: side.general_access_key_file.as_deref().map(open).transpose()?,
        license_code: side.license_code_access_key_file.as_deref().map(open).transpose()?,
        kit: None,
    };
    let probe = Message::test("queryInstance").with("instanceId", "anybody-there");
    sellers.basic.call(&sellers.basic.sign(probe.json())?, out)?;
    Ok(sellers)
}

/// Everything that a run needs beside its file.
pub(super) struct Stage<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) sellers: &'a Sellers,
    pub(super) marketplace: &'a Marketplace,
    pub(super) admin: Option<&'a Admin>,
}

impl Stage<'_> {
    pub(super) fn run(
        &self,
        seen: &Receiver<Happening>,
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
        let (beliefs, troubles) = std::thread::scope(|scope| {
            let player = scope.spawn(|| {
                let beliefs = self.play(&tally, &Progress { bar: &bar, stop: &stop });
                over.store(true, Ordering::Relaxed);
                beliefs
            });
            let troubles = watch(seen, &stop, &over);
            (player.join(), troubles)
        });
        let beliefs = beliefs.map_err(|_| anyhow::anyhow!("the player of the scenario broke"))?;
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
        self.report(&beliefs?, &tally, interrupted, start.elapsed(), out)
    }

    fn play(&self, tally: &Tally, progress: &Progress<'_>) -> anyhow::Result<Vec<Belief>> {
        let mut beliefs = play(self.scenario, self.sellers, self.marketplace, tally, progress)?;
        if !progress.stop.load(Ordering::Relaxed) {
            let patience = Duration::from_secs_f64(self.scenario.patience_seconds);
            audit(&mut beliefs, self.sellers, self.marketplace, self.admin, patience)?;
        }
        Ok(beliefs)
    }

    fn report(
        &self,
        beliefs: &[Belief],
        tally: &Tally,
        interrupted: bool,
        took: Duration,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        let wrong = beliefs.iter().filter(|belief| !belief.disagreements.is_empty()).count();
        let refunded = beliefs.iter().filter(|b| b.state == Standing::Refunded).count();
        let (calls, failed, resends) = tally.read();
        let ledger = locked(&self.marketplace.ledger);
        let (uploads, events) = (ledger.uploads().len(), ledger.events());
        let violations = ledger.violations();
        let faults = locked(&self.marketplace.faults).injected();
        let agreed = wrong == 0 && violations == 0 && !interrupted;
        let code = if agreed { Code::Ok } else { Code::Conflict };
        if out.is_json() {
            out.value(&json!({
                "code": code.as_str(),
                "interrupted": interrupted,
                "orders": beliefs,
                "summary": {
                    "orders": beliefs.len(), "disagreeing": wrong, "refunded": refunded,
                    "calls": calls, "failed_calls": failed, "resends": resends,
                    "licenses": events, "uploads": uploads, "violations": violations,
                    "faults": faults, "seconds": took.as_secs(),
                },
            }))?;
        } else {
            print(beliefs, out)?;
            let style = if agreed { GOOD } else { BAD };
            let seconds = took.as_secs();
            out.line(match out.lang() {
                Lang::En => format!(
                    "{calls} calls ({failed} failed, {resends} sent again), {events} licenses in \
                     {uploads} uploads, {faults} faults, {seconds} s\n{style}{} orders, {wrong} \
                     disagreeing, {refunded} refunded, {violations} violations{style:#}",
                    beliefs.len()
                ),
                Lang::Zh => format!(
                    "调用 {calls} 次(失败 {failed},重发 {resends}),{events} 份 License 共 {uploads} \
                     次上传,故障 {faults} 次,{seconds} 秒\n{style}订单 {} 个,不一致 {wrong},退款 \
                     {refunded},违规 {violations}{style:#}",
                    beliefs.len()
                ),
            })?;
        }
        Ok(ExitCode::from(u8::from(!agreed)))
    }
}

/// Listens until the play is over; tells it to stop when the server was told to.
fn watch(seen: &Receiver<Happening>, stop: &AtomicBool, over: &AtomicBool) -> Vec<String> {
    let mut troubles = Vec::new();
    while !over.load(Ordering::Relaxed) {
        match seen.recv_timeout(NAP) {
            Ok(Happening::Stopped) => stop.store(true, Ordering::Relaxed),
            Ok(Happening::Trouble(text)) => troubles.push(text),
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    troubles
}

fn print(beliefs: &[Belief], out: &mut Output) -> anyhow::Result<()> {
    let lang = out.lang();
    let head = match lang {
        Lang::En => {
            ["order", "instance", "state", "until", "machines", "licenses", "calls", "verdict"]
        }
        Lang::Zh => ["订单", "实例", "状态", "到期", "机器", "License", "调用", "结论"],
    };
    let mut table = table::new(head);
    let (wrong, right): (Vec<_>, Vec<_>) =
        beliefs.iter().partition(|belief| !belief.disagreements.is_empty());
    for belief in wrong.iter().chain(&right).take(ROWS) {
        let verdict = match (belief.disagreements.as_slice(), lang) {
            ([], Lang::En) => "agree".to_owned(),
            ([], Lang::Zh) => "一致".to_owned(),
            (texts, Lang::En) => format!("DISAGREE: {}", texts.join("; ")),
            (texts, Lang::Zh) => format!("不一致:{}", texts.join(";")),
        };
        table.add_row([
            belief.order_id.clone(),
            table::text(&belief.instance_id),
            table::text(belief.state),
            table::day(belief.expires),
            format!("{}/{}", belief.machines.len(), belief.quantity),
            belief.licenses.len().to_string(),
            format!("{} ({})", belief.calls, belief.failed),
            verdict,
        ]);
    }
    out.line(table.trim_fmt())?;
    if let Some(more) = beliefs.len().checked_sub(ROWS).filter(|more| *more > 0) {
        out.line(match lang {
            Lang::En => format!("… and {more} more"),
            Lang::Zh => format!("……另有 {more} 个"),
        })?;
    }
    Ok(())
}
