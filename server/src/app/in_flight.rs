//! Which orders are being asked for just now, so that an application may wait for a moment
//! instead of being kept. Memory only: nothing depends on it but how soon an answer is exact.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The longest that a call of the marketplace waits; it gives up after five seconds itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// Questions that are kept without looking whether somebody may still wait for them.
const TIDY: usize = 64;

/// Instances whose order is being read.
#[derive(Default)]
pub(crate) struct InFlight {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The marketplace does not answer anyway: nobody waits.
    resting: bool,
    /// How many questions may be kept before those are forgotten that nobody waits for.
    tidy_at: usize,
    running: HashMap<String, Question>,
}

/// Nobody waits for one that began longer ago than [`PATIENCE`]: another server may have asked it,
/// and this one never hears how it ended.
struct Question {
    began: Instant,
    ended: watch::Sender<()>,
}

impl InFlight {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody will ask at once.
    pub(crate) fn begin(&self, instance: &str) {
        let mut state = self.state();
        if !state.resting {
            let began = Instant::now();
            if state.running.len() >= state.tidy_at {
                state.running.retain(|_, question| began - question.began < PATIENCE);
                state.tidy_at = (2 * state.running.len()).max(TIDY);
            }
            let question = state.running.entry(instance.to_owned());
            question.or_insert_with(|| Question { began, ended: watch::Sender::new(()) }).began =
                began;
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
        let (mut ended, until) = match self.state().running.get(instance) {
            Some(question) => (question.ended.subscribe(), question.began + PATIENCE),
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
            tokio::time::advance(PATIENCE / 8).await;
        }
        assert!(reading.state().running.len() <= TIDY);
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
