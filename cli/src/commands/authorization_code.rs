//! `licctl code`: lists and shows authorization codes.

use std::process::ExitCode;

use license_core::api::CodeView;

use crate::admin::ServerArgs;
use crate::output::Output;
use crate::resources;

/// See the marketplace's authorization codes that programs use.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the codes that were used.
    List {
        /// Only in this state.
        #[arg(
            long, value_name = "STATE",
            value_parser = ["activating", "active", "expired", "released"]
        )]
        state: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one code with the marketplace's last answer.
    Show {
        /// The code.
        code: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List { state, server } => {
                let filters = [("state", state.as_deref())];
                resources::list::<CodeView>(&server.connect(out)?, &filters, out)
            }
            Command::Show { code, server } => {
                resources::show::<CodeView>(&server.connect(out)?, &code, out)
            }
        }
    }
}
