//! The command line of `licd`: its subcommands and exit codes.

mod backup;
mod config_check;
mod migrate;
mod options;
mod restore;
mod serve;
mod token_create;

use std::process::ExitCode;

use crate::backup::Refusal;
use crate::config::Problems;
use crate::environment::Environment;
use crate::logging::InvalidLevel;
use crate::output;

/// The license server: answers the marketplace's calls, signs licenses, uploads them and gives
/// them to programs that ask.
///
/// `licd serve` works without any configuration: it makes ./licd-data and says what to do next.
#[derive(clap::Parser)]
#[command(name = "licd", version, arg_required_else_help = true)]
#[command(after_help = "\
Exit codes: 0 stopped as asked, 1 failed, 2 wrong usage or configuration.
Environment: every configuration key as LICD_…, e.g. LICD_KOOGALLERY__ACCESS_KEY;
             LICD_LOG or RUST_LOG sets what is logged (info, debug, licd=debug,sqlx=warn).")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(clap::Subcommand)]
enum CliCommand {
    /// Run the server until SIGTERM or Ctrl-C
    Serve(serve::Args),
    /// Bring the database to this version's tables, and stop
    Migrate(migrate::Args),
    /// Save everything into one file, beside a server that may be running
    Backup(backup::Args),
    /// Fill an empty database from a file that `licd backup` made
    Restore(restore::Args),
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make tokens for the admin API
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(clap::Subcommand)]
enum ConfigCommand {
    /// Read the configuration, show what is in force (without secrets) and what looks wrong
    Check(config_check::Args),
}

#[derive(clap::Subcommand)]
enum TokenCommand {
    /// Make a token and print it once; only its digest is kept
    Create(token_create::Args),
}

/// Runs one subcommand and turns its outcome into an exit code.
pub(crate) fn run(cli: Cli, environment: Environment) -> ExitCode {
    let outcome = match cli.command {
        CliCommand::Serve(args) => serve::run(&args, environment),
        CliCommand::Migrate(args) => migrate::run(&args, environment),
        CliCommand::Backup(args) => backup::run(&args, environment),
        CliCommand::Restore(args) => restore::run(&args, environment),
        CliCommand::Config(ConfigCommand::Check(args)) => config_check::run(&args),
        CliCommand::Token(TokenCommand::Create(args)) => token_create::run(&args, environment),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let misconfigured = error.is::<Problems>() || error.is::<InvalidLevel>();
            let text = error.downcast_ref::<Refusal>().map_or_else(
                || format!("{error:#}"),
                |refusal| refusal.text(output::Output::of_this_process().lang()),
            );
            output::failure(&text, misconfigured);
            ExitCode::from(if misconfigured { 2 } else { 1 })
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
