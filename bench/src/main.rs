//! What `cargo xtask bench` runs: licd's figures through its front door, each beside this
//! machine's own limit measured in the same run. Only the command line stands here.

mod ask;
mod calls;
mod clock;
mod echo;
mod figures;
mod growth;
mod latencies;
mod limits;
mod load;
mod market;
mod output;
mod postgres;
mod process;
mod shop;
mod site;
mod storm;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

/// licd's figures beside this machine's own limits.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    args: Args,
}

#[derive(Subcommand)]
enum Command {
    /// Answers every call at once, with nothing behind it
    #[command(hide = true)]
    Echo,
}

#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
struct Args {
    /// How long each figure is measured
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// This figure alone, with the limits that it is compared with; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Also a million licenses in one run, and the memory afterwards
    #[arg(long)]
    memory: bool,
    /// Instead: the same calls at 10 thousand and at millions of licenses
    #[arg(long, conflicts_with_all = ["only", "memory"])]
    growth: bool,
    /// With --growth: the most licenses
    #[arg(long, value_name = "LICENSES", default_value_t = 5_000_000, requires = "growth")]
    up_to: u64,
    /// Instead: how 10,000 sellers' orders come back after an outage
    #[arg(long, conflicts_with_all = ["only", "memory", "growth"])]
    storm: bool,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Where data is put: the disk that is measured
    #[arg(long, value_name = "FOLDER", overrides_with = "place")]
    place: Option<PathBuf>,
    /// The program under test
    #[arg(long, value_name = "FILE", env = "LICD_BIN")]
    licd: Option<PathBuf>,
}

impl Args {
    fn run(mut self) -> Result<()> {
        let (load, processors) = process::load();
        output::note(&format!("{processors} processors, load average {load:.2} at the start"));
        #[expect(clippy::cast_precision_loss, reason = "a number of processors")]
        if load > 0.25 * processors as f64 {
            output::note("NOTE: something else runs on this machine; the figures are too low");
        }
        if self.memory {
            if self.only.is_empty() {
                self.only = figures::NAMES.map(str::to_owned).into();
            } else {
                self.only.push("memory".to_owned());
            }
        }
        let licd = self.licd.context("--licd names the program under test")?;
        let place = self.place.unwrap_or_else(std::env::temp_dir);
        let lasting = Duration::from_secs(self.seconds);
        if self.growth || self.storm {
            let value = if self.growth {
                growth::run(&licd, &place, lasting, self.up_to, self.json)?
            } else {
                storm::run(&licd, &place, lasting, self.json)?
            };
            if self.json {
                output::line(&value.to_string());
            }
            return Ok(());
        }
        let rows = figures::Run::new(&licd, place, lasting, &self.only)?.all()?;
        if self.json {
            output::line(&table::json(&rows).to_string());
        } else {
            table::print(&rows);
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Some(Command::Echo) => echo::serve(),
        None => cli.args.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::note(&format!("bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
