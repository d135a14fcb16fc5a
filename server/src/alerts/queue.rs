//! Alerts that were raised outside of a transaction, until the worker for alerts stores them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Alert;

/// Alerts in the queue; beyond that the database has been away for long, and the log has them all.
const QUEUE_CAPACITY: usize = 256;

/// Owned by the application. Everything pushes, only the worker for alerts takes; what it cannot
/// store it puts back, so that an alert leaves the queue once it is committed.
#[derive(Debug, Default)]
pub(crate) struct AlertQueue {
    queue: Mutex<VecDeque<Alert>>,
    /// Wakes the worker.
    pub(crate) wakeup: Notify,
}

impl AlertQueue {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Alert>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an alert; the same one is in the queue once.
    pub(crate) fn push(&self, alert: Alert) {
        let mut queue = self.lock();
        if queue.len() < QUEUE_CAPACITY && !queue.contains(&alert) {
            queue.push_back(alert);
        }
        drop(queue);
        self.wakeup.notify_one();
    }

    /// Empties the queue.
    pub(crate) fn take(&self) -> Vec<Alert> {
        self.lock().drain(..).collect()
    }

    /// Puts alerts that could not be stored before those that came meanwhile.
    pub(crate) fn put_back(&self, alerts: Vec<Alert>) {
        let mut queue = self.lock();
        for alert in alerts.into_iter().rev() {
            if queue.len() < QUEUE_CAPACITY {
                queue.push_front(alert);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::AlertKind;

    #[test]
    fn a_storm_fills_no_memory() {
        let queue = AlertQueue::default();
        for number in 0..1000u32 {
            for _ in 0..2 {
                queue.push(AlertKind::WorkerFailed.about(&number.to_string()));
            }
        }
        let taken = queue.take();
        assert_eq!(taken.len(), QUEUE_CAPACITY);
        assert_eq!(taken[1], AlertKind::WorkerFailed.about("1"));
        queue.push(AlertKind::Restored.about(""));
        queue.put_back(taken[..2].to_vec());
        assert_eq!(queue.take()[..2], taken[..2]);
    }
}
