//! Records of usage and their delivery to the marketplace.

use license_core::Lang;
use license_core::api::UsageView;

use super::{Bilingual, Listed, ViewColumn};
use crate::table::{text, time};

impl Listed for UsageView {
    const PATH: &'static str = "/api/v1/usage";
    const KEY: &'static str = "usage_id";
    const COLUMNS: &'static [ViewColumn<Self>] = &[
        ("record", "记录", |row, _| text(&row.usage_id)),
        // A program's own number says more than the digest of it that the marketplace gets.
        ("number", "流水号", |row, _| text(row.number.as_ref().unwrap_or(&row.metering_sn))),
        ("instance", "实例", |row, _| text(&row.instance_id)),
        ("from", "开始", |row, _| time(row.begin_time)),
        ("until", "结束", |row, _| time(row.end_time)),
        ("used", "使用量", |row, _| text(&row.usage_value)),
        ("state", "状态", |row, _| text(&row.state)),
        ("why", "原因", |row, lang| {
            let why = text(if lang == Lang::Zh { &row.error_zh } else { &row.error });
            match text(&row.error_code).as_str() {
                "-" => why,
                code => format!("{code}: {why}"),
            }
        }),
    ];
    const EMPTY: Bilingual = ("no usage", "没有使用量记录");
}
