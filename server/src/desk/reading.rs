//! Which orders are being asked for just now, so that an application may wait for a moment
//! instead of being kept. Memory only: nothing depends on it but how soon an answer is exact.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// The longest that a call of the marketplace waits; it gives up after five seconds itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// Instances whose order is being read.
#[derive(Default)]
pub(crate) struct Reading {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The marketplace does not answer anyway: nobody waits.
    resting: bool,
    running: HashMap<String, watch::Sender<()>>,
}

impl Reading {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody will ask at once.
    pub(crate) fn begin(&self, instance: &str) {
        let mut state = self.state();
        if !state.resting {
            state.running.entry(instance.to_owned()).or_insert_with(|| watch::Sender::new(()));
        }
    }

    /// The question ended; whoever waits goes on.
    pub(crate) fn end(&self, instance: &str) {
        self.state().running.remove(instance);
    }

    /// While the queue rests nobody waits.
    pub(crate) fn rest(&self, resting: bool) {
        let mut state = self.state();
        state.resting = resting;
        if resting {
            state.running.clear();
        }
    }

    /// Waits until the instance's order is no longer being read, but not for long.
    pub(crate) async fn wait(&self, instance: &str) {
        let Some(mut ended) = self.state().running.get(instance).map(watch::Sender::subscribe)
        else {
            return;
        };
        // An error means that the sender is gone, which is what is waited for.
        let _ = tokio::time::timeout(PATIENCE, ended.changed()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_a_question_and_only_for_that() {
        tokio::time::pause();
        let reading = Reading::default();
        let start = tokio::time::Instant::now();
        reading.wait("a").await;
        assert_eq!(start.elapsed(), Duration::ZERO);

        reading.begin("a");
        tokio::join!(reading.wait("a"), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            reading.end("a");
        });
        assert!(start.elapsed() < Duration::from_secs(1));
    }

    #[tokio::test]
    async fn nobody_waits_for_long_nor_for_a_queue_that_rests() {
        tokio::time::pause();
        let reading = Reading::default();
        reading.begin("a");
        let start = tokio::time::Instant::now();
        reading.wait("a").await;
        assert_eq!(start.elapsed().as_secs(), 2);

        reading.rest(true);
        reading.begin("b");
        let start = tokio::time::Instant::now();
        reading.wait("a").await;
        reading.wait("b").await;
        assert_eq!(start.elapsed().as_secs(), 0);
    }
}
