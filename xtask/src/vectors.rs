//! `cargo xtask vectors`: writes the format's vector files, or checks the committed ones.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::terminal;

const FOLDER: &str = "tests/vectors";

/// The files of tests/vectors, as `license-vectors` makes them.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail where a committed file differs
    #[arg(long)]
    check: bool,
}

impl Args {
    /// False where a file differs that was only to be checked.
    pub(crate) fn run(&self, root: &Path) -> Result<bool> {
        let mut same = true;
        for (name, text) in license_vectors::files() {
            let path = root.join(FOLDER).join(&name);
            // A file that cannot be read is one that differs.
            if fs::read_to_string(&path).is_ok_and(|committed| committed == text) {
                terminal::say(&format!("{FOLDER}/{name} is as it must be"));
                continue;
            }
            if self.check {
                terminal::say(&format!("{FOLDER}/{name} differs: run `cargo xtask vectors`"));
                same = false;
            } else {
                fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
                terminal::say(&format!("{FOLDER}/{name} written"));
            }
        }
        Ok(same)
    }
}
