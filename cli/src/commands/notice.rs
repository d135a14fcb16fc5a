//! `licctl notice`.

use std::process::ExitCode;

use license_core::Lang;
use serde_json::Value;

use crate::admin::{ServerArgs, escape};
use crate::output::Output;
use crate::table::{self, day, text, time};

/// As many as a server answers at once: the newest are those that somebody looks for.
const NEWEST: u32 = 1000;

/// See the orders that the marketplace notified a server of (`orderNotify`).
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the newest 1,000, the newest first.
    List {
        /// Only of this order.
        #[arg(long, value_name = "ORDER")]
        order: Option<String>,
        /// Only in this state.
        #[arg(long, value_name = "STATE", value_parser = ["queued", "read", "failed"])]
        state: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        let Command::List { order, state, server } = self.command;
        let mut path = format!("/api/v1/notices?limit={NEWEST}");
        for (name, value) in [("order_id", order), ("state", state)] {
            if let Some(value) = value {
                path.extend(["&", name, "=", &escape(&value)]);
            }
        }
        let rows: Vec<Value> = server.connect(out)?.get(&path)?;
        list(&rows, out)
    }
}

fn list(rows: &[Value], out: &mut Output) -> anyhow::Result<ExitCode> {
    if out.is_json() {
        out.value(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        let empty = out.pick("no order notifications", "没有订单通知").to_owned();
        out.line(empty)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table::new(match out.lang() {
        Lang::En => {
            ["received", "order", "line", "state", "kind", "quantity", "until", "instance", "why"]
        }
        Lang::Zh => ["收到", "订单", "订单行", "状态", "类型", "数量", "到期", "实例", "原因"],
    });
    for row in rows {
        table.add_row([
            time(row, "/received_at"),
            text(row, "/order_id"),
            text(row, "/order_line_id"),
            text(row, "/state"),
            text(row, "/order_type"),
            text(row, "/quantity"),
            day(row, "/expires"),
            text(row, "/instance_id"),
            text(row, "/error"),
        ]);
    }
    out.line(table.trim_fmt())?;
    Ok(ExitCode::SUCCESS)
}
