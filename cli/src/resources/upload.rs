//! Licenses on their way to the marketplace.

use license_core::Lang;
use license_core::api::UploadView;

use super::{Bilingual, Listed, ViewColumn};
use crate::table::{text, time};

impl Listed for UploadView {
    const PATH: &'static str = "/api/v1/uploads";
    const KEY: &'static str = "upload_id";
    const COLUMNS: &'static [ViewColumn<Self>] = &[
        ("upload", "上传", |row, _| text(&row.upload_id)),
        ("event", "事件", |row, _| text(&row.event_id)),
        ("license", "License", |row, _| text(&row.license_id)),
        ("state", "状态", |row, _| text(&row.state)),
        ("attempts", "次数", |row, _| text(row.attempts)),
        ("next", "下次", |row, _| time(row.next_at)),
        ("marketplace said", "云商店应答", |row, lang| match text(&row.error_code).as_str() {
            "-" => "-".to_owned(),
            code => format!(
                "{code}: {}",
                text(if lang == Lang::Zh { &row.error_zh } else { &row.error })
            ),
        }),
    ];
    const EMPTY: Bilingual = (
        "no uploads; one is made for each license that the marketplace asked for",
        "没有上传任务;云商店申请的每个 License 会产生一个",
    );
}
