//! `licctl audit verify`: verifies the hash chains of a file or of a server.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use license_core::audit::{Anchor, Auditor, Break, Fault, Link, LinkHash, Report};
use license_core::{Code, Lang};
use serde_json::{Value, json};

use super::ChainRange;
use crate::admin::ServerArgs;
use crate::failure::Failure;
use crate::output::{BAD, GOOD, Output};

pub(super) fn run(
    file: Option<PathBuf>,
    from: Vec<Anchor>,
    server: &ServerArgs,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let mut auditor = Auditor::new(from);
    match file {
        Some(path) => read(&path, &mut auditor, out)?,
        None => ChainRange::ALL.each(&server.connect(out)?, |link| {
            auditor.take(&link);
            Ok(())
        })?,
    }
    let Ok(report) = auditor.finish() else {
        let text = out.pick("there is not exactly one chain", "链不是恰好一条");
        let next = out.pick("write --from SERVER:SEQ:HASH", "请写作 --from SERVER:SEQ:HASH");
        let failure = Failure::new(Code::RequestInvalid, text).advise(next.to_owned());
        return Err(failure.into());
    };
    if report.chains.is_empty() && report.breaks.is_empty() {
        let text = out.pick("there is no link in it", "其中没有任何链节");
        let failure = Failure::refused(Code::AuditBroken, text);
        let next = out.pick(
            "a server that has ever started has links: was the export cut short, or the table \
             emptied?",
            "启动过的服务器必有链节:导出是否不完整,或审计表被清空?",
        );
        return Err(failure.advise(next).into());
    }
    show(&report, out)?;
    Ok(ExitCode::from(u8::from(!report.breaks.is_empty())))
}

fn read(path: &Path, auditor: &mut Auditor, out: &Output) -> anyhow::Result<()> {
    let shown = path.display().to_string();
    let lines: Box<dyn BufRead> = if shown == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).with_context(|| shown.clone())?))
    };
    for (number, line) in (1_u64..).zip(lines.lines()) {
        let text = line.with_context(|| shown.clone())?;
        if text.trim().is_empty() {
            continue;
        }
        let read = Link::parse(&text).map_err(|error| {
            let what = out.pick("is no link of an audit chain", "不是审计链的链节");
            Failure::refused(Code::AuditBroken, format!("{shown}:{number} {what}: {error}"))
        })?;
        auditor.take(&read);
    }
    Ok(())
}

fn show(report: &Report, out: &mut Output) -> anyhow::Result<()> {
    let code = if report.breaks.is_empty() { Code::Ok } else { Code::AuditBroken };
    if out.is_json() {
        return out.value(&json!({
            "code": code.as_str(),
            "chains": report.chains.iter().map(|chain| json!({
                "server": chain.server,
                "first": chain.first,
                "before": chain.before,
                "since": chain.since,
                "last": chain.last,
                "hash": chain.hash,
                "until": chain.until,
                "links": chain.links,
                "entries": chain.entries,
            })).collect::<Vec<Value>>(),
            "breaks": report.breaks.iter().map(|one| json!({
                "server": one.server,
                "link": one.seq,
                "fault": word(one.fault),
                "missing": missing(one.fault),
                "message": one.to_string(),
            })).collect::<Vec<Value>>(),
        }));
    }
    for chain in &report.chains {
        let server = &chain.server;
        let text = match out.lang() {
            Lang::En => format!("{server}: {} links, {} entries", chain.links, chain.entries),
            Lang::Zh => format!("{server}：{} 个链节，{} 条记录", chain.links, chain.entries),
        };
        out.line(text)?;
        let begins = if chain.before == LinkHash::NONE {
            out.pick("begins with the first link", "从第一个链节开始").to_owned()
        } else {
            let text = out.pick("begins after", "始于其后");
            format!("{text} {server}:{}:{}", chain.first.saturating_sub(1), chain.before)
        };
        out.line(format!("  {begins} ({})", chain.since))?;
        let ends = out.pick("ends with", "止于");
        out.line(format!("  {ends} {server}:{}:{} ({})", chain.last, chain.hash, chain.until))?;
    }
    if report.breaks.is_empty() {
        let whole = out.pick("whole", "完整");
        out.line(format!("{GOOD}{whole}{GOOD:#}"))?;
        return Ok(());
    }
    let broken = out.pick("BROKEN", "已损坏");
    out.line(format!("{BAD}{broken}{BAD:#} {code}"))?;
    for one in &report.breaks {
        let text = if out.lang() == Lang::Zh { chinese(one) } else { one.to_string() };
        out.line(format!("  {text}"))?;
    }
    Ok(())
}

const fn word(fault: Fault) -> &'static str {
    match fault {
        Fault::Changed => "changed",
        Fault::Unlinked => "unlinked",
        Fault::Missing { .. } => "missing",
        Fault::Repeated => "repeated",
        Fault::Replaced => "replaced",
        Fault::CutShort => "cut-short",
    }
}

fn missing(fault: Fault) -> Option<[u64; 2]> {
    match fault {
        Fault::Missing { from, to } => Some([from, to]),
        _ => None,
    }
}

fn chinese(one: &Break) -> String {
    let Break { server, seq, fault } = one;
    match fault {
        Fault::Changed => format!("{server}：链节 {seq} 被修改"),
        Fault::Unlinked => format!("{server}：链节 {seq} 与前一个链节不衔接"),
        Fault::Missing { from, to } if from == to => format!("{server}：缺少链节 {from}"),
        Fault::Missing { from, to } => format!("{server}：缺少链节 {from} 至 {to}"),
        Fault::Repeated => format!("{server}：链节 {seq} 重复出现"),
        Fault::Replaced => format!("{server}：链节 {seq} 与先前所见不同"),
        Fault::CutShort => format!("{server}：先前有链节 {seq}，现在的链提前结束"),
    }
}
