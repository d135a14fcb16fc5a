//! `licctl license`: lists, shows, suspends, reinstates and revokes licenses.

use std::process::ExitCode;

use license_core::api::{IssuedLicenseStatus, LicenseView};
use serde_json::Value;

use crate::admin::{Admin, ServerArgs};
use crate::output::Output;
use crate::resources::{self, ById, said};

/// See the licenses a server has issued, and stop one.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the licenses that were issued.
    List {
        /// Only of this instance.
        #[arg(long, value_name = "ID")]
        instance: Option<String>,
        /// Only of this product.
        #[arg(long, value_name = "ID")]
        product: Option<String>,
        /// Only of this machine.
        #[arg(long, value_name = "ID")]
        machine: Option<String>,
        /// Only in this state.
        #[arg(long, value_name = "STATE", value_parser = ["active", "suspended", "revoked"])]
        state: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one license with its document.
    Show(ById),
    /// Stop a license until it is reinstated.
    ///
    /// It stands on the revocation list at once; a program learns it when it fetches the list, or
    /// is brought one. A program that asks is given no other license for that machine, either, until
    /// it is reinstated. What the marketplace applies for is given: stop a buyer by freezing the
    /// instance there.
    Suspend(ById),
    /// Let a suspended license count again.
    Reinstate(ById),
    /// Stop a license for good.
    ///
    /// Its machine keeps its place and may ask for another license. To give the place back, too:
    /// `licctl machine release`; to keep strangers out who have the activation code:
    /// `licctl instance rotate-code`.
    Revoke(ById),
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List { instance, product, machine, state, server } => {
                let filters = [
                    ("instance_id", instance.as_deref()),
                    ("product", product.as_deref()),
                    ("machine_id", machine.as_deref()),
                    ("state", state.as_deref()),
                ];
                resources::list::<LicenseView>(&server.connect(out)?, &filters, out)
            }
            Command::Show(one) => one.show::<LicenseView>(out),
            Command::Suspend(one) => {
                one.change::<LicenseView>("suspend", said("is suspended", "已暂停"), out)
            }
            Command::Reinstate(one) => one.change::<LicenseView>("reinstate", reinstated, out),
            Command::Revoke(one) => {
                one.change::<LicenseView>("revoke", said("is revoked", "已吊销"), out)
            }
        }
    }
}

fn reinstated(admin: &Admin, license: &Value, out: &Output) -> anyhow::Result<String> {
    // Reinstated while its instance is frozen it stays stopped.
    let text = if admin.view::<LicenseView>(license)?.state == IssuedLicenseStatus::Active {
        out.pick("counts again", "已恢复")
    } else {
        out.pick(
            "counts again once the marketplace unfreezes its instance",
            "将在云商店解冻其实例后恢复",
        )
    };
    Ok(text.to_owned())
}
