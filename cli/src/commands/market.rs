//! `licctl market`.

mod buy;
mod debug;
mod seller;
mod serve;

use std::process::ExitCode;

use crate::environment::Environment;
use crate::output::Output;

/// Play the marketplace: its open interfaces, its console's debugging, a buyer.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    // Has by far the most options.
    Serve(Box<serve::Args>),
    Debug(debug::Args),
    Buy(buy::Args),
}

impl Args {
    pub(crate) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Serve(args) => args.run(environment, out),
            Command::Debug(args) => args.run(environment, out),
            Command::Buy(args) => args.run(environment, out),
        }
    }
}
