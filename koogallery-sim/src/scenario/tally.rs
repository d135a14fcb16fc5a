//! Counts of a scenario's calls, from every caller's thread.

use std::sync::atomic::{AtomicU32, Ordering};

/// What was counted on the way.
#[derive(Debug, Default)]
pub struct Tally {
    calls: AtomicU32,
    failed: AtomicU32,
    resends: AtomicU32,
}

impl Tally {
    pub(super) fn called(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn resends(&self) {
        self.resends.fetch_add(1, Ordering::Relaxed);
    }

    /// Calls, those that failed, and those that were sent again although they were answered.
    #[must_use]
    pub fn read(&self) -> (u32, u32, u32) {
        let read = |number: &AtomicU32| number.load(Ordering::Relaxed);
        (read(&self.calls), read(&self.failed), read(&self.resends))
    }
}
