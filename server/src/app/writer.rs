//! Group commit. One task drains the queue, runs up to 256 commands in one transaction, and replies
//! to each caller after the commit.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::audit::chain;
use super::command::{Command, CommandError as _};
use super::context::Context;
use super::event::publish;
use super::transaction::UnitOfWork;
use crate::store::{Footprint, Store, StoreError, Tx};

/// Commands in the queue before callers have to wait for room: a bound on memory, not on speed.
const QUEUE_CAPACITY: usize = 4096;
/// Commands of one transaction: beyond that a commit costs little per command.
const MAX_BATCH: usize = 256;
/// The longest that a transaction may take, so that a database that does not answer cannot stop
/// the writer for good.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How often one command is run while other servers change the same rows.
const MAX_ATTEMPTS: u32 = 4;

/// The sending half of the queue, cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Box<dyn Pending>>,
}

impl Writer {
    /// Starts the writer; it ends when every [`Writer`] is dropped and its queue is empty.
    pub(crate) fn start(store: Store, context: Arc<Context>) -> (Self, JoinHandle<()>) {
        let (queue, pending) = mpsc::channel(QUEUE_CAPACITY);
        (Self { queue }, tokio::spawn(drain(pending, store, context)))
    }

    /// Queues one command and waits until it is committed, or failed.
    pub(crate) async fn write<C: Command>(&self, command: C) -> Result<C::Output, C::Error> {
        let stopped = || StoreError::Unavailable("the writer has stopped".to_owned());
        let (caller, reply) = oneshot::channel();
        let submission = Submission { command, caller, outcome: None };
        self.queue.send(Box::new(submission)).await.map_err(|_| stopped())?;
        reply.await.map_err(|_| stopped())?
    }
}

/// A command in the queue, whatever its type.
#[async_trait]
pub(crate) trait Pending: Send {
    /// Names the rows that it will change.
    fn footprint(&self, footprint: &mut Footprint);

