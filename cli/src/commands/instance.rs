//! `licctl instance`: lists and shows instances, and changes an activation code.

use std::process::ExitCode;

use license_core::api::{InstanceDetail, InstanceView};
use serde_json::Value;

use crate::admin::{Admin, ServerArgs};
use crate::output::{BOLD, Output};
use crate::resources::{self, ById};

/// See instances: what a buyer bought, and who may use it.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List what was bought, with its activation codes.
    List {
        /// Only of this order.
        #[arg(long, value_name = "ID")]
        order: Option<String>,
        /// Only of this product.
        #[arg(long, value_name = "ID")]
        product: Option<String>,
        /// Only in this state.
        #[arg(long, value_name = "STATE", value_parser = ["active", "frozen", "released"])]
        state: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one instance with its licenses and what still waits.
    Show(ById),
    /// Give an instance another activation code: the one it has is known to strangers.
    ///
    /// The earlier code opens nothing any more; licenses that were issued stay what they are. The
    /// buyer sees the new one at the marketplace, or is told it.
    RotateCode(ById),
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List { order, product, state, server } => {
                let filters = [
                    ("order_id", order.as_deref()),
                    ("product", product.as_deref()),
                    ("state", state.as_deref()),
                ];
                resources::list::<InstanceView>(&server.connect(out)?, &filters, out)
            }
            Command::Show(one) => one.show::<InstanceDetail>(out),
            Command::RotateCode(one) => one.change::<InstanceView>("rotate-code", rotated, out),
        }
    }
}

fn rotated(admin: &Admin, instance: &Value, out: &Output) -> anyhow::Result<String> {
    let code = admin.view::<InstanceView>(instance)?.activation_code;
    let said = out.pick("has the activation code", "的新激活码为");
    Ok(format!("{said} {BOLD}{code}{BOLD:#}"))
}
