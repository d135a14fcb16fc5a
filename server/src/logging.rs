//! Where log lines go and what they look like. docs/LOGGING.md says what they hold.

use std::io::IsTerminal as _;
use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::alarms::Alarms;
use crate::config::Problems;

/// Lines that wait while nobody reads; what comes then is dropped, for a log never holds up a call.
const WAITING_LINES: usize = 8_192;

/// Log lines of `licd serve`: to standard output, readable on a terminal and JSON otherwise, from
/// a thread of its own: a reader that stalls or a full disk stops the lines and nothing else. The
/// last lines are written when the guard is dropped. Alerts among them are gathered, whatever is
/// shown.
pub(crate) fn start() -> Result<(WorkerGuard, Arc<Alarms>), Problems> {
    let filter = filter("info,sqlx=warn")?;
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .lossy(true)
        .finish(std::io::stdout());
    let alarms = Arc::new(Alarms::default());
    lines(filter, writer, std::io::stdout().is_terminal(), &alarms).init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a part of the server panicked; this is a bug, please report it");
    }));
    Ok((guard, alarms))
}

/// Shows what the filter lets through, and has alerts gathered.
fn lines<W>(filter: EnvFilter, writer: W, terminal: bool, alarms: &Arc<Alarms>) -> impl Subscriber
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let most = filter.max_level_hint().map(|level| level.max(LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(terminal)
        .log_internal_errors(false)
        .with_writer(writer);
    let lines = if terminal {
        lines.with_target(false).with_filter(filter).boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_filter(filter).boxed()
    };
    tracing_subscriber::registry().with(lines).with(alarms.layer()).with(JudgedAnew { most })
}

/// Has each line judged by the filters when it comes. They leave their verdicts to the thread, and
/// so does whoever only asks whether a line would be shown, as `sqlx` does at each notice of
/// PostgreSQL: a line that is always let through, and not judged again, would take over the verdict
/// on that one and get lost (<https://github.com/tokio-rs/tracing/issues/2519>).
struct JudgedAnew {
    /// The most that any filter lets through.
    most: Option<LevelFilter>,
}

impl<S: Subscriber> Layer<S> for JudgedAnew {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.most
    }
}

/// Log lines of the other subcommands: to standard error, and only what a person must look at.
pub(crate) fn start_quiet() -> Result<(), Problems> {
    tracing_subscriber::fmt()
        .with_env_filter(filter("error")?)
        .with_ansi(std::io::stderr().is_terminal())
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
        return Ok(EnvFilter::new(otherwise));
    };
    EnvFilter::try_new(&text).map_err(|error| {
        Problems::one(format!(
            "{name}: {text:?} is no log level ({error}); write info, debug or licd=debug"
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(log: impl FnOnce()) -> (String, Vec<crate::alarms::Alarm>) {
        let (page, alarms) = (Page::default(), Arc::new(Alarms::default()));
        let writer = page.clone();
        let filter = EnvFilter::new("info,sqlx=warn");
        let subscriber = lines(filter, move || writer.clone(), false, &alarms);
        tracing::subscriber::with_default(subscriber, log);
        let text = page.0.lock().unwrap().clone();
        (String::from_utf8(text).unwrap(), alarms.take())
    }

    #[test]
    fn a_question_that_nobody_hears_costs_no_line() {
        let metadata = tracing::subscriber::with_default(tracing_subscriber::registry(), || {
            tracing::info_span!(target: "sqlx::postgres::notice", "asked").metadata().unwrap()
        });
        // What `sqlx` asks by way of the crate `log` when PostgreSQL notices something.
        let ask = || tracing::dispatcher::get_default(|dispatch| dispatch.enabled(metadata));
        let (text, alarms) = written(|| {
            for round in 0..3 {
                ask();
                tracing::warn!(alert = "restored", round, "uploads wait");
                ask();
                tracing::info!(round, "an answer");
            }
        });
        assert_eq!(text.matches("uploads wait").count(), 3, "{text}");
        assert_eq!(text.matches("an answer").count(), 3, "{text}");
        assert_eq!(alarms.len(), 3);
    }

    #[test]
    fn what_is_not_asked_for_stays_out() {
        let (text, alarms) = written(|| {
            tracing::debug!("only for whoever looks");
            tracing::info!(target: "sqlx::pool", "nobody's business");
            tracing::warn!(target: "sqlx::pool", "slow");
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("slow") && alarms.is_empty());
    }
}
