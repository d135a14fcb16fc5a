//! `licctl license`: lists, shows, suspends, reinstates and revokes licenses.

use std::process::ExitCode;

use license_core::api::{IssuedLicenseStatus, LicenseView};
use serde_json::Value;

use crate::admin::ServerArgs;
use crate::output::Output;
use crate::resources;

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
    Show {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Stop a license until it is reinstated.
    ///
    /// It stands on the revocation list at once; a program learns it when it fetches the list, or
    /// is brought one. A program that asks is given no other license for that machine, either, until
    /// it is reinstated. What the marketplace applies for is given: stop a buyer by freezing the
    /// instance there.
    Suspend {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Let a suspended license count again.
    Reinstate {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Stop a license for good.
    ///
    /// Its machine keeps its place and may ask for another license. To give the place back, too:
    /// `licctl machine release`; to keep strangers out who have the activation code:
    /// `licctl instance rotate-code`.
    Revoke {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        let (server, id, action, said) = match self.command {
            Command::List { instance, product, machine, state, server } => {
                let filters = [
                    ("instance_id", instance.as_deref()),
                    ("product", product.as_deref()),
                    ("machine_id", machine.as_deref()),
                    ("state", state.as_deref()),
                ];
                return resources::list::<LicenseView>(&server.connect(out)?, &filters, out);
            }
            Command::Show { id, server } => {
                return resources::show::<LicenseView>(&server.connect(out)?, &id, out);
            }
            Command::Suspend { id, server } => (server, id, "suspend", ("is suspended", "已暂停")),
            Command::Reinstate { id, server } => {
                (server, id, "reinstate", ("counts again", "已恢复"))
            }
            Command::Revoke { id, server } => (server, id, "revoke", ("is revoked", "已吊销")),
        };
        let admin = server.connect(out)?;
        let said = |license: &Value, out: &Output| -> anyhow::Result<String> {
            // Reinstated while its instance is frozen it stays stopped.
            let stopped = action == "reinstate"
                && admin.view::<LicenseView>(license)?.state != IssuedLicenseStatus::Active;
            let (en, zh) = if stopped {
                (
                    "counts again once the marketplace unfreezes its instance",
                    "将在云商店解冻其实例后恢复",
                )
            } else {
                said
            };
            Ok(out.pick(en, zh).to_owned())
        };
        resources::change::<LicenseView>(&admin, &id, action, said, out)
    }
}
