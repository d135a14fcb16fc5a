//! Notifications of orders (`orderNotify`) that a server received.

use license_core::api::NoticeView;

use super::{Bilingual, Listed, ViewColumn};
use crate::table::{day, text, time};

impl Listed for NoticeView {
    const PATH: &'static str = "/api/v1/notices";
    const KEY: &'static str = "order_line_id";
    const COLUMNS: &'static [ViewColumn<Self>] = &[
        ("received", "收到", |row, _| time(row.received_at)),
        ("order", "订单", |row, _| text(&row.order_id)),
        ("line", "订单行", |row, _| text(&row.order_line_id)),
        ("state", "状态", |row, _| text(&row.state)),
        ("kind", "类型", |row, _| text(&row.order_type)),
        ("quantity", "数量", |row, _| text(row.quantity)),
        ("until", "到期", |row, _| day(row.expires)),
        ("instance", "实例", |row, _| text(&row.instance_id)),
        ("why", "原因", |row, _| text(&row.error)),
    ];
    const EMPTY: Bilingual = ("no order notifications", "没有订单通知");
}
