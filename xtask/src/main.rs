//! `cargo xtask`: what people and CI run. Only the command line stands here.

mod bench;
mod count;
mod demo;
mod imports;
mod layers;
mod lint;
mod process;
mod run;
mod sources;
mod system;
mod terminal;
mod test;
mod vectors;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

const AFTER_HELP: &str = "\
Start with
  cargo xtask demo          see the main job work, end to end, in a few minutes

Before you send a change
  cargo xtask lint          formatting, clippy, licenses, bans: the fast half
  cargo xtask test          everything CI runs: lint, builds, Rust tests, C++ tests, the demo

When the license format changes
  cargo xtask vectors       write tests/vectors anew; --check only compares

How fast it is here
  cargo xtask bench         each figure beside this machine's own limit, in a few minutes

Each installs what the machine lacks on Debian (as root, or where sudo needs no password) and
says elsewhere what to install. Logs of every step are kept in target/xtask/logs.";

/// Demo, test, lint, bench, vectors: what people and CI run.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What licd reaches, beside what this machine reaches: a table
    Bench(bench::Args),
    /// A signed order becomes a license that a C++ program verifies, step by step
    Demo(demo::Args),
    /// Formatting, clippy with warnings denied, licenses and bans, what may not be in the tree
    Lint,
    /// Lint, every build and every test; the last line is `N passed, M failed`
    Test(test::Args),
    /// Write the vector files of the license format, or check them
    Vectors(vectors::Args),
}

/// The repository's folder: every command works from there, wherever it was called.
fn root() -> PathBuf {
    // Cargo's own word: what was compiled in may be another folder that shared its target.
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
        .parent()
        .expect("xtask's folder stands in the repository's")
        .to_path_buf()
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let root = root();
    if let Err(error) = process::clean_up_when_stopped() {
        terminal::complain(&format!("cannot catch Ctrl-C: {error}"));
    }

    let outcome = match cli.command {
        Command::Bench(args) => args.run(&root),
        Command::Demo(args) => args.run(&root),
        Command::Lint => lint::run(&root),
        Command::Test(args) => args.run(&root),
        Command::Vectors(args) => args.run(&root),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            terminal::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
