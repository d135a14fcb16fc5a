//! `licd backup`: saves the database, and the keys if asked, into one file.

use std::path::PathBuf;

use super::options::{CommonOptions, runtime, show_rows};
use crate::backup::{Backup, backup};
use crate::environment::Environment;
use crate::keys::signing;
use crate::output;

/// What `licd backup` takes.
#[derive(clap::Args)]
#[command(after_help = "\
The file holds every activation code, every license and the secret of the database: it is to be
kept as the database is. Private keys are in it only with --passphrase-file.")]
pub(crate) struct Args {
    #[command(flatten)]
    common: CommonOptions,
    /// Where to: a new file, which appears once it is whole
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Take the private keys along, encrypted with the passphrase in this file
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Replace FILE if it is an earlier backup
    #[arg(long)]
    force: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "every subcommand is given its own")]
pub(super) fn run(args: &Args, environment: Environment) -> anyhow::Result<()> {
    crate::logging::start_quiet()?;
    let config = args.common.load(Vec::new())?.config;
    let passphrase = args.passphrase_file.as_ref();
    let passphrase =
        passphrase.map(|path| signing::passphrase_in(path, "--passphrase-file")).transpose()?;
    let keys = passphrase.is_some();
    let what = Backup { file: &args.file, force: args.force, passphrase };
    let saved = runtime()?.block_on(async {
        let mut progress = show_rows("saving");
        tokio::select! {
            saved = backup(&config, &environment, what, &mut progress) => saved,
            _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped: no backup was written")),
        }
    });
    output::progress("");
    let saved = saved?;
    let shown = args.file.display();
    output::note(&format!("{shown}: {} rows, {} KiB.", saved.rows, saved.bytes.div_ceil(1024)));
    output::note(if keys {
        "The private keys are in it, encrypted: keep the passphrase somewhere else."
    } else {
        "The private keys are not in it: keep copies of them, or use --passphrase-file."
    });
    Ok(())
}
