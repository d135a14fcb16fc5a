//! `licctl alert`: lists alerts, and tests their delivery.

use std::process::ExitCode;
use std::time::Duration;

use license_core::Code;
use license_core::api::{AlertDelivery, AlertView, DeliveryStatus};
use serde_json::{Value, json};

use crate::admin::{Admin, ServerArgs, escape};
use crate::output::{BAD, GOOD, Output, WARN};
use crate::resources::{self, Listed as _};

/// With `POLL_INTERVAL` 15 seconds: one attempt to deliver may take ten.
const MAX_POLLS: u32 = 60;
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// See what a server alerted of, and try whether its alerts arrive.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the alerts of the last 30 days, and to whom they were told.
    List {
        /// Only with this word, for example `upload_refused`.
        #[arg(long, value_name = "WORD")]
        alert: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Send a test to the webhook and the command that are configured; exit code 1 where one of
    /// them does not take it.
    Test {
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List { alert, server } => {
                let filters = [("alert", alert.as_deref())];
                resources::list::<AlertView>(&server.connect(out)?, &filters, out)
            }
            Command::Test { server } => test(&server.connect(out)?, out),
        }
    }
}

fn test(admin: &Admin, out: &mut Output) -> anyhow::Result<ExitCode> {
    let mut raw: Value = admin.post("/api/v1/alerts/test", &json!({}))?;
    let mut alert: AlertView = admin.view(&raw)?;
    let path = format!("{}/{}", AlertView::PATH, escape(&alert.alert_id));
    for _ in 0..MAX_POLLS {
        // An attempt that failed is tried again for hours; one is enough for a test.
        if alert.deliveries.iter().all(is_tried) {
            break;
        }
        std::thread::sleep(POLL_INTERVAL);
        raw = admin.get(&path)?;
        alert = admin.view(&raw)?;
    }
    let arrived = alert.deliveries.iter().all(|one| one.state == DeliveryStatus::Delivered);
    if out.is_json() {
        let code = if arrived { Code::Ok } else { Code::ServiceUnavailable };
        out.value(&json!({ "code": code.as_str(), "alert": raw }))?;
    } else {
        for delivery in &alert.deliveries {
            let (style, said) = match (&delivery.state, delivery.error.as_deref()) {
                (DeliveryStatus::Delivered, _) => {
                    (GOOD, out.pick("took the test", "已收到测试告警"))
                }
                (_, None | Some("")) => (WARN, out.pick("has not answered yet", "尚未应答")),
                (_, Some(error)) => (BAD, error),
            };
            out.line(format!("{style}{}{style:#} {said}", delivery.target))?;
        }
    }
    Ok(if arrived { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn is_tried(delivery: &AlertDelivery) -> bool {
    delivery.state != DeliveryStatus::Queued || delivery.error.is_some()
}
