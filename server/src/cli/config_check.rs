//! `licd config check`: reads the configuration and prints what is in force.

use super::options::CommonOptions;
use crate::keys::signing::Keyring;
use crate::output;

/// What `licd config check` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: CommonOptions,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let loaded = args.common.load(Vec::new())?;
    let certificate = crate::http::tls(&loaded.config)?;
    Keyring::check(&loaded.config)?;
    output::text(&loaded.effective);
    for warning in &loaded.warnings {
        output::warning(&warning.text);
    }
    let tls = if certificate.is_some() { "TLS certificate and key fit together. " } else { "" };
    let count = loaded.warnings.len();
    let plural = if count == 1 { "" } else { "s" };
    output::note(&format!("The configuration can be used. {tls}{count} warning{plural}."));
    Ok(())
}
