//! `licctl vectors`, hidden: for those who work on the format.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::output::Output;
use crate::vectors;

/// Write the format's test vectors.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Write every vector file into a folder; what is there is overwritten.
    Generate {
        /// The folder: `tests/vectors` in the sources.
        dir: PathBuf,
    },
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        let Command::Generate { dir } = self.command;
        fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
        for (name, text) in vectors::files() {
            let path = dir.join(name);
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
            out.line(path.display())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
