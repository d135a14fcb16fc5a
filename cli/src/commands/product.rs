//! `licctl product`: lists, shows and applies products.

mod apply;

use std::process::ExitCode;

use license_core::api::ProductView;

use crate::admin::{Admin, ServerArgs, escape};
use crate::output::Output;
use crate::resources::{self, Listed as _};

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
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Apply(args) => args.run(out),
            Command::List { server } => list(&server.connect(out)?, out),
            Command::Show { id, server } => show(&server.connect(out)?, &id, out),
        }
    }
}

/// Prints products as this tool understands them, as `show` does: that can be applied again.
fn list(admin: &Admin, out: &mut Output) -> anyhow::Result<ExitCode> {
    let products: Vec<ProductView> =
        admin.list(ProductView::PATH, &[], |view: &ProductView| view.product.id.clone())?;
    if out.is_json() {
        out.value(&products)?;
        return Ok(ExitCode::SUCCESS);
    }
    resources::print_views(&products, false, out)
}

fn show(admin: &Admin, id: &str, out: &mut Output) -> anyhow::Result<ExitCode> {
    let view: ProductView = admin.get(&format!("{}/{}", ProductView::PATH, escape(id)))?;
    if out.is_json() {
        out.value(&view)?;
    } else {
        // What is shown can be changed and applied again.
        out.text(&toml::to_string(&view.product)?)?;
    }
    Ok(ExitCode::SUCCESS)
}
