//! `licctl usage`: pushes records of usage, lists them, and sends one again.

mod csv_rows;

use std::path::PathBuf;
use std::process::ExitCode;

use license_core::Code;
use license_core::api::UsageView;
use serde_json::{Value, json};

use self::csv_rows::UsageRow;
use crate::admin::{Admin, ServerArgs};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::{GOOD, Output};
use crate::resources::{self, ById, said};

/// The most records of one request.
const MAX_BATCH: usize = 1000;

/// Push what metered instances used, and see what became of it.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Hand records of usage to the server, which sends them to the marketplace.
    ///
    /// A file's header names its columns: `instance_id`, `begin_time`, `end_time`, `usage_value`,
    /// and where they are wanted `metering_sn`, `record_time`, `relate_pkg_instance`, `product_id`.
    /// Times are UTC: `2026-11-20T08:00:00Z`, `20261120T080000Z` or `2026-11-20`. A record without
    /// a number gets one that is made of its content, so that the same file can be pushed again
    /// without counting anything twice.
    Push(Box<Push>),
    /// List records: delivered, waiting, refused, unclear.
    List {
        /// Only of this instance.
        #[arg(long, value_name = "ID")]
        instance: Option<String>,
        /// Only in this state. `unclear`: taken twice perhaps (old form), or taken although it was
        /// refused.
        #[arg(
            long, value_name = "STATE",
            value_parser = ["queued", "delivered", "refused", "unclear"]
        )]
        state: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Send a record again that was refused.
    Retry(ById),
}

#[derive(clap::Args)]
struct Push {
    /// CSV file with a record a row.
    #[arg(required_unless_present = "instance", conflicts_with_all = ["instance", "value"])]
    file: Option<PathBuf>,
    /// Instance of a single record.
    #[arg(long, value_name = "ID", requires_all = ["value", "begin"])]
    instance: Option<String>,
    /// How much it used: above zero, at most four decimals.
    #[arg(long, value_name = "NUMBER", requires = "instance")]
    value: Option<String>,
    /// From when.
    #[arg(long, value_name = "TIME", requires = "instance")]
    begin: Option<String>,
    /// Until when [default: now].
    #[arg(long, value_name = "TIME", requires = "instance")]
    end: Option<String>,
    /// The record's number; the same number with the same content is taken once.
    #[arg(long, value_name = "NUMBER", requires = "instance")]
    sn: Option<String>,
    /// The package that is used up.
    #[arg(long, value_name = "ID", requires = "instance")]
    package: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    pub(crate) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Push(push) => push.run(environment, out),
            Command::List { instance, state, server } => {
                let filters = [("instance_id", instance.as_deref()), ("state", state.as_deref())];
                resources::list::<UsageView>(&server.connect(out)?, &filters, out)
            }
            Command::Retry(one) => {
                let said = said("is sent again", "将重新发送");
                one.change::<UsageView>("retry", said, out)
            }
        }
    }
}

impl Push {
    fn run(self, environment: &Environment, out: &mut Output) -> anyhow::Result<ExitCode> {
        let records = match (&self.file, self.instance) {
            (Some(file), _) => csv_rows::read(file)?,
            (None, instance) => {
                let now = (environment.now_ms)().div_euclid(1000);
                let row = UsageRow {
                    instance_id: instance.unwrap_or_default(),
                    usage_value: self.value.unwrap_or_default(),
                    begin_time: self.begin.unwrap_or_default(),
                    end_time: self.end.unwrap_or_else(|| koogallery::time::basic(now)),
                    metering_sn: self.sn,
                    relate_pkg_instance: self.package,
                    ..UsageRow::default()
                };
                // Without a number the server makes one: the same command typed twice counts twice.
                let numbered = row.metering_sn.is_some();
                let mut record = row.record(1).map_err(refused)?;
                if !numbered && let Some(members) = record.as_object_mut() {
                    members.remove("metering_sn");
                }
                vec![record]
            }
        };
        send(&self.server.connect(out)?, &records, out)
    }
}

fn refused(what: String) -> Failure {
    Failure::refused(Code::RequestInvalid, what)
}

/// Up to a thousand a request; each request is taken as a whole, and can be sent again.
fn send(admin: &Admin, records: &[Value], out: &mut Output) -> anyhow::Result<ExitCode> {
    let mut accepted: Vec<Value> = Vec::with_capacity(records.len());
    for some in records.chunks(MAX_BATCH) {
        let answer: anyhow::Result<Vec<Value>> = admin.post("/api/v1/usage", &some);
        match answer {
            Ok(rows) => accepted.extend(rows),
            Err(error) if accepted.is_empty() => return Err(error),
            Err(error) => {
                let (so_far, next) = (
                    out.pick("records were accepted before", "条记录此前已被接受"),
                    out.pick(
                        "correct the file and push it again: nothing counts twice",
                        "更正文件后可再次推送，不会重复计量",
                    ),
                );
                let note = format!("{} {so_far}; {next}", accepted.len());
                out.note(note)?;
                return Err(error);
            }
        }
    }
    let text = out.pick("accepted; see `licctl usage list`", "条已接受；见 licctl usage list");
    let line = format!("{GOOD}{}{GOOD:#} {text}", accepted.len());
    out.done(json!({ "usage": accepted }), line)
}
