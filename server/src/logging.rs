//! Where log lines go and what they look like. docs/LOGGING.md says what they hold.

use std::io::IsTerminal as _;
use std::sync::Arc;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::alarms::Alarms;
use crate::config::Problems;

/// Lines that wait while nobody reads; what comes then is dropped, for a log never holds up a call.
const WAITING_LINES: usize = 8_192;

/// Log lines of `licd serve`: to standard output, readable on a terminal and JSON otherwise, from
/// a thread of its own: a reader that stalls or a full disk stops the lines and nothing else. The
/// last lines are written when the guard is dropped. Alerts among them are gathered, whatever is
/// shown.
pub(crate) fn start() -> Result<(WorkerGuard, Arc<Alarms>), Problems> {
    let filter = filter("info")?;
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .lossy(true)
        .finish(std::io::stdout());
    let alarms = Arc::new(Alarms::default());
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stdout().is_terminal())
        .log_internal_errors(false)
        .with_writer(writer);
    let lines = if std::io::stdout().is_terminal() {
        lines.with_target(false).with_filter(filter).boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_filter(filter).boxed()
    };
    tracing_subscriber::registry().with(lines).with(alarms.layer()).init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a part of the server panicked; this is a bug, please report it");
    }));
    Ok((guard, alarms))
}

/// Log lines of the other subcommands: to standard error, and only what a person must look at.
pub(crate) fn start_quiet() -> Result<(), Problems> {
    tracing_subscriber::fmt()
        .with_env_filter(filter("error")?)
        .with_target(false)
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}

fn filter(otherwise: &str) -> Result<EnvFilter, Problems> {
    let set = ["LICD_LOG", "RUST_LOG"].into_iter().find_map(|name| {
        let text = std::env::var(name).ok().filter(|text| !text.trim().is_empty())?;
        Some((name, text))
    });
    let Some((name, text)) = set else {
        return Ok(EnvFilter::new(format!("{otherwise},sqlx=warn")));
    };
    EnvFilter::try_new(&text).map_err(|error| {
        Problems::one(format!(
            "{name}: {text:?} is no log level ({error}); write info, debug or licd=debug"
        ))
    })
}