    /// Runs the command, and keeps what the caller is to get. An error rolls the transaction back;
    /// a refusal is none.
    async fn run(&mut self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError>;

    /// Ends it: with what the last run kept if that was committed, else with the failure.
    fn reply(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A command together with its caller. States: queued (`outcome` is `None`), ran (`Some`, and not
/// yet true for anybody else), replied (consumed). Only [`Pending::reply`] lets the outcome out, so
/// that no caller learns of what was not committed; a second run replaces the outcome of the first.
struct Submission<C: Command> {
    command: C,
    caller: oneshot::Sender<Result<C::Output, C::Error>>,
    outcome: Option<Result<C::Output, C::Error>>,
}

#[async_trait]
impl<C: Command> Pending for Submission<C> {
    fn footprint(&self, footprint: &mut Footprint) {
        self.command.footprint(footprint);
    }

    async fn run(&mut self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
        let outcome = self.command.run(tx, work).await;
        if let Some(error) = outcome.as_ref().err().and_then(C::Error::store_error) {
            return Err(error.clone());
        }
        // A refusal stays with what it wrote: see `Failed`.
        self.outcome = Some(outcome);
        Ok(())
    }

    fn reply(self: Box<Self>, committed: Result<(), StoreError>) {
        let reply = match (committed, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(StoreError::Broken("a command did not run".to_owned()).into()),
            // The outcome of a run that was rolled back is dropped.
            (Err(error), _) => Err(error.into()),
        };
        // A caller that went away learns from its re-send that it was done.
        let _ = self.caller.send(reply);
    }
}

async fn drain(mut queue: mpsc::Receiver<Box<dyn Pending>>, store: Store, context: Arc<Context>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while queue.recv_many(&mut batch, MAX_BATCH).await > 0 {
        let committed = write_all(&store, &context, &mut batch).await;
        for (pending, committed) in batch.drain(..).zip(committed) {
            pending.reply(committed);
        }
    }
}

/// Runs every command, all in one transaction if nothing goes wrong: as many results as commands.
pub(crate) async fn write_all(
    store: &Store,
    context: &Arc<Context>,
    batch: &mut [Box<dyn Pending>],
) -> Vec<Result<(), StoreError>> {
    #[expect(clippy::cast_precision_loss, reason = "at most a few hundred")]
    metrics::histogram!("licd_commands_per_commit").record(batch.len() as f64);
    match run_isolated(store, context, batch).await {
        Ok(()) => vec![Ok(()); batch.len()],
        // Without a database each of them would only wait for it once more.
        Err(error @ StoreError::Unavailable(_)) => vec![Err(error); batch.len()],
        Err(error) if batch.len() == 1 && !matches!(error, StoreError::Contended(_)) => {
            vec![Err(error)]
        }
        // One bad command must not fail its neighbours.
        Err(_) => write_each(store, context, batch).await,
    }
}

/// Runs every command in a transaction of its own, until the database is the one that fails.
async fn write_each(
    store: &Store,
    context: &Arc<Context>,
    batch: &mut [Box<dyn Pending>],
) -> Vec<Result<(), StoreError>> {
    let mut results = Vec::with_capacity(batch.len());
    let mut slow = 0;
    for i in 0..batch.len() {
        let result = run_single(store, context, &mut batch[i..=i]).await;
        slow += u32::from(matches!(result, Err(StoreError::Slow(_))));
        // The first slow command is slow itself; with a second one it is the database.
        let gone = match &result {
            Err(StoreError::Unavailable(_)) => true,
            Err(StoreError::Slow(_)) => slow > 1,
            _ => false,
        };
        results.push(result);
        if gone {
            results.resize(batch.len(), results[i].clone());
            break;
        }
    }
    results
}

/// Runs one command by itself, again while other servers change the same rows.
async fn run_single(
    store: &Store,
    context: &Arc<Context>,
    single: &mut [Box<dyn Pending>],
) -> Result<(), StoreError> {
    let mut attempts = 1;
    loop {
        match run_isolated(store, context, single).await {
            Err(StoreError::Contended(_)) if attempts < MAX_ATTEMPTS => attempts += 1,
            done => return done,
        }
    }
}

/// Runs a batch; a panic in one of its commands fails the batch, not the writer.
async fn run_isolated(
    store: &Store,
    context: &Arc<Context>,
    batch: &mut [Box<dyn Pending>],
) -> Result<(), StoreError> {
    // Unwind safe: unwinding drops the transaction, and with it all that was done; a command is
    // never changed by its run, and its outcome is replaced by the next one or dropped.
    let running = AssertUnwindSafe(run_batch(store, context, batch)).catch_unwind();
    running.await.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<&str>().copied();
        let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let message = message.unwrap_or("of an unknown kind");
        Err(StoreError::Broken(format!("a command panicked: {message}")))
    })
}

/// Runs a batch in one transaction within the time-out, and publishes its events.
async fn run_batch(
    store: &Store,
    context: &Arc<Context>,
    batch: &mut [Box<dyn Pending>],
) -> Result<(), StoreError> {
    let mut work = UnitOfWork::new(context);
    let committed = tokio::time::timeout(TRANSACTION_TIMEOUT, transact(store, &mut work, batch))
        .await
        .unwrap_or_else(|_| Err(StoreError::Unavailable("it did not answer in time".to_owned())));
    if let Err(StoreError::Disk(cause)) = &committed {
        // Commands that wrote nothing succeed all the same: only a probe takes it back.
        context.set_unwritable(Some(cause.clone()));
    }
    committed?;
    // After the commit and before the replies: a caller with its reply finds the workers woken.
    for event in work.events {
        publish(context, event);
    }
    Ok(())
}

async fn transact(
    store: &Store,
    work: &mut UnitOfWork<'_>,
    batch: &mut [Box<dyn Pending>],
) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    let ran = async {
        let mut footprint = Footprint::default();
        let mut turns = Vec::with_capacity(batch.len());
        for (number, pending) in batch.iter().enumerate() {
            let ahead = footprint.applications.len();
            pending.footprint(&mut footprint);
            // Applications come first, together: what others write may not be read ahead.
            turns.push((footprint.applications.len() == ahead, number));
        }
        // All locks of the batch at once and before anything is read: two servers that took them
        // one by one could wait for each other.
        tx.prepare(&footprint).await?;
        turns.sort_unstable();
        for (_, number) in turns {
            batch[number].run(&mut *tx, work).await?;
        }
        chain::append(&mut *tx, work).await
    };
    match ran.await {
        Ok(()) => tx.commit().await,
        Err(error) => {
            tx.rollback().await;
            Err(error)
        }
    }
}

/// A command whose caller went away.
#[cfg(test)]
pub(crate) fn pending<C: Command>(command: C) -> Box<dyn Pending> {
    Box::new(Submission { command, caller: oneshot::channel().0, outcome: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::command::Failed;
    use crate::app::command::failing::Fail;
    use crate::app::marketplace_health::RecordPause;
    use crate::app::retention::Sweep;
    use crate::app::tests::fixture::Fixture;
    use crate::error::ApiError;

    fn pause(word: &str) -> Box<dyn Pending> {
        pending(RecordPause { configuration: Some(word.into()) })
    }

    /// Which of them were committed.
    async fn write(fixture: &Fixture, mut batch: Vec<Box<dyn Pending>>) -> Vec<bool> {
        let results = write_all(&fixture.app.store, &fixture.app.context, &mut batch).await;
        results.iter().map(Result::is_ok).collect()
    }

    async fn meta(fixture: &Fixture, name: &str) -> Option<Vec<u8>> {
        fixture.app.store.read().await.unwrap().meta(name).await.unwrap()
    }

    #[tokio::test]
    async fn one_bad_command_fails_alone() {
        let fixture = Fixture::bare().await;
        let batch = vec![
            pause("a"),
            pending(Fail::Breaks),
            pending(Sweep),
            pending(Fail::Panics),
            pause("b"),
        ];
        assert_eq!(write(&fixture, batch).await, [true, false, true, false, true]);
        assert_eq!(meta(&fixture, "pause").await.as_deref(), Some(&b"b"[..]));
    }

    #[tokio::test]
    async fn a_slow_command_fails_alone_and_a_slow_database_everybody() {
        let fixture = Fixture::bare().await;
        let slow = || pending(Fail::IsSlow);
        let batch = vec![pause("a"), slow(), pause("b")];
        assert_eq!(write(&fixture, batch).await, [true, false, true]);
        let batch = vec![pause("c"), slow(), pause("d"), slow(), pause("e"), slow()];
        assert_eq!(write(&fixture, batch).await, [true, false, true, false, false, false]);
        assert_eq!(meta(&fixture, "pause").await.as_deref(), Some(&b"d"[..]));
    }

    #[tokio::test]
    async fn a_refusal_commits_what_it_wrote_and_a_failure_does_not() {
        let fixture = Fixture::bare().await;
        assert_eq!(write(&fixture, vec![pause("a"), pending(Fail::IsRefused)]).await, [true, true]);
        assert_eq!(meta(&fixture, "half").await.as_deref(), Some(&b"written"[..]));
        let refused = fixture.app.writer.write(Fail::IsRefused).await;
        let conflict = ApiError::plain(license_core::Code::Conflict);
        assert_eq!(refused, Err(Failed::Refused(conflict)));
    }

    #[tokio::test]
    async fn what_is_told_was_committed() {
        let fixture = Fixture::bare().await;
        let mut tx = fixture.app.store.write().await.unwrap();
        let mut work = UnitOfWork::new(&fixture.app.context);
        assert!(Fail::Breaks.run(&mut *tx, &mut work).await.is_err());
        tx.rollback().await;
        let failed = fixture.app.writer.write(Fail::Breaks).await;
        assert!(matches!(failed, Err(Failed::Store(StoreError::Broken(_)))));
        assert_eq!(meta(&fixture, "half").await, None, "what it wrote before it failed is gone");
        // The writer goes on after a panic as well.
        assert!(fixture.app.writer.write(Fail::Panics).await.is_err());
        fixture.app.writer.write(Sweep).await.unwrap();
    }
}
