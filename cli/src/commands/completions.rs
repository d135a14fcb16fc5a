//! `licctl completions`: prints the completion script of a shell.

use std::process::ExitCode;

use clap_complete::Shell;

use crate::output::Output;

const AFTER_HELP: &str = "\
Examples:
  licctl completions bash > /etc/bash_completion.d/licctl
  licctl completions zsh > \"${fpath[1]}/_licctl\"
  licctl completions fish > ~/.config/fish/completions/licctl.fish
  licctl completions powershell >> $PROFILE";

/// Print the completion script of a shell.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    shell: Shell,
}

impl Args {
    /// `command` is the whole command line that the script completes.
    pub(crate) fn run(
        self,
        mut command: clap::Command,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "licctl", &mut script);
        out.text(&String::from_utf8(script)?)?;
        Ok(ExitCode::SUCCESS)
    }
}
