//! A worker thread: runs one job after the other and starts with its first job.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

/// A job; it gets the owner of the worker.
pub(crate) type Job<T> = Box<dyn FnOnce(&Arc<T>) + Send>;

/// What a worker calls whenever it had no job for that long.
pub(crate) type Idle<T> = (Duration, fn(&T));

/// One thread and the jobs that wait for it.
pub(crate) struct WorkerThread<T> {
    name: &'static str,
    idle: Option<Idle<T>>,
    sender: Mutex<Option<Sender<Job<T>>>>,
    alive: Arc<AtomicUsize>,
}

impl<T: Send + Sync + 'static> WorkerThread<T> {
    /// A worker that calls `idle` whenever it had no job for that long.
    pub(crate) fn new(name: &'static str, idle: Option<Idle<T>>) -> Self {
        Self { name, idle, sender: Mutex::new(None), alive: Arc::default() }
    }

    /// Puts a job at the end. Dropped undone if there is no thread for it.
    pub(crate) fn send(&self, owner: &Arc<T>, job: Job<T>) {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if sender.is_none() {
            *sender = self.start(Arc::downgrade(owner));
        }
        if let Some(sender) = &*sender {
            // A worker that ended drops the job and with it the pending request, which then fails by itself.
            let _ = sender.send(job);
        }
    }

    /// Starts the thread. It holds its owner weakly: the owner joins it by dropping the sender, and a
    /// strong reference would keep both alive for ever.
    fn start(&self, owner: Weak<T>) -> Option<Sender<Job<T>>> {
        let (sender, receiver) = mpsc::channel::<Job<T>>();
        let idle = self.idle;
        let alive = Arc::clone(&self.alive);
        alive.fetch_add(1, Ordering::SeqCst);
        let body = move || {
            loop {
                let job = match idle {
                    Some((every, _)) => receiver.recv_timeout(every),
                    None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
                };
                let Some(owner) = owner.upgrade() else { break };
                let done = catch_unwind(AssertUnwindSafe(|| match (job, idle) {
                    (Ok(job), _) => {
                        job(&owner);
                        true
                    }
                    (Err(RecvTimeoutError::Timeout), Some((_, idle))) => {
                        idle(&owner);
                        true
                    }
                    (Err(_), _) => false,
                }));
                // A job that panicked has answered by dropping its pending request.
                if matches!(done, Ok(false)) {
                    break;
                }
            }
            alive.fetch_sub(1, Ordering::SeqCst);
        };
        let started = thread::Builder::new().name(self.name.to_owned()).spawn(body);
        if started.is_err() {
            self.alive.fetch_sub(1, Ordering::SeqCst);
            return None;
        }
        Some(sender)
    }

    /// Takes no more jobs; the thread ends after those it has.
    pub(crate) fn close(&self) {
        *self.sender.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether the thread still runs.
    pub(crate) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::SeqCst) > 0
    }
}
