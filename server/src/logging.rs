//! The log: its output, format and filter. docs/LOGGING.md lists the lines.

use std::io::IsTerminal as _;

use tracing::Subscriber;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// A log level in the environment that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct InvalidLevel(String);

/// Lines in the queue of the writing thread. Further lines are dropped: a log never holds up a call.
const MAX_QUEUED_LINES: usize = 8_192;

/// Log lines of `licd serve`: to standard output, readable on a terminal and JSON otherwise, from
/// a thread of its own: a reader that stalls or a full disk stops the lines and nothing else. The
/// last lines are written when the guard is dropped.
pub(crate) fn start() -> Result<WorkerGuard, InvalidLevel> {
    let filter = filter("info,sqlx=warn")?;
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(MAX_QUEUED_LINES)
        .lossy(true)
        .finish(std::io::stdout());
    lines(filter, writer, std::io::stdout().is_terminal()).init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a part of the server panicked; this is a bug, please report it");
    }));
    Ok(guard)
}

/// Writes what the filter lets through. The filter covers the whole subscriber: a filter of one
/// layer would leave its verdicts to the thread, and a question of `sqlx` whether a line would be
/// shown could lose the next line (<https://github.com/tokio-rs/tracing/issues/2519>).
fn lines<W>(filter: EnvFilter, writer: W, terminal: bool) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(terminal)
        .log_internal_errors(false)
        .with_writer(writer);
    if terminal {
        Box::new(lines.with_target(false).finish())
    } else {
        Box::new(lines.json().flatten_event(true).with_current_span(false).finish())
    }
}

/// Log lines of the other subcommands: to standard error, and only what a person must look at.
pub(crate) fn start_quiet() -> Result<(), InvalidLevel> {
    tracing_subscriber::fmt()
        .with_env_filter(filter("error")?)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}

fn filter(otherwise: &str) -> Result<EnvFilter, InvalidLevel> {
    let set = ["LICD_LOG", "RUST_LOG"].into_iter().find_map(|name| {
        let text = std::env::var(name).ok().filter(|text| !text.trim().is_empty())?;
        Some((name, text))
    });
    let Some((name, text)) = set else {
        return Ok(EnvFilter::new(otherwise));
    };
    EnvFilter::try_new(&text).map_err(|error| {
        InvalidLevel(format!(
            "{name}: {text:?} is no log level ({error}); write info, debug or licd=debug"
        ))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    pub(crate) struct Page(Arc<Mutex<Vec<u8>>>);

    impl Page {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(log: impl FnOnce()) -> String {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = lines(EnvFilter::new("info,sqlx=warn"), move || writer.clone(), false);
        tracing::subscriber::with_default(subscriber, log);
        page.text()
    }

    #[test]
    fn a_question_that_nobody_hears_costs_no_line() {
        let metadata = tracing::subscriber::with_default(tracing_subscriber::registry(), || {
            tracing::info_span!(target: "sqlx::postgres::notice", "asked").metadata().unwrap()
        });
        // What `sqlx` asks by way of the crate `log` when PostgreSQL notices something.
        let ask = || tracing::dispatcher::get_default(|dispatch| dispatch.enabled(metadata));
        let text = written(|| {
            for round in 0..3 {
                ask();
                tracing::warn!(round, "uploads wait");
                ask();
                tracing::info!(round, "an answer");
            }
        });
        assert_eq!(text.matches("uploads wait").count(), 3, "{text}");
        assert_eq!(text.matches("an answer").count(), 3, "{text}");
    }

    #[test]
    fn what_is_not_asked_for_stays_out() {
        let text = written(|| {
            tracing::debug!("only on demand");
            tracing::info!(target: "sqlx::pool", "left out");
            tracing::warn!(target: "sqlx::pool", "slow");
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("slow"));
    }
}
