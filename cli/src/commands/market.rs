//! `licctl market`.

use std::process::ExitCode;

use crate::environment::Environment;
use crate::output::Output;

/// Play the marketplace: serve its open interfaces, debug a server.
#[derive(clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) fn run(self, _environment: &Environment, _out: &mut Output) -> anyhow::Result<ExitCode> {
        Ok(ExitCode::from(2))
    }
}
