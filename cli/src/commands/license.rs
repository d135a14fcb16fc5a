//! `licctl license`.

use std::process::ExitCode;

use license_core::{Code, Lang};
use serde_json::{Value, json};

use crate::admin::{Admin, ServerArgs, escape};
use crate::environment::Environment;
use crate::output::{BOLD, GOOD, Output};
use crate::table::{self, day, text, time};

/// See the licenses a server has issued, and stop one.
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
        /// Only of this machine.
        #[arg(long, value_name = "ID")]
        machine: Option<String>,
        /// Only in this state.
        #[arg(long, value_name = "STATE", value_parser = ["active", "suspended", "revoked"])]
        state: Option<String>,
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
    /// Stop a license until it is reinstated.
    ///
    /// It stands on the revocation list at once; a program learns it when it fetches the list, or
    /// is brought one. A program that asks is given no other license for that machine, either, until
    /// it is reinstated. What the marketplace applies for is given: stop a buyer by freezing the
    /// instance there.
    Suspend {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Let a suspended license count again.
    Reinstate {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Stop a license for good.
    ///
    /// Its machine keeps its place and may ask for another license. To give the place back, too:
    /// `licctl machine release`; to keep strangers out who have the activation code:
    /// `licctl instance rotate-code`.
    Revoke {
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
            Command::List { instance, product, machine, state, server } => {
                let filters = [
                    ("instance_id", instance.as_deref()),
                    ("product", product.as_deref()),
                    ("machine_id", machine.as_deref()),
                    ("state", state.as_deref()),
                ];
                let admin = server.connect(out)?;
                let rows: Vec<Value> =
                    admin.list("/api/v1/licenses", &filters, |row: &Value| {
                        text(row, "/license_id")
                    })?;
                list(&rows, filters.iter().any(|(_, value)| value.is_some()), out)
            }
            Command::Show { id, server } => show(&server.connect(out)?, &id, out),
            Command::Suspend { id, server } => {
                put(&server.connect(out)?, &id, "suspend", ("is suspended", "已暂停"), out)
            }
            Command::Reinstate { id, server } => {
                put(&server.connect(out)?, &id, "reinstate", ("counts again", "已恢复"), out)
            }
            Command::Revoke { id, server } => {
                put(&server.connect(out)?, &id, "revoke", ("is revoked", "已吊销"), out)
            }
        }
    }
}

/// Has the server do something about a license, and says what it is now.
fn put(
    admin: &Admin,
    id: &str,
    deed: &str,
    (en, zh): (&str, &str),
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let license: Value =
        admin.post(&format!("/api/v1/licenses/{}/{deed}", escape(id)), &json!({}))?;
    if out.is_json() {
        out.value(&json!({ "code": Code::Ok.as_str(), "license": license }))?;
        return Ok(ExitCode::SUCCESS);
    }
    // Reinstated while its instance is frozen it is stopped still.
    let stopped = deed == "reinstate" && text(&license, "/state") != "active";
    let said = match (out.lang(), stopped) {
        (Lang::En, false) => en,
        (Lang::Zh, false) => zh,
        (Lang::En, true) => "counts again once the marketplace unfreezes its instance",
        (Lang::Zh, true) => "将在云商店解冻其实例后恢复",
    };
    out.line(format!("{GOOD}{id}{GOOD:#} {said}"))?;
    Ok(ExitCode::SUCCESS)
}

fn list(rows: &[Value], filtered: bool, out: &mut Output) -> anyhow::Result<ExitCode> {
    if out.is_json() {
        out.value(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        let empty = if filtered {
            out.pick("no license fits", "没有符合条件的 License")
        } else {
            out.pick(
                "no licenses; they are issued when a buyer applies for one or a program asks for \
                 one",
                "没有 License;买家申请或程序请求时签发",
            )
        };
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
        ("machine", "机器", text(&license, "/machine_id")),
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
