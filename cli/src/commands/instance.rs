//! `licctl instance`.

use std::process::ExitCode;

use crate::environment::Environment;
use crate::output::Output;

/// See instances: what a buyer bought, and who may use it.
#[derive(clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) fn run(self, _environment: &Environment, _out: &mut Output) -> anyhow::Result<ExitCode> {
        Ok(ExitCode::from(2))
    }
}
