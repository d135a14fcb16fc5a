//! `cargo xtask demo`: the main job, end to end, on the embedded default; each step checks what it
//! shows.

pub(crate) mod shop;
mod story;
mod timeline;

use std::path::Path;

use anyhow::Result;

use crate::process::Folder;
use crate::system;
use crate::terminal;
use timeline::Timeline;

/// The main job, step by step.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Keep the temporary folder, to look into it afterwards
    #[arg(long)]
    keep: bool,
}

impl Args {
    pub(crate) fn run(self, root: &Path) -> Result<bool> {
        system::ensure(&[system::COMPILER, system::CMAKE])?;
        let folder = Folder::new("licd-demo-", self.keep)?;
        terminal::say("A signed order becomes a license that a C++ program verifies.");
        terminal::say(&format!(
            "Everything happens on this machine, in {}.",
            folder.path().display()
        ));

        let mut timeline = Timeline::start();
        let outcome = story::tell(root, folder.path(), &mut timeline);
        let elapsed = timeline.elapsed();
        if self.keep {
            terminal::say(&format!("\nKept: {}", folder.path().display()));
        }
        match outcome {
            Ok(()) => {
                terminal::say(&format!(
                    "\nDone in {elapsed}: every step did what it said, and nothing is left running."
                ));
                Ok(true)
            }
            Err(error) => {
                terminal::say(&format!("\nThe demo failed after {elapsed}:\n{error:#}"));
                Ok(false)
            }
        }
    }
}
