//! Instances: what a buyer bought, with its licenses and what still waits.

use license_core::api::{ApplicationView, InstanceDetail, InstanceView, LicenseView, OrderStatus};

use super::{Bilingual, Listed, Shown, ViewColumn, table};
use crate::output::{Output, WARN};
use crate::table::{day, joined, text, time};

impl Listed for InstanceView {
    const PATH: &'static str = "/api/v1/instances";
    const KEY: &'static str = "instance_id";
    const COLUMNS: &'static [ViewColumn<Self>] = &[
        ("instance", "实例", |row, _| text(&row.instance_id)),
        ("order", "订单", |row, _| text(&row.order_id)),
        ("product", "产品", |row, _| text(&row.product)),
        ("state", "状态", |row, _| text(row.state)),
        ("activation code", "激活码", |row, _| text(&row.activation_code)),
        ("machines", "机器", |row, _| machines(row)),
        ("expires", "到期", |row, _| day(row.expires)),
        ("waiting", "等待", |row, _| waiting(row)),
        ("refund in", "距退款", |row, _| span(row.refund_seconds_left)),
        ("has waited", "已等待", |row, _| span(row.waiting_seconds)),
    ];
    const EMPTY: Bilingual = (
        "no instances yet; the marketplace creates one with each order \
         (`licctl market buy` plays one)",
        "还没有实例;云商店的每个订单会创建一个(licctl market buy 可模拟下单)",
    );
    const NO_MATCH: Bilingual = ("no instance fits", "没有符合条件的实例");
}

impl Shown for InstanceDetail {
    const PATH: &'static str = InstanceView::PATH;
    const FIELDS: &'static [ViewColumn<Self>] = &[
        ("instance", "实例", |row, _| text(&row.instance.instance_id)),
        ("order", "订单", |row, _| text(&row.instance.order_id)),
        ("order line", "订单行", |row, _| text(&row.instance.order_line_id)),
        ("product", "产品", |row, _| text(&row.instance.product)),
        ("state", "状态", |row, _| text(row.instance.state)),
        ("activation code", "激活码", |row, _| text(&row.instance.activation_code)),
        ("machines", "机器", |row, _| machines(&row.instance)),
        ("expires", "到期", |row, _| time(row.instance.expires)),
        ("created", "创建", |row, _| time(row.instance.created_at)),
        ("waiting", "等待", |row, _| waiting(&row.instance)),
        ("refund in", "距退款", |row, _| span(row.instance.refund_seconds_left)),
        ("has waited", "已等待", |row, _| span(row.instance.waiting_seconds)),
    ];

    fn details(&self, out: &mut Output) -> anyhow::Result<()> {
        if let Some(error) = &self.instance.order_error {
            let word = out.pick("the order could not be read", "订单查询失败");
            out.line(format!("{WARN}{word}{WARN:#}: {error}"))?;
        }
        let licenses = table(&self.licenses, LICENSES, out.lang());
        let applications = table(&self.applications, APPLICATIONS, out.lang());
        for table in [licenses, applications].into_iter().flatten() {
            out.line(format!("\n{table}"))?;
        }
        Ok(())
    }
}

const LICENSES: &[ViewColumn<LicenseView>] = &[
    ("license", "License", |row, _| text(&row.license_id)),
    ("state", "状态", |row, _| text(&row.state)),
    ("from", "生效", |row, _| day(row.not_before)),
    ("until", "到期", |row, _| day(row.expires)),
    ("event", "事件", |row, _| text(&row.event_id)),
];

const APPLICATIONS: &[ViewColumn<ApplicationView>] = &[
    ("waiting application", "等待中的申请", |row, _| text(&row.event_id)),
    ("state", "状态", |row, _| text(&row.state)),
    ("code", "结果码", |row, _| text(&row.result_code)),
    ("reason", "原因", |row, _| text(&row.reason)),
];

fn machines(row: &InstanceView) -> String {
    format!("{} / {}", row.machines.used, text(row.machines.limit))
}

/// What the buyer of this instance was not given yet.
fn waiting(row: &InstanceView) -> String {
    let mut reasons = Vec::new();
    if row.order_state != OrderStatus::Read {
        reasons.push(format!("order: {}", row.order_state));
    }
    if row.unserved > 0 {
        reasons.push(format!("licenses: {}", row.unserved));
    }
    joined(&reasons)
}

/// Seconds, to the minute: `1 h 59 min`.
fn span(seconds: Option<u64>) -> String {
    let Some(seconds) = seconds else { return "-".to_owned() };
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours == 0 { format!("{minutes} min") } else { format!("{hours} h {minutes} min") }
}

#[cfg(test)]
mod tests {
    use license_core::api::SeatCount;
    use serde_json::json;

    use super::*;

    fn instance() -> InstanceView {
        serde_json::from_value(json!({
            "instance_id": "i-1", "order_id": "CS1", "order_line_id": "CS1-000001",
            "state": "active", "activation_code": "", "machines": { "used": 1, "limit": 50 },
            "order_state": "read", "created_at": 0, "of_a_newer_server": [],
        }))
        .unwrap()
    }

    #[test]
    fn what_a_buyer_waits_for_is_said() {
        assert_eq!(waiting(&instance()), "-");
        let order_state = OrderStatus::ProductUnknown;
        let both = InstanceView { order_state, unserved: 2, ..instance() };
        assert_eq!(waiting(&both), "order: product-unknown, licenses: 2");
    }

    #[test]
    fn spans_are_told_to_the_minute() {
        for (seconds, text) in [(0, "0 min"), (59, "0 min"), (600, "10 min"), (7199, "1 h 59 min")]
        {
            assert_eq!(span(Some(seconds)), text);
        }
        assert_eq!(span(None), "-");
    }

    #[test]
    fn machines_without_a_limit_have_none() {
        assert_eq!(machines(&instance()), "1 / 50");
        let machines_free = SeatCount { used: 0, limit: None };
        assert_eq!(machines(&InstanceView { machines: machines_free, ..instance() }), "0 / -");
    }
}
