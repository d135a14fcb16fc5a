//! `licctl code`.

use std::process::ExitCode;

use license_core::Lang;
use serde_json::Value;

use crate::admin::{Admin, ServerArgs, escape};
use crate::output::{BOLD, Output};
use crate::table::{self, day, text, time};

/// See the marketplace's authorization codes that programs use.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the codes that were used.
    List {
        /// Only in this state.
        #[arg(
            long, value_name = "STATE",
            value_parser = ["activating", "active", "expired", "released"]
        )]
        state: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one code with the marketplace's last answer.
    Show {
        /// The code.
        code: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List { state, server } => {
                let admin = server.connect(out)?;
                let rows: Vec<Value> = admin.list(
                    "/api/v1/codes",
                    &[("state", state.as_deref())],
                    |row: &Value| text(row, "/code"),
                )?;
                list(&rows, out)
            }
            Command::Show { code, server } => show(&server.connect(out)?, &code, out),
        }
    }
}

fn list(rows: &[Value], out: &mut Output) -> anyhow::Result<ExitCode> {
    if out.is_json() {
        out.value(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        let empty = out.pick(
            "no authorization codes; one is listed once a program has used it",
            "没有授权码;程序首次使用后列出",
        );
        let empty = empty.to_owned();
        out.line(empty)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table::new(match out.lang() {
        Lang::En => ["code", "state", "instance", "product", "quantity", "until", "asked"],
        Lang::Zh => ["授权码", "状态", "实例", "产品", "数量", "到期", "查询"],
    });
    for row in rows {
        table.add_row([
            text(row, "/code"),
            text(row, "/state"),
            text(row, "/instance_id"),
            text(row, "/product"),
            text(row, "/quantity"),
            day(row, "/expires"),
            time(row, "/heartbeat_at"),
        ]);
    }
    out.line(table.trim_fmt())?;
    Ok(ExitCode::SUCCESS)
}

fn show(admin: &Admin, code: &str, out: &mut Output) -> anyhow::Result<ExitCode> {
    let known: Value = admin.get(&format!("/api/v1/codes/{}", escape(code)))?;
    if out.is_json() {
        out.value(&known)?;
        return Ok(ExitCode::SUCCESS);
    }
    let lang = out.lang();
    for (en, zh, value) in [
        ("code", "授权码", text(&known, "/code")),
        ("state", "状态", text(&known, "/state")),
        ("instance", "实例", text(&known, "/instance_id")),
        ("order", "订单", text(&known, "/order_id")),
        ("product", "产品", text(&known, "/product")),
        ("quantity", "数量", text(&known, "/quantity")),
        ("until", "到期", time(&known, "/expires")),
        ("first use", "首次使用", time(&known, "/used_since")),
        ("activated", "激活", time(&known, "/activated_at")),
        ("asked", "查询", time(&known, "/heartbeat_at")),
        ("refusal", "拒绝", text(&known, "/error")),
        ("answer", "应答", text(&known, "/answer")),
    ] {
        let name = if lang == Lang::Zh { zh } else { en };
        out.line(format!("{BOLD}{name}{BOLD:#}: {value}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
