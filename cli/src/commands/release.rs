//! `licctl release`.

mod package;
mod publish;
mod sign;
mod withdraw;

use std::process::ExitCode;

use license_core::Lang;
use serde_json::Value;

use crate::admin::{ServerArgs, escape};
use crate::environment::Environment;
use crate::output::Output;
use crate::table::{self, day, text};

/// Publish releases that programs learn of.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Publish(Box<publish::Args>),
    Withdraw(Box<withdraw::Args>),
    /// List what was published.
    List {
        /// Only of this product.
        #[arg(long, value_name = "ID")]
        product: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Args {
    pub(crate) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Publish(args) => args.run(environment, out),
            Command::Withdraw(args) => args.run(environment, out),
            Command::List { product, server } => {
                let path = match product {
                    Some(product) => format!("/api/v1/releases?product={}", escape(&product)),
                    None => "/api/v1/releases".to_owned(),
                };
                list(&server.connect(out)?.get::<Vec<Value>>(&path)?, out)
            }
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
            "no releases yet; `licctl release publish` makes the first one known",
            "还没有发布版本;使用 licctl release publish 发布",
        );
        let empty = empty.to_owned();
        out.line(empty)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table::new(match out.lang() {
        Lang::En => {
            ["product", "version", "date", "channel", "platform", "bytes", "obliges", "package"]
        }
        Lang::Zh => ["产品", "版本", "日期", "渠道", "平台", "字节", "强制升级", "软件包"],
    });
    for row in rows {
        table.add_row([
            text(row, "/product"),
            text(row, "/version"),
            day(row, "/date"),
            text(row, "/channel"),
            text(row, "/platform"),
            text(row, "/len"),
            text(row, "/obliges"),
            text(row, "/url"),
        ]);
    }
    out.line(table.trim_fmt())?;
    Ok(ExitCode::SUCCESS)
}
