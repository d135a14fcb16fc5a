//! Machines that hold a seat of an instance.

use license_core::Lang;
use license_core::api::MachineView;

use super::{Bilingual, Listed, ViewColumn};
use crate::table::{day, text};

impl Listed for MachineView {
    const PATH: &'static str = "/api/v1/machines";
    const KEY: &'static str = "machine_id";
    const COLUMNS: &'static [ViewColumn<Self>] = &[
        ("machine", "机器", |row, _| text(&row.machine_id)),
        ("instance", "实例", |row, _| text(&row.instance_id)),
        ("known by", "识别依据", |row, _| row.parts.join(", ")),
        ("enrolled", "登记", |row, _| day(row.enrolled_at)),
        ("by", "来源", |row, lang| {
            let by = match (row.by_code, lang) {
                (true, Lang::En) => "activation code",
                (true, Lang::Zh) => "激活码",
                (false, Lang::En) => "marketplace",
                (false, Lang::Zh) => "云商店",
            };
            by.to_owned()
        }),
    ];
    const EMPTY: Bilingual = (
        "no machine holds a place; one takes it with its first node-locked license",
        "没有机器占用名额;机器首次获得绑定许可证时占用",
    );
    const NO_MATCH: Bilingual = (
        "no machine holds a place of that instance, if there is one",
        "该实例不存在,或没有机器占用其名额",
    );
}
