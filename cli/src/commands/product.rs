//! `licctl product`.

mod apply;

use std::process::ExitCode;

use license_core::Lang;
use license_core::api::ProductView;
use license_core::entitlement::LicenseKind;
use license_core::product::Quantity;

use crate::admin::{Admin, ServerArgs, escape};
use crate::environment::Environment;
use crate::output::Output;
use crate::table;

/// Tell a server what is sold.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Apply(apply::Args),
    /// List the products the server knows.
    List {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one product.
    Show {
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
            Command::Apply(args) => args.run(out),
            Command::List { server } => list(&server.connect(out)?, out),
            Command::Show { id, server } => show(&server.connect(out)?, &id, out),
        }
    }
}

fn list(admin: &Admin, out: &mut Output) -> anyhow::Result<ExitCode> {
    let products: Vec<ProductView> =
        admin.list("/api/v1/products", &[], |view: &ProductView| view.product.id.clone())?;
    if out.is_json() {
        out.value(&products)?;
        return Ok(ExitCode::SUCCESS);
    }
    if products.is_empty() {
        out.line(
            out.pick(
                "no products yet; describe one in a file and run `licctl product apply FILE`",
                "还没有产品;请在文件中描述产品并运行 licctl product apply FILE",
            )
            .to_owned(),
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = table::new(match out.lang() {
        Lang::En => ["product", "name", "kind", "machines", "marketplace"],
        Lang::Zh => ["产品", "名称", "类型", "机器数", "云商店"],
    });
    for ProductView { product, .. } in &products {
        let offers: Vec<_> =
            product.koogallery.iter().map(|offer| offer.product_id.as_str()).collect();
        table.add_row([
            product.id.clone(),
            product.name.clone(),
            kind(product.license.kind),
            machines(product.license.machines),
            offers.join("\n"),
        ]);
    }
    out.line(table.trim_fmt())?;
    Ok(ExitCode::SUCCESS)
}

fn show(admin: &Admin, id: &str, out: &mut Output) -> anyhow::Result<ExitCode> {
    let view: ProductView = admin.get(&format!("/api/v1/products/{}", escape(id)))?;
    if out.is_json() {
        out.value(&view)?;
    } else {
        // What is shown can be changed and applied again.
        out.text(&toml::to_string(&view.product)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The word that the product's file has.
fn kind(kind: LicenseKind) -> String {
    serde_json::to_value(kind)
        .ok()
        .and_then(|kind| kind.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn machines(quantity: Quantity) -> String {
    match quantity {
        Quantity::Order => "order".to_owned(),
        Quantity::Fixed(number) => number.to_string(),
    }
}
