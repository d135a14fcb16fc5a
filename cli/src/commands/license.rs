//! `licctl license`.

use std::process::ExitCode;

use license_core::Lang;
use serde_json::Value;

use crate::admin::{Admin, ServerArgs, escape};
use crate::environment::Environment;
use crate::output::{BOLD, Output};
use crate::table::{self, day, text, time};

/// See the licenses a server has issued.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the licenses that were issued.
    List {
        /// Only of this instance.
        #[arg(long, value_name = "ID")]
        instance: Option<String>,
        /// Only of this product.
        #[arg(long, value_name = "ID")]
        product: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one license with its document.
    Show {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Args {
    pub(crate) fn run(
        self,
        _environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List { instance, product, server } => {
                let filters =
                    [("instance_id", instance.as_deref()), ("product", product.as_deref())];
                let admin = server.connect(out)?;
                let rows: Vec<Value> =
                    admin.list("/api/v1/licenses", &filters, |row: &Value| {
                        text(row, "/license_id")
                    })?;
                list(&rows, out)
            }
            Command::Show { id, server } => show(&server.connect(out)?, &id, out),
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
            "no licenses; they are issued when a buyer applies for one or a program asks for one",
            "没有 License;买家申请或程序请求时签发",
        );
        let empty = empty.to_owned();
        out.line(empty)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table::new(match out.lang() {
        Lang::En => ["license", "instance", "product", "state", "issued", "from", "until", "event"],
        Lang::Zh => ["License", "实例", "产品", "状态", "签发", "生效", "到期", "事件"],
    });
    for row in rows {
        table.add_row([
            text(row, "/license_id"),
            text(row, "/instance_id"),
            text(row, "/product"),
            text(row, "/state"),
            day(row, "/issued_at"),
            day(row, "/not_before"),
            day(row, "/expires"),
            text(row, "/event_id"),
        ]);
    }
    out.line(table.trim_fmt())?;
    Ok(ExitCode::SUCCESS)
}

fn show(admin: &Admin, id: &str, out: &mut Output) -> anyhow::Result<ExitCode> {
    let license: Value = admin.get(&format!("/api/v1/licenses/{}", escape(id)))?;
    if out.is_json() {
        out.value(&license)?;
        return Ok(ExitCode::SUCCESS);
    }
    let lang = out.lang();
    for (en, zh, value) in [
        ("license", "License", text(&license, "/license_id")),
        ("instance", "实例", text(&license, "/instance_id")),
        ("product", "产品", text(&license, "/product")),
        ("state", "状态", text(&license, "/state")),
        ("event", "事件", text(&license, "/event_id")),
        ("key", "密钥", text(&license, "/kid")),
        ("issued", "签发", time(&license, "/issued_at")),
        ("from", "生效", time(&license, "/not_before")),
        ("until", "到期", time(&license, "/expires")),
    ] {
        let name = if lang == Lang::Zh { zh } else { en };
        out.line(format!("{BOLD}{name}{BOLD:#}: {value}"))?;
    }
    if let Some(document) = license.get("document").and_then(Value::as_str) {
        out.line(format!("\n{document}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
