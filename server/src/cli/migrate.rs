//! `licd migrate`: brings the tables to this version.

use super::options::{CommonOptions, runtime};
use crate::app::open;
use crate::config::Database;
use crate::environment::Environment;
use crate::output;

/// What `licd migrate` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: CommonOptions,
}

pub(super) fn run(args: &Args, environment: Environment) -> anyhow::Result<()> {
    crate::logging::start_quiet()?;
    let config = args.common.load(Vec::new())?.config;
    runtime()?.block_on(open::open(&config, environment))?;
    let place = match &config.database {
        Database::Sqlite => format!("in {}", config.data_dir.display()),
        shared @ Database::Postgres(_) => shared.to_string(),
    };
    output::note(&format!(
        "The database {place} has this version's tables; `licd serve` can start."
    ));
    Ok(())
}
