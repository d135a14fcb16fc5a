//! `licctl alert`.

use std::process::ExitCode;
use std::time::Duration;

use license_core::{Code, Lang};
use serde_json::{Value, json};

use crate::admin::{Admin, ServerArgs, escape};
use crate::output::{BAD, GOOD, Output, WARN};
use crate::table::{self, text, time};

/// How long a test waits for its deliveries: one attempt may take ten seconds.
const LOOKS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(250);

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
                let rows: Vec<Value> = server.connect(out)?.list(
                    "/api/v1/alerts",
                    &[("alert", alert.as_deref())],
                    |row: &Value| text(row, "/alert_id"),
                )?;
                list(&rows, out)
            }
            Command::Test { server } => test(&server.connect(out)?, out),
        }
    }
}

fn list(rows: &[Value], out: &mut Output) -> anyhow::Result<ExitCode> {
    if out.is_json() {
        out.value(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        let empty = out.pick("no alerts", "没有告警").to_owned();
        out.line(empty)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table::new(match out.lang() {
        Lang::En => ["at", "alert", "about", "what happened", "told"],
        Lang::Zh => ["时间", "告警", "对象", "内容", "通知"],
    });
    let message = if out.lang() == Lang::Zh { "/message_zh" } else { "/message" };
    for row in rows {
        let again = row.get("again").and_then(Value::as_u64).unwrap_or_default();
        let word = text(row, "/alert");
        table.add_row([
            time(row, "/at"),
            if again == 0 { word } else { format!("{word} ×{}", again + 1) },
            text(row, "/subject"),
            text(row, message),
            told(row),
        ]);
    }
    out.line(table.trim_fmt())?;
    Ok(ExitCode::SUCCESS)
}

fn deliveries(row: &Value) -> impl Iterator<Item = &Value> {
    row.get("deliveries").and_then(Value::as_array).into_iter().flatten()
}

fn told(row: &Value) -> String {
    let each: Vec<String> = deliveries(row)
        .map(|delivery| {
            let line = format!("{}: {}", text(delivery, "/target"), text(delivery, "/state"));
            match text(delivery, "/error").as_str() {
                "-" => line,
                error => format!("{line} ({error})"),
            }
        })
        .collect();
    if each.is_empty() { "-".to_owned() } else { each.join(", ") }
}

fn test(admin: &Admin, out: &mut Output) -> anyhow::Result<ExitCode> {
    let mut alert: Value = admin.post("/api/v1/alerts/test", &json!({}))?;
    let path = format!("/api/v1/alerts/{}", escape(&text(&alert, "/alert_id")));
    for _ in 0..LOOKS {
        // An attempt that failed is tried again for hours; one is enough for a test.
        if deliveries(&alert)
            .all(|one| text(one, "/state") != "queued" || one.get("error").is_some())
        {
            break;
        }
        std::thread::sleep(PAUSE);
        alert = admin.get(&path)?;
    }
    let arrived = deliveries(&alert).all(|one| text(one, "/state") == "delivered");
    if out.is_json() {
        let code = if arrived { Code::Ok } else { Code::ServiceUnavailable };
        out.value(&json!({ "code": code.as_str(), "alert": alert }))?;
    } else {
        for delivery in deliveries(&alert) {
            let target = text(delivery, "/target");
            let line = match (text(delivery, "/state").as_str(), text(delivery, "/error").as_str())
            {
                ("delivered", _) => {
                    format!(
                        "{GOOD}{target}{GOOD:#} {}",
                        out.pick("took the test", "已收到测试告警")
                    )
                }
                (_, "-") => {
                    format!(
                        "{WARN}{target}{WARN:#} {}",
                        out.pick("has not answered yet", "尚未应答")
                    )
                }
                (_, error) => format!("{BAD}{target}{BAD:#} {error}"),
            };
            out.line(line)?;
        }
    }
    Ok(if arrived { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_who_was_told() {
        assert_eq!(told(&json!({ "deliveries": [] })), "-");
        let both = json!({ "deliveries": [
            { "target": "webhook", "state": "queued", "error": "HTTP 500" },
            { "target": "command", "state": "delivered" },
        ] });
        assert_eq!(told(&both), "webhook: queued (HTTP 500), command: delivered");
    }
}
