//! `licctl release`: lists, publishes and withdraws releases.

mod package;
mod publish;
mod sign;
mod withdraw;

use std::process::ExitCode;

use license_core::api::ReleaseView;

use crate::admin::ServerArgs;
use crate::environment::Environment;
use crate::output::Output;
use crate::resources;

/// Publish releases that programs learn of.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Publish(Box<publish::Args>),
    Withdraw(Box<withdraw::Args>),
    /// List what was published.
    List {
        /// Only of this product.
        #[arg(long, value_name = "ID")]
        product: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Args {
    pub(crate) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Publish(args) => args.run(environment, out),
            Command::Withdraw(args) => args.run(environment, out),
            Command::List { product, server } => {
                let filters = [("product", product.as_deref())];
                resources::list_unpaged::<ReleaseView>(&server.connect(out)?, &filters, out)
            }
        }
    }
}
