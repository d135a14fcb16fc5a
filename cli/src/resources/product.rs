//! Products that a server knows.

use license_core::api::ProductView;
use license_core::product::Quantity;

use super::{Bilingual, Listed, ViewColumn};
use crate::table::text;

impl Listed for ProductView {
    const PATH: &'static str = "/api/v1/products";
    const KEY: &'static str = "id";
    const COLUMNS: &'static [ViewColumn<Self>] = &[
        ("product", "产品", |row, _| row.product.id.clone()),
        ("name", "名称", |row, _| row.product.name.clone()),
        ("kind", "类型", |row, _| text(row.product.license.kind)),
        ("machines", "机器数", |row, _| match row.product.license.machines {
            Quantity::Order => "order".to_owned(),
            Quantity::Fixed(number) => number.to_string(),
        }),
        ("marketplace", "云商店", |row, _| {
            let offers = row.product.koogallery.iter().map(|offer| offer.product_id.as_str());
            offers.collect::<Vec<_>>().join("\n")
        }),
    ];
    const EMPTY: Bilingual = (
        "no products yet; describe one in a file and run `licctl product apply FILE`",
        "还没有产品;请在文件中描述产品并运行 licctl product apply FILE",
    );
}
