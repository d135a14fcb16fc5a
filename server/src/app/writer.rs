//! The one writer: what waits when it becomes free shares a transaction, and each still gets its
//! own answer, after the commit.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::audit;
use super::command::{Answer, Command, Queued};
use super::context::Context;
use super::transaction::UnitOfWork;
use crate::store::{Locks, Store, StoreError};

/// Commands that wait before callers have to: a bound on memory, not on speed.
const WAITING: usize = 4096;
/// Commands of one transaction: beyond that a commit costs little a command.
const TOGETHER: usize = 256;

/// The longest that a transaction may take: a database that fell silent must not silence us.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often one command is tried while other servers change the same.
const TRIES: u32 = 4;

/// The way to the writer, cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Waiting>,
}

struct Waiting {
    command: Command,
    reply: oneshot::Sender<Result<Answer, StoreError>>,
}

impl Writer {
    /// Starts the writer; it ends when every [`Writer`] is dropped and its queue is empty.
    pub(crate) fn start(store: Store, context: Arc<Context>) -> (Self, JoinHandle<()>) {
        let (queue, waiting) = mpsc::channel(WAITING);
        (Self { queue }, tokio::spawn(run(waiting, store, context)))
    }

    /// Queues one use case and waits until it is committed, or failed.
    pub(crate) async fn write<C: Queued>(&self, case: C) -> Result<C::Answer, StoreError> {
        let stopped = || StoreError::Unavailable("the writer has stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting { command: case.into_command(), reply };
        self.queue.send(waiting).await.map_err(|_| stopped())?;
        let answer = answer.await.map_err(|_| stopped())??;
        C::from_answer(answer)
            .ok_or_else(|| StoreError::Broken("an answer of another kind".to_owned()))
    }
}

async fn run(mut queue: mpsc::Receiver<Waiting>, store: Store, context: Arc<Context>) {
    let mut waiting = Vec::with_capacity(TOGETHER);
    while queue.recv_many(&mut waiting, TOGETHER).await > 0 {
        let (commands, replies): (Vec<_>, Vec<_>) =
            waiting.drain(..).map(|waiting| (waiting.command, waiting.reply)).unzip();
        let answers = write_all(&store, &context, &commands.into()).await;
        for (reply, answer) in replies.into_iter().zip(answers) {
            // A caller that went away knows from his re-send that it was done.
            let _ = reply.send(answer);
        }
    }
}

/// Runs every command, all in one transaction if nothing goes wrong: as many answers as commands.
pub(crate) async fn write_all(
    store: &Store,
    context: &Arc<Context>,
    commands: &Arc<[Command]>,
) -> Vec<Result<Answer, StoreError>> {
    #[expect(clippy::cast_precision_loss, reason = "at most a few hundred")]
    metrics::histogram!("licd_commands_per_commit").record(commands.len() as f64);
    let all = 0..commands.len();
    match shielded(store, context, commands, all.clone()).await {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        // Without a database each of them would only wait for it once more.
        Err(error @ StoreError::Unavailable(_)) => all.map(|_| Err(error.clone())).collect(),
        Err(error) if commands.len() == 1 && !matches!(error, StoreError::Contended(_)) => {
            vec![Err(error)]
        }
        // One bad command must not fail its neighbours.
        Err(_) => {
            let mut answers = Vec::with_capacity(commands.len());
            let mut slow = 0;
            for i in all {
                let answer = alone(store, context, commands, i).await;
                slow += u32::from(matches!(answer, Err(StoreError::Slow(_))));
                // One that is too slow is its own fault, the next one is the database's.
                let gone = match &answer {
                    Err(error @ StoreError::Unavailable(_)) => Some(error.clone()),
                    Err(error @ StoreError::Slow(_)) if slow > 1 => Some(error.clone()),
                    _ => None,
                };
                answers.push(answer);
                if let Some(error) = gone {
                    answers.resize_with(commands.len(), || Err(error.clone()));
                    break;
                }
            }
            answers
        }
    }
}

/// Runs the command at `i` by itself, again while other servers stand in its way.
async fn alone(
    store: &Store,
    context: &Arc<Context>,
    commands: &Arc<[Command]>,
    i: usize,
) -> Result<Answer, StoreError> {
    let mut tries = 1;
    loop {
        match shielded(store, context, commands, i..i + 1).await {
            Err(StoreError::Contended(_)) if tries < TRIES => tries += 1,
            done => return done.map(|mut answers| answers.remove(0)),
        }
    }
}

/// Runs commands on a task of their own: a panic fails them, not the writer.
async fn shielded(
    store: &Store,
    context: &Arc<Context>,
    commands: &Arc<[Command]>,
    range: Range<usize>,
) -> Result<Vec<Answer>, StoreError> {
    let (store, context, commands) = (store.clone(), Arc::clone(context), Arc::clone(commands));
    // On the heap: a task moves what it runs, and this holds every use case.
    tokio::spawn(Box::pin(async move { together(&store, &context, &commands[range]).await }))
        .await
        .unwrap_or_else(|panic| Err(StoreError::Broken(panic.to_string())))
}

async fn together(
    store: &Store,
    context: &Arc<Context>,
    commands: &[Command],
) -> Result<Vec<Answer>, StoreError> {
    let mut work = UnitOfWork::new(context);
    let in_time = tokio::time::timeout(PATIENCE, transaction(store, &mut work, commands)).await;
    let outcome = in_time
        .unwrap_or_else(|_| Err(StoreError::Unavailable("it did not answer in time".to_owned())));
    if let Err(StoreError::Disk(cause)) = &outcome {
        // Commands that wrote nothing succeed all the same: only a probe takes it back.
        context.set_unwritable(Some(cause.clone()));
    }
    let answers = outcome?;
    for event in work.events {
        context.publish(event);
    }
    Ok(answers)
}

async fn transaction(
    store: &Store,
    work: &mut UnitOfWork<'_>,
    commands: &[Command],
) -> Result<Vec<Answer>, StoreError> {
    let mut tx = store.write().await?;
    let ran = async {
        let mut locks = Locks::default();
        let mut turns = Vec::with_capacity(commands.len());
        for (number, command) in commands.iter().enumerate() {
            let ahead = locks.applications.len();
            command.locks(&mut locks);
            // Applications come first, together: what others write may not be read ahead.
            turns.push((locks.applications.len() == ahead, number));
        }
        tx.lock(&locks).await?;
        turns.sort_unstable();
        let mut answers = Vec::with_capacity(commands.len());
        for (_, number) in turns {
            answers.push((number, commands[number].run(&mut *tx, work).await?));
        }
        audit::append(&mut *tx, work).await?;
        answers.sort_unstable_by_key(|(number, _)| *number);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    };
    match ran.await {
        Ok(answers) => tx.commit().await.map(|()| answers),
        Err(error) => {
            tx.rollback().await;
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::command::{UseCase, failing::Fail};
    use crate::app::tests::fixture::Fixture;
    use crate::app::{PutPause, Sweep};

    #[tokio::test]
    async fn one_bad_command_fails_alone() {
        let fixture = Fixture::bare().await;
        let pause = |word: &str| PutPause { configuration: Some(word.into()) }.into_command();
        let commands: Arc<[Command]> = [
            pause("a"),
            Fail::Breaks.into_command(),
            Sweep.into_command(),
            Fail::Panics.into_command(),
            pause("b"),
        ]
        .into();
        let answers = write_all(&fixture.app.store, &fixture.app.context, &commands).await;
        let done: Vec<_> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(done, [true, false, true, false, true]);
        let kept = fixture.app.store.read().await.unwrap().meta("pause").await.unwrap();
        assert_eq!(kept.as_deref(), Some(&b"b"[..]));
    }

    #[tokio::test]
    async fn a_slow_command_fails_alone_and_a_slow_database_everybody() {
        let fixture = Fixture::bare().await;
        let pause = |word: &str| PutPause { configuration: Some(word.into()) }.into_command();
        let write = async |commands: Vec<Command>| -> Vec<bool> {
            let commands = commands.into();
            let answers = write_all(&fixture.app.store, &fixture.app.context, &commands).await;
            answers.iter().map(Result::is_ok).collect()
        };
        let slow = || Fail::IsSlow.into_command();
        assert_eq!(write(vec![pause("a"), slow(), pause("b")]).await, [true, false, true]);
        let commands = vec![pause("c"), slow(), pause("d"), slow(), pause("e"), slow()];
        assert_eq!(write(commands).await, [true, false, true, false, false, false]);
        let kept = fixture.app.store.read().await.unwrap().meta("pause").await.unwrap();
        assert_eq!(kept.as_deref(), Some(&b"d"[..]));
    }

    #[tokio::test]
    async fn what_is_told_was_committed() {
        let fixture = Fixture::bare().await;
        let mut tx = fixture.app.store.write().await.unwrap();
        let mut work = UnitOfWork::new(&fixture.app.context);
        assert!(Fail::Breaks.run(&mut *tx, &mut work).await.is_err());
        tx.rollback().await;
        let failed = fixture.app.writer.write(Fail::Breaks).await;
        assert!(matches!(failed, Err(StoreError::Broken(_))));
        let kept = fixture.app.store.read().await.unwrap().meta("half").await.unwrap();
        assert_eq!(kept, None, "what it wrote before it failed is gone");
        // The writer goes on after a panic as well.
        assert!(fixture.app.writer.write(Fail::Panics).await.is_err());
        fixture.app.writer.write(Sweep).await.unwrap();
    }
}
