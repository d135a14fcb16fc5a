//! `licd restore`: fills an empty database from a backup.

use std::path::PathBuf;

use license_core::Timestamp;

use super::options::{CommonOptions, runtime, show_rows};
use crate::backup::{Restore, restore};
use crate::environment::Environment;
use crate::keys::signing;
use crate::output;

/// What `licd restore` takes.
#[derive(clap::Args)]
#[command(after_help = "\
The database that the configuration names must be empty; it may be of the other kind than the one
that was saved, which is how to move from SQLite to PostgreSQL or back. Afterwards uploads wait for
`licctl upload confirm-restore` (docs/OPERATIONS.md).")]
pub(crate) struct Args {
    #[command(flatten)]
    common: CommonOptions,
    /// What `licd backup` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Opens the private keys in it
    #[arg(long, value_name = "FILE", conflicts_with = "without_keys")]
    passphrase_file: Option<PathBuf>,
    /// Leave the keys out, and those that are here as they are
    #[arg(long)]
    without_keys: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "every subcommand is given its own")]
pub(super) fn run(args: &Args, environment: Environment) -> anyhow::Result<()> {
    crate::logging::start_quiet()?;
    let config = args.common.load(Vec::new())?.config;
    let passphrase = args.passphrase_file.as_ref();
    let passphrase =
        passphrase.map(|path| signing::passphrase_in(path, "--passphrase-file")).transpose()?;
    let what = Restore { file: &args.file, passphrase, without_keys: args.without_keys };
    let restored = runtime()?.block_on(async {
        let mut progress = show_rows("restoring");
        restore(&config, &environment, what, &mut progress).await
    });
    output::progress("");
    let restored = restored?;
    let made_at = Timestamp::from_secs(restored.made_at);
    output::note(&format!("Restored {} rows from the backup of {made_at}.", restored.rows));
    for path in &restored.keys {
        output::note(&format!("The key {} was restored.", path.display()));
    }
    let missing = signing::places(&config)?.into_iter().filter(|place| !place.path.exists());
    for place in missing {
        output::warning(&format!(
            "the key {} is not there: put your copy of it there before `licd serve` makes another \
             one, which programs out there do not know",
            place.path.display()
        ));
    }
    output::note(
        "Uploads wait: start `licd serve`, look at `licctl upload list`, then \
         `licctl upload confirm-restore`.",
    );
    Ok(())
}
