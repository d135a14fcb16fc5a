//! `licctl instance`.

use std::process::ExitCode;

use license_core::{Code, Lang};
use serde_json::{Value, json};

use crate::admin::{Admin, ServerArgs, escape};
use crate::environment::Environment;
use crate::output::{BOLD, GOOD, Output, WARN};
use crate::table::{self, day, text, time};

/// See instances: what a buyer bought, and who may use it.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List what was bought, with its activation codes.
    List {
        /// Only of this order.
        #[arg(long, value_name = "ID")]
        order: Option<String>,
        /// Only of this product.
        #[arg(long, value_name = "ID")]
        product: Option<String>,
        /// Only in this state.
        #[arg(long, value_name = "STATE", value_parser = ["active", "frozen", "released"])]
        state: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one instance with its licenses and what still waits.
    Show {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give an instance another activation code: the one it has is known to strangers.
    ///
    /// The earlier code opens nothing any more; licenses that were issued stay what they are. The
    /// buyer sees the new one at the marketplace, or is told it.
    RotateCode {
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
            Command::List { order, product, state, server } => {
                let filters = [
                    ("order_id", order.as_deref()),
                    ("product", product.as_deref()),
                    ("state", state.as_deref()),
                ];
                let admin = server.connect(out)?;
                let rows: Vec<Value> =
                    admin.list("/api/v1/instances", &filters, |row: &Value| {
                        text(row, "/instance_id")
                    })?;
                list(&rows, filters.iter().any(|(_, value)| value.is_some()), out)
            }
            Command::Show { id, server } => show(&server.connect(out)?, &id, out),
            Command::RotateCode { id, server } => {
                let path = format!("/api/v1/instances/{}/rotate-code", escape(&id));
                let instance: Value = server.connect(out)?.post(&path, &json!({}))?;
                if out.is_json() {
                    out.value(&json!({ "code": Code::Ok.as_str(), "instance": instance }))?;
                } else {
                    let code = text(&instance, "/activation_code");
                    let said = out.pick("has the activation code", "的新激活码为").to_owned();
                    out.line(format!("{GOOD}{id}{GOOD:#} {said} {BOLD}{code}{BOLD:#}"))?;
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
            out.pick("no instance fits", "没有符合条件的实例")
        } else {
            out.pick(
                "no instances yet; the marketplace creates one with each order \
                 (`licctl market buy` plays one)",
                "还没有实例;云商店的每个订单会创建一个(licctl market buy 可模拟下单)",
            )
        };
        let empty = empty.to_owned();
        out.line(empty)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table::new(match out.lang() {
        Lang::En => [
            "instance",
            "order",
            "product",
            "state",
            "activation code",
            "machines",
            "expires",
            "waiting",
            "refund in",
            "has waited",
        ],
        Lang::Zh => {
            ["实例", "订单", "产品", "状态", "激活码", "机器", "到期", "等待", "距退款", "已等待"]
        }
    });
    for row in rows {
        table.add_row([
            text(row, "/instance_id"),
            text(row, "/order_id"),
            text(row, "/product"),
            text(row, "/state"),
            text(row, "/activation_code"),
            machines(row),
            day(row, "/expires"),
            waiting(row),
            span(row, "/refund_seconds_left"),
            span(row, "/waiting_seconds"),
        ]);
    }
    out.line(table.trim_fmt())?;
    Ok(ExitCode::SUCCESS)
}

fn show(admin: &Admin, id: &str, out: &mut Output) -> anyhow::Result<ExitCode> {
    let instance: Value = admin.get(&format!("/api/v1/instances/{}", escape(id)))?;
    if out.is_json() {
        out.value(&instance)?;
        return Ok(ExitCode::SUCCESS);
    }
    let lang = out.lang();
    for (en, zh, value) in [
        ("instance", "实例", text(&instance, "/instance_id")),
        ("order", "订单", text(&instance, "/order_id")),
        ("order line", "订单行", text(&instance, "/order_line_id")),
        ("product", "产品", text(&instance, "/product")),
        ("state", "状态", text(&instance, "/state")),
        ("activation code", "激活码", text(&instance, "/activation_code")),
        ("machines", "机器", machines(&instance)),
        ("expires", "到期", time(&instance, "/expires")),
        ("created", "创建", time(&instance, "/created_at")),
        ("waiting", "等待", waiting(&instance)),
        ("refund in", "距退款", span(&instance, "/refund_seconds_left")),
        ("has waited", "已等待", span(&instance, "/waiting_seconds")),
    ] {
        let name = if lang == Lang::Zh { zh } else { en };
        out.line(format!("{BOLD}{name}{BOLD:#}: {value}"))?;
    }
    if let Some(error) = instance.get("order_error").and_then(Value::as_str) {
        let word = out.pick("the order could not be read", "订单查询失败").to_owned();
        out.line(format!("{WARN}{word}{WARN:#}: {error}"))?;
    }
    let (mut licenses, mut applications) = match lang {
        Lang::En => (
            table::new(["license", "state", "from", "until", "event"]),
            table::new(["waiting application", "state", "code", "reason"]),
        ),
        Lang::Zh => (
            table::new(["License", "状态", "生效", "到期", "事件"]),
            table::new(["等待中的申请", "状态", "结果码", "原因"]),
        ),
    };
    for row in rows(&instance, "licenses") {
        licenses.add_row([
            text(row, "/license_id"),
            text(row, "/state"),
            day(row, "/not_before"),
            day(row, "/expires"),
            text(row, "/event_id"),
        ]);
    }
    for row in rows(&instance, "applications") {
        applications.add_row([
            text(row, "/event_id"),
            text(row, "/state"),
            text(row, "/result_code"),
            text(row, "/reason"),
        ]);
    }
    for table in [licenses, applications].iter().filter(|table| !table.is_empty()) {
        out.line(format!("\n{}", table.trim_fmt()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn rows<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn machines(row: &Value) -> String {
    format!("{} / {}", text(row, "/machines/used"), text(row, "/machines/limit"))
}

/// What the buyer of this instance still waits for.
fn waiting(row: &Value) -> String {
    let mut reasons = Vec::new();
    match row.get("order_state").and_then(Value::as_str) {
        None | Some("read") => {}
        Some(state) => reasons.push(format!("order: {state}")),
    }
    match row.get("unserved").and_then(Value::as_u64) {
        None | Some(0) => {}
        Some(number) => reasons.push(format!("licenses: {number}")),
    }
    if reasons.is_empty() { "-".to_owned() } else { reasons.join(", ") }
}

/// A member that counts seconds, to the minute: `1 h 59 min`.
fn span(row: &Value, pointer: &str) -> String {
    let Some(seconds) = row.pointer(pointer).and_then(Value::as_u64) else {
        return "-".to_owned();
    };
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours == 0 { format!("{minutes} min") } else { format!("{hours} h {minutes} min") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_buyer_waits_for_is_said() {
        assert_eq!(waiting(&json!({ "order_state": "read", "unserved": 0 })), "-");
        assert_eq!(waiting(&json!({})), "-");
        let both = json!({ "order_state": "product-unknown", "unserved": 2 });
        assert_eq!(waiting(&both), "order: product-unknown, licenses: 2");
    }

    #[test]
    fn spans_are_told_to_the_minute() {
        for (seconds, text) in [(0, "0 min"), (59, "0 min"), (600, "10 min"), (7199, "1 h 59 min")]
        {
            assert_eq!(span(&json!({ "s": seconds }), "/s"), text);
        }
        assert_eq!(span(&json!({}), "/s"), "-");
    }

    #[test]
    fn machines_without_a_limit_have_none() {
        assert_eq!(machines(&json!({ "machines": { "used": 1, "limit": 50 } })), "1 / 50");
        assert_eq!(machines(&json!({ "machines": { "used": 0, "limit": null } })), "0 / -");
    }
}
