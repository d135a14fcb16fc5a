//! The license server: answers the marketplace, signs licenses, uploads them. Here stands what is
//! made once and passed on: the command line, the clock, randomness, the TLS provider.

mod alerts;
mod app;
mod backup;
mod cli;
mod config;
mod data_dir;
mod environment;
mod error;
mod http;
mod json_nul;
mod keys;
mod logging;
mod net;
mod outbound;
mod output;

mod store;

mod workers;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser as _;

use environment::{Clock, Entropy, Environment};

/// Many small allocations of many threads: SQLite's, the driver's, each request's.
#[cfg(unix)]
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The wall clock of this machine.
struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// The random source of the operating system.
struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one place that makes randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        // Going on with guessable keys would be worse than stopping.
        getrandom::fill(bytes).expect("the operating system gives random bytes once it has booted");
    }
}

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // Another provider can only have been installed by ourselves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let environment =
        Environment { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    cli::run(cli, environment)
}
