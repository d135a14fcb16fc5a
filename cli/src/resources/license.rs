//! Licenses that a server issued.

use license_core::api::LicenseView;

use super::{Bilingual, Listed, Shown, ViewColumn};
use crate::output::Output;
use crate::table::{day, text, time};

impl Listed for LicenseView {
    const PATH: &'static str = "/api/v1/licenses";
    const KEY: &'static str = "license_id";
    const COLUMNS: &'static [ViewColumn<Self>] = &[
        ("license", "License", |row, _| text(&row.license_id)),
        ("instance", "实例", |row, _| text(&row.instance_id)),
        ("product", "产品", |row, _| text(&row.product)),
        ("state", "状态", |row, _| text(&row.state)),
        ("issued", "签发", |row, _| day(row.issued_at)),
        ("from", "生效", |row, _| day(row.not_before)),
        ("until", "到期", |row, _| day(row.expires)),
        ("event", "事件", |row, _| text(&row.event_id)),
    ];
    const EMPTY: Bilingual = (
        "no licenses; they are issued when a buyer applies for one or a program asks for one",
        "没有 License;买家申请或程序请求时签发",
    );
    const NO_MATCH: Bilingual = ("no license fits", "没有符合条件的 License");
}

impl Shown for LicenseView {
    const PATH: &'static str = <Self as Listed>::PATH;
    const FIELDS: &'static [ViewColumn<Self>] = &[
        ("license", "License", |row, _| text(&row.license_id)),
        ("instance", "实例", |row, _| text(&row.instance_id)),
        ("product", "产品", |row, _| text(&row.product)),
        ("state", "状态", |row, _| text(&row.state)),
        ("machine", "机器", |row, _| text(&row.machine_id)),
        ("event", "事件", |row, _| text(&row.event_id)),
        ("key", "密钥", |row, _| text(&row.kid)),
        ("issued", "签发", |row, _| time(row.issued_at)),
        ("from", "生效", |row, _| time(row.not_before)),
        ("until", "到期", |row, _| time(row.expires)),
    ];

    fn details(&self, out: &mut Output) -> anyhow::Result<()> {
        if let Some(document) = &self.document {
            out.line(format!("\n{document}"))?;
        }
        Ok(())
    }
}
