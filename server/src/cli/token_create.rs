//! `licd token create`: makes a token of the admin API.

use super::options::{CommonOptions, runtime};
use crate::app::open;
use crate::app::tokens;
use crate::environment::Environment;
use crate::output;
use crate::store::Role;

/// What `licd token create` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Roles: viewer reads everything but activation codes; operator also applies products and sends
uploads again; admin also makes tokens and publishes releases.")]
pub(crate) struct Args {
    #[command(flatten)]
    common: CommonOptions,
    /// What its bearer may do: viewer, operator or admin
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: Role,
    /// Who uses it, to find it again in the list of tokens
    #[arg(long, value_name = "NAME")]
    name: String,
}

fn role(word: &str) -> Result<Role, &'static str> {
    word.parse().map_err(|()| "write viewer, operator or admin")
}

pub(super) fn run(args: &Args, environment: Environment) -> anyhow::Result<()> {
    crate::logging::start_quiet()?;
    let config = args.common.load(Vec::new())?.config;
    let made = runtime()?.block_on(async {
        let app = open::open_beside(&config, environment).await?;
        tokens::create(&app, args.role, &args.name).await.map_err(anyhow::Error::from)
    })?;
    output::text(&format!("{}\n", made.token));
    output::note("Keep it now: it is not shown again, only its digest is kept.");
    Ok(())
}
