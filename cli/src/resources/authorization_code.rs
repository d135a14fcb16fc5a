//! The marketplace's authorization codes.

use license_core::api::CodeView;

use super::{Bilingual, Listed, Shown, ViewColumn};
use crate::table::{day, text, time};

impl Listed for CodeView {
    const PATH: &'static str = "/api/v1/codes";
    const KEY: &'static str = "code";
    const COLUMNS: &'static [ViewColumn<Self>] = &[
        ("code", "授权码", |row, _| text(&row.code)),
        ("state", "状态", |row, _| text(&row.state)),
        ("instance", "实例", |row, _| text(&row.instance_id)),
        ("product", "产品", |row, _| text(&row.product)),
        ("quantity", "数量", |row, _| text(row.quantity)),
        ("until", "到期", |row, _| day(row.expires)),
        ("asked", "查询", |row, _| time(row.heartbeat_at)),
    ];
    const EMPTY: Bilingual = (
        "no authorization codes; one is listed once a program has used it",
        "没有授权码;程序首次使用后列出",
    );
}

impl Shown for CodeView {
    const PATH: &'static str = <Self as Listed>::PATH;
    const FIELDS: &'static [ViewColumn<Self>] = &[
        ("code", "授权码", |row, _| text(&row.code)),
        ("state", "状态", |row, _| text(&row.state)),
        ("instance", "实例", |row, _| text(&row.instance_id)),
        ("order", "订单", |row, _| text(&row.order_id)),
        ("product", "产品", |row, _| text(&row.product)),
        ("quantity", "数量", |row, _| text(row.quantity)),
        ("until", "到期", |row, _| time(row.expires)),
        ("first use", "首次使用", |row, _| time(row.used_since)),
        ("activated", "激活", |row, _| time(row.activated_at)),
        ("asked", "查询", |row, _| time(row.heartbeat_at)),
        ("refusal", "拒绝", |row, _| text(&row.error)),
        ("answer", "应答", |row, _| text(&row.answer)),
    ];
}
