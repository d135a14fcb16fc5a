//! Releases that were published.

use license_core::api::ReleaseView;

use super::{Bilingual, Listed, ViewColumn};
use crate::table::{day, text};

impl Listed for ReleaseView {
    const PATH: &'static str = "/api/v1/releases";
    const KEY: &'static str = "version";
    const COLUMNS: &'static [ViewColumn<Self>] = &[
        ("product", "产品", |row, _| text(&row.product)),
        ("version", "版本", |row, _| text(&row.version)),
        ("date", "日期", |row, _| day(row.date)),
        ("channel", "渠道", |row, _| text(&row.channel)),
        ("platform", "平台", |row, _| text(&row.platform)),
        ("bytes", "字节", |row, _| text(row.len)),
        ("obliges", "强制升级", |row, _| text(&row.obliges)),
        ("package", "软件包", |row, _| text(&row.url)),
    ];
    const EMPTY: Bilingual = (
        "no releases yet; `licctl release publish` makes the first one known",
        "还没有发布版本;使用 licctl release publish 发布",
    );
}
