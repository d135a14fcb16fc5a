//! `cargo xtask demo`.

use std::path::Path;

use anyhow::Result;

/// The main job, step by step.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Keep the temporary folder, to look into it afterwards
    #[arg(long)]
    keep: bool,
}

impl Args {
    pub(crate) fn run(self, _root: &Path) -> Result<bool> {
        let _ = crate::process::Folder::new("licd-demo-", self.keep)?;
        Ok(false)
    }
}
