//! `licctl audit`: lists and exports the audit chains.

mod verify;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use license_core::audit::{Anchor, Entry, Link};
use license_core::time::Timestamp;
use license_core::{Code, Lang};
use serde_json::json;

use crate::admin::{Admin, ServerArgs};
use crate::failure::Failure;
use crate::output::{GOOD, Output};
use crate::table;

/// See what a server did and by whom, and verify that nothing was changed or taken out.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// Which part of the chains.
#[derive(clap::Args)]
struct ChainRange {
    /// Only the chain of this server.
    #[arg(long, value_name = "ID")]
    chain: Option<String>,
    /// Only what was done from this day or time on.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only what was done before this day or time.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    until: Option<Timestamp>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List what was done, oldest first.
    List {
        #[command(flatten)]
        part: ChainRange,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Write the chains into a file, one link a line, to be kept and verified elsewhere.
    Export {
        /// File to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        part: ChainRange,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Verify the chains of an exported file, or of a server: every hash, every number.
    #[command(after_help = "\
Exit code 1 when something is broken: the first broken link and every missing number are named.
Prints where each chain begins and ends as SERVER:SEQ:HASH. Keep that, and give it with --from the
next time: whoever makes a chain anew cannot make the same hashes.

Examples:
  licctl audit export --out audit.jsonl
  licctl audit verify audit.jsonl
  licctl audit verify --from 4711:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    Verify {
        /// Exported file, or `-`; without one the server is asked.
        file: Option<PathBuf>,
        /// A link that an earlier verification has seen; may be repeated.
        #[arg(long, value_name = "[SERVER:]SEQ:HASH")]
        from: Vec<Anchor>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List { part, server } => {
                let mut links = Vec::new();
                part.each(&server.connect(out)?, |link| {
                    links.push(link);
                    Ok(())
                })?;
                list(&links, out)
            }
            Command::Export { out: path, part, server } => {
                export(&server.connect(out)?, &part, &path, out)
            }
            Command::Verify { file, from, server } => verify::run(file, from, &server, out),
        }
    }
}

impl ChainRange {
    const ALL: Self = Self { chain: None, since: None, until: None };

    fn each(
        &self,
        admin: &Admin,
        take: impl FnMut(Link) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let seconds = |at: Option<Timestamp>| at.map(|at| at.as_secs().to_string());
        let (since, until) = (seconds(self.since), seconds(self.until));
        let filters = [
            ("server", self.chain.as_deref()),
            ("since", since.as_deref()),
            ("until", until.as_deref()),
        ];
        let key = |link: &Link| format!("{}:{}", link.server, link.seq);
        admin.each("/api/v1/audit", &filters, key, take)
    }
}

fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error: license_core::time::InvalidTime| error.to_string())
}

/// The ids in an entry, without the members that every entry has.
fn concerned(entry: &Entry) -> String {
    let words = entry
        .iter()
        .filter(|(name, _)| !["action", "by", "outcome"].contains(&name.as_str()))
        .map(|(name, id)| format!("{name} {id}"));
    words.collect::<Vec<_>>().join(", ")
}

fn list(links: &[Link], out: &mut Output) -> anyhow::Result<ExitCode> {
    if out.is_json() {
        out.value(&links)?;
        return Ok(ExitCode::SUCCESS);
    }
    if links.is_empty() {
        let empty = out.pick("nothing was done in that time", "该时间段内没有操作记录");
        out.line(empty)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table::new(match out.lang() {
        Lang::En => ["time", "link", "action", "outcome", "by", "about"],
        Lang::Zh => ["时间", "序号", "操作", "结果", "操作者", "对象"],
    });
    let word = |entry: &Entry, name: &str| entry.get(name).cloned().unwrap_or_default();
    for link in links {
        for entry in &link.entries {
            table.add_row([
                link.at.to_string(),
                link.seq.to_string(),
                word(entry, "action"),
                word(entry, "outcome"),
                word(entry, "by"),
                concerned(entry),
            ]);
        }
    }
    out.line(table.trim_fmt())?;
    Ok(ExitCode::SUCCESS)
}

fn export(
    admin: &Admin,
    part: &ChainRange,
    path: &Path,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let shown = path.display().to_string();
    if path.exists() {
        let text = out.pick("is there already", "已存在");
        let next = out.pick("name another file", "请指定其他文件");
        return Err(Failure::new(Code::Conflict, format!("{shown} {text}")).advise(next).into());
    }
    // Renamed only once it is complete: a partial file would look like a chain that was cut short.
    let half = path.with_extension("part");
    let written = || -> anyhow::Result<u64> {
        let mut file = BufWriter::new(File::create(&half)?);
        let mut count = 0;
        part.each(admin, |link| {
            serde_json::to_writer(&mut file, &link)?;
            file.write_all(b"\n")?;
            count += 1;
            Ok(())
        })?;
        file.into_inner()?.sync_all()?;
        std::fs::rename(&half, path)?;
        Ok(count)
    };
    let count = match written() {
        Ok(count) => count,
        Err(error) => {
            let _ = std::fs::remove_file(&half);
            return Err(error).with_context(|| shown);
        }
    };
    let text = out.pick("links written to", "条链节已写入");
    let line = format!("{GOOD}{count}{GOOD:#} {text} {shown}");
    out.done(json!({ "links": count, "file": shown }), line)
}
