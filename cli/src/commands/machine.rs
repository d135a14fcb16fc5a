//! `licctl machine`.

use std::process::ExitCode;

use license_core::{Code, Lang};
use serde_json::{Value, json};

use crate::admin::{ServerArgs, escape};
use crate::output::{GOOD, Output};
use crate::table::{self, day, text};

/// See which machines hold a place, and give one back.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the machines that hold a place of what was bought.
    List {
        /// Only of this instance.
        #[arg(long, value_name = "ID")]
        instance: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give a machine's place back: it was lost, sold, or set up anew beyond recognition.
    ///
    /// Its licenses are revoked, and an application that waited for a place is served. A machine
    /// that never fetches the revocation list goes on until its license ends.
    Release {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List { instance, server } => {
                let filters = [("instance_id", instance.as_deref())];
                let rows: Vec<Value> =
                    server.connect(out)?.list("/api/v1/machines", &filters, |row: &Value| {
                        text(row, "/machine_id")
                    })?;
                list(&rows, instance.is_some(), out)
            }
            Command::Release { id, server } => {
                let path = format!("/api/v1/machines/{}/release", escape(&id));
                let machine: Value = server.connect(out)?.post(&path, &json!({}))?;
                if out.is_json() {
                    out.value(&json!({ "code": Code::Ok.as_str(), "machine": machine }))?;
                } else {
                    let said = out.pick(
                        "holds no place any more, and its licenses are revoked",
                        "已释放名额,其许可证已吊销",
                    );
                    let said = said.to_owned();
                    out.line(format!("{GOOD}{id}{GOOD:#} {said}"))?;
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn list(rows: &[Value], filtered: bool, out: &mut Output) -> anyhow::Result<ExitCode> {
    if out.is_json() {
        out.value(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        let empty = if filtered {
            out.pick(
                "no machine holds a place of that instance, if there is one",
                "该实例不存在,或没有机器占用其名额",
            )
        } else {
            out.pick(
                "no machine holds a place; one takes it with its first node-locked license",
                "没有机器占用名额;机器首次获得绑定许可证时占用",
            )
        };
        let empty = empty.to_owned();
        out.line(empty)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table::new(match out.lang() {
        Lang::En => ["machine", "instance", "known by", "enrolled", "by"],
        Lang::Zh => ["机器", "实例", "识别依据", "登记", "来源"],
    });
    for row in rows {
        let parts = row.get("parts").and_then(Value::as_array).into_iter().flatten();
        let parts: Vec<&str> = parts.filter_map(Value::as_str).collect();
        let by = if row["by_code"] == true {
            out.pick("activation code", "激活码")
        } else {
            out.pick("marketplace", "云商店")
        };
        table.add_row([
            text(row, "/machine_id"),
            text(row, "/instance_id"),
            parts.join(", "),
            day(row, "/enrolled_at"),
            by.to_owned(),
        ]);
    }
    out.line(table.trim_fmt())?;
    Ok(ExitCode::SUCCESS)
}
