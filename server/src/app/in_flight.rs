//! Look-ups at the marketplace that are in flight (orders, authorization codes), so that a caller can
//! await one for a moment. Memory only: losing it makes an answer less exact, never wrong.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The longest that a call of the marketplace waits; it gives up after five seconds itself.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// Look-ups that are kept before those without a waiting caller are dropped.
const PRUNE_ABOVE: usize = 64;

/// Instances whose order is being read.
#[derive(Default)]
pub(crate) struct InFlight {
    state: Mutex<InFlightState>,
}

#[derive(Default)]
struct InFlightState {
    /// The marketplace does not answer, so callers do not wait.
    resting: bool,
    /// At how many look-ups the next pruning happens.
    tidy_at: usize,
    running: HashMap<String, InFlightLookup>,
}

/// Callers wait until it is [`MAX_WAIT`] old: another server may run it, and then this one is never
/// notified of its end.
struct InFlightLookup {
    began: Instant,
    ended: watch::Sender<()>,
}

impl InFlight {
    fn state(&self) -> MutexGuard<'_, InFlightState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A look-up begins.
    pub(crate) fn begin(&self, instance: &str) {
        let mut state = self.state();
        if !state.resting {
            let began = Instant::now();
            if state.running.len() >= state.tidy_at {
                state.running.retain(|_, question| began - question.began < MAX_WAIT);
                state.tidy_at = (2 * state.running.len()).max(PRUNE_ABOVE);
            }
            let question = state.running.entry(instance.to_owned());
            question
                .or_insert_with(|| InFlightLookup { began, ended: watch::Sender::new(()) })
                .began = began;
        }
    }

    /// The look-up ended; callers that wait for it go on.
    pub(crate) fn end(&self, instance: &str) {
        self.state().running.remove(instance);
    }

    /// While the queue rests callers do not wait.
    pub(crate) fn rest(&self, resting: bool) {
        let mut state = self.state();
        state.resting = resting;
        if resting {
            state.running.clear();
        }
    }

    /// Waits until the instance's order is no longer being read, but not for long.
    pub(crate) async fn wait(&self, instance: &str) {
        let (mut ended, until) = match self.state().running.get(instance) {
            Some(question) => (question.ended.subscribe(), question.began + MAX_WAIT),
            None => return,
        };
        // An error means that the sender is gone, which is what is waited for.
        let _ = tokio::time::timeout_at(until, ended.changed()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_a_question_and_only_for_that() {
        tokio::time::pause();
        let reading = InFlight::default();
        let start = Instant::now();
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
    async fn what_another_server_read_is_waited_for_once_and_forgotten() {
        tokio::time::pause();
        let reading = InFlight::default();
        let start = Instant::now();
        reading.begin("a");
        reading.wait("a").await;
        reading.wait("a").await;
        assert_eq!(start.elapsed().as_secs(), 2, "the second application does not wait");
        for number in 0..1000 {
            reading.begin(&number.to_string());
            tokio::time::advance(MAX_WAIT / 8).await;
        }
        assert!(reading.state().running.len() <= PRUNE_ABOVE);
        // A question that is asked again is waited for again.
        reading.begin("a");
        let start = Instant::now();
        reading.wait("a").await;
        assert_eq!(start.elapsed().as_secs(), 2);
    }

    #[tokio::test]
    async fn nobody_waits_for_long_nor_for_a_queue_that_rests() {
        tokio::time::pause();
        let reading = InFlight::default();
        reading.begin("a");
        let start = Instant::now();
        reading.wait("a").await;
        assert_eq!(start.elapsed().as_secs(), 2);

        reading.rest(true);
        reading.begin("b");
        let start = Instant::now();
        reading.wait("a").await;
        reading.wait("b").await;
        assert_eq!(start.elapsed().as_secs(), 0);
    }
}
