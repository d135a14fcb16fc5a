//! The one loop of every queue: claims due jobs, runs them side by side, renews their leases, and
//! takes over what a server that died left behind.

use std::time::Duration;

use tokio::sync::Notify;

use super::idle::{MAX_IDLE, Shutdown, WakeReason, wait};
use super::leased_jobs::LeasedJobs;
use crate::app::App;
use crate::app::command::Command;
use crate::app::queue::RenewLeases;
use crate::outbound::circuit_breaker::Permit;
use crate::store::{Queue, StoreError};

/// Between two tries to record how a job ended.
const RECORD_PAUSE: Duration = Duration::from_secs(1);

/// What is particular to one queue.
pub(super) trait JobQueue: Clone + Send + Sync + 'static {
    /// What is claimed at once and worked on by itself.
    type Job: Send + 'static;

    const QUEUE: Queue;
    /// Its jobs in the log's sentences: "orders ... are", "usage ... is".
    const JOBS: (&'static str, &'static str);
    /// Jobs under way at the same time.
    const MAX_JOBS: usize;
    /// The most that one claim brings.
    const MAX_CLAIM: usize = Self::MAX_JOBS;
    /// Whether the database is asked before each claim. Where a wakeup nearly always means a due
    /// job, asking first would only cost a statement more.
    const LOOKS_FIRST: bool = true;

    fn app(&self) -> &App;

    /// Wakes this queue's worker in this process.
    fn wakeup(&self) -> &Notify;

    /// Claims up to `limit` due jobs.
    fn claim(&self, limit: usize) -> impl Future<Output = Vec<Self::Job>> + Send;

    /// The ids by which the database knows a job.
    fn ids(job: &Self::Job) -> Vec<String>;

    /// Does one job and records how it ended.
    fn run(self, job: Self::Job, shutdown: Shutdown) -> impl Future<Output = ()> + Send + 'static;

    /// How many may be claimed while `under_way` are.
    fn free(under_way: usize) -> usize {
        Self::MAX_JOBS - under_way
    }

    /// When the next job is due; `None` where nothing waits, or may be sent.
    fn next_due(&self) -> impl Future<Output = Result<Option<i64>, StoreError>> + Send {
        async { self.app().store.read().await?.next_due(Self::QUEUE).await }
    }
}

/// Works on a queue until `shutdown` turns true; what is under way is finished.
pub(super) async fn serve<Q: JobQueue>(queue: Q, mut shutdown: Shutdown) {
    let mut jobs = LeasedJobs::new();
    // Whether something may be due: true at the start, for what a crash left behind.
    let mut waiting = true;
    loop {
        if let Some(held) = jobs.renewal_due() {
            renew(&queue, held.concat()).await;
        }
        let free = Q::free(jobs.count());
        let claimed = if waiting && free > 0 && (!Q::LOOKS_FIRST || is_due(&queue).await) {
            queue.claim(free).await
        } else {
            Vec::new()
        };
        if free > 0 {
            // A full claim may have left more; with no room left it is not known.
            waiting = claimed.len() == free.min(Q::MAX_CLAIM);
        }
        if claimed.is_empty() {
            tokio::select! {
                woken = wait(queue.wakeup(), &mut shutdown, MAX_IDLE) => match woken {
                    WakeReason::Stopping => break,
                    WakeReason::Notified => waiting = true,
                    WakeReason::Elapsed => waiting = Q::LOOKS_FIRST || is_due(&queue).await,
                },
                true = jobs.ended() => {}
            }
            continue;
        }
        for job in claimed {
            let ids = Q::ids(&job);
            jobs.start(ids, queue.clone().run(job, shutdown.clone()));
        }
        if *shutdown.borrow() {
            break;
        }
    }
    while jobs.ended().await {}
}

/// Looks before it writes: an idle server leaves the writer alone.
async fn is_due<Q: JobQueue>(queue: &Q) -> bool {
    let next = queue.next_due().await.ok().flatten();
    next.is_some_and(|at| at <= queue.app().context.now().as_secs())
}

/// Renews the leases of jobs under way here, and takes over those of servers that died.
async fn renew<Q: JobQueue>(queue: &Q, held: Vec<String>) {
    let app = queue.app();
    let renewed = async {
        let in_flight = app.store.read().await?.in_flight(Q::QUEUE).await?;
        // An idle server leaves the writer alone.
        if in_flight == 0 {
            return Ok(0);
        }
        app.writer.write(RenewLeases { queue: Q::QUEUE, held }).await
    };
    let (jobs, are) = Q::JOBS;
    match renewed.await {
        Ok(0) => {}
        Ok(count) => tracing::warn!(count, "{jobs} of a server that stopped {are} taken over"),
        Err(error) => tracing::error!(error = %error, "{jobs} cannot be held"),
    }
}

/// Claims up to `free` jobs of a queue that speaks to the marketplace, as far as the circuit breaker
/// lets it.
pub(super) async fn claim<C, J>(app: &App, free: usize, command: impl FnOnce(i64) -> C) -> Vec<J>
where
    C: Command<Output = Vec<J>, Error = StoreError>,
{
    let (limit, probing) = match app.breaker.permit(app.context.now_ms()) {
        Permit::Go => (free, false),
        Permit::Probe => (1, true),
        Permit::Rest => return Vec::new(),
    };
    let limit = i64::try_from(limit).unwrap_or(1);
    let claimed = app.writer.write(command(limit)).await.unwrap_or_else(|error| {
        tracing::error!(error = %error, "nothing can be taken from a queue");
        Vec::new()
    });
    if claimed.is_empty() && probing {
        app.breaker.cancel_probe();
    }
    claimed
}

/// Records how a job ended, again and again while the database cannot be written: until then it
/// stays in flight, and after a crash it is taken up again.
pub(super) async fn finish<C: Command<Error = StoreError> + Clone>(
    app: &App,
    command: C,
    shutdown: &Shutdown,
) -> Option<C::Output> {
    loop {
        match app.writer.write(command.clone()).await {
            Ok(answer) => return Some(answer),
            Err(error) => {
                tracing::error!(error = %error, "the outcome of a request could not be written down");
            }
        }
        if *shutdown.borrow() {
            return None;
        }
        tokio::time::sleep(RECORD_PAUSE).await;
    }
}
