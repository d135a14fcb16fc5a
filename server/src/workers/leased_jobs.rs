//! The jobs of one queue that are in flight, and when their leases are to be renewed.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

/// How often leases are renewed, and those of others looked at; a lease is four times as long.
const RENEW_INTERVAL: Duration = Duration::from_secs(5);

/// Jobs under way.
pub(super) struct LeasedJobs<K> {
    jobs: JoinSet<()>,
    ids: HashMap<Id, K>,
    renewed_at: Instant,
}

impl<K: Clone> LeasedJobs<K> {
    pub(super) fn new() -> Self {
        Self { jobs: JoinSet::new(), ids: HashMap::new(), renewed_at: Instant::now() }
    }

    pub(super) fn start(&mut self, id: K, job: impl Future<Output = ()> + Send + 'static) {
        let task = self.jobs.spawn(job).id();
        self.ids.insert(task, id);
    }

    /// How many are under way, without those that have ended.
    pub(super) fn count(&mut self) -> usize {
        while let Some(ended) = self.jobs.try_join_next_with_id() {
            self.forget(&ended);
        }
        self.jobs.len()
    }

    /// Waits until one ends; false if there is none.
    pub(super) async fn ended(&mut self) -> bool {
        match self.jobs.join_next_with_id().await {
            Some(ended) => {
                self.forget(&ended);
                true
            }
            None => false,
        }
    }

    fn forget(&mut self, ended: &Result<(Id, ()), JoinError>) {
        self.ids.remove(&ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id));
    }

    /// The ids under way, once in a while.
    pub(super) fn renewal_due(&mut self) -> Option<Vec<K>> {
        if self.renewed_at.elapsed() < RENEW_INTERVAL {
            return None;
        }
        self.renewed_at = Instant::now();
        Some(self.ids.values().cloned().collect())
    }
}
