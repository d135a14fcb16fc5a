//! Looks up applications that were accepted before: one statement for all that arrive together, so
//! that a re-send which changes nothing never waits for the writer.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::store::{Accepted, Store, StoreError};

/// Look-ups in the queue before callers have to wait for room: a bound on memory, not on speed.
const QUEUE_CAPACITY: usize = 4096;
/// Look-ups of one statement.
const MAX_BATCH: usize = 256;
/// The longest that a statement may take; the marketplace gives up after five seconds.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);
/// Applications that are remembered as worth a question, twice: those accepted of late, and as
/// many before them. Half a megabyte each.
const GENERATION_SIZE: usize = 50_000;

/// The sending half of the look-up task, and the hashes that decide whether it is asked at all.
pub(super) struct AcceptedLookup {
    queue: mpsc::Sender<LookupRequest>,
    recent: Mutex<RecentHashes>,
    hasher: RandomState,
}

struct LookupRequest {
    application: Accepted,
    reply: oneshot::Sender<Result<bool, StoreError>>,
}

/// Hashes of accepted applications in two generations: the new one replaces the old one when it is
/// full. A collision costs one look-up, and what is dropped the writer finds in the database.
#[derive(Default)]
struct RecentHashes {
    new: HashSet<u64>,
    old: HashSet<u64>,
}

impl AcceptedLookup {
    /// Starts the look-up task; it ends with the last [`AcceptedLookup`].
    pub(super) fn start(store: Store) -> Self {
        let (queue, asked) = mpsc::channel(QUEUE_CAPACITY);
        tokio::spawn(run(asked, store));
        Self { queue, recent: Mutex::default(), hasher: RandomState::new() }
    }

    fn recent(&self) -> MutexGuard<'_, RecentHashes> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer accepted it, now or before.
    pub(super) fn remember(&self, application: &Accepted) {
        let hash = self.hasher.hash_one(application);
        let mut recent = self.recent();
        if recent.new.len() >= GENERATION_SIZE {
            recent.old = std::mem::take(&mut recent.new);
        }
        recent.new.insert(hash);
    }

    /// Whether it was accepted before, so that a re-send needs no write. False also where that is
    /// not known: the writer decides. An unavailable database is an error here, because the writer
    /// would wait for it longer than the caller does.
    pub(super) async fn knows(&self, application: &Accepted) -> Result<bool, StoreError> {
        let hash = self.hasher.hash_one(application);
        let remembered = {
            let recent = self.recent();
            recent.new.contains(&hash) || recent.old.contains(&hash)
        };
        if !remembered {
            return Ok(false);
        }
        let (reply, answer) = oneshot::channel();
        let asked = LookupRequest { application: application.clone(), reply };
        if self.queue.send(asked).await.is_err() {
            return Ok(false);
        }
        answer.await.unwrap_or(Ok(false))
    }
}

async fn run(mut queue: mpsc::Receiver<LookupRequest>, store: Store) {
    let mut asked = Vec::with_capacity(MAX_BATCH);
    while queue.recv_many(&mut asked, MAX_BATCH).await > 0 {
        let events: Vec<&str> =
            asked.iter().map(|asked| asked.application.event.as_str()).collect();
        let known = look(&store, &events).await;
        for LookupRequest { application, reply } in asked.drain(..) {
            let known = known.as_ref().map(|known| known.contains(&application));
            // A caller that went away asks again.
            let _ = reply.send(known.map_err(StoreError::clone));
        }
    }
}

async fn look(store: &Store, events: &[&str]) -> Result<Vec<Accepted>, StoreError> {
    let looking = async { store.read().await?.accepted_applications(events).await };
    let in_time = tokio::time::timeout(LOOKUP_TIMEOUT, looking).await;
    in_time.unwrap_or_else(|_| Err(StoreError::Unavailable("it did not answer in time".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::fixture::Fixture;

    #[tokio::test]
    async fn what_is_remembered_has_a_bound() {
        let fixture = Fixture::bare().await;
        let recall = AcceptedLookup::start(fixture.app.store.clone());
        let of = |number: usize| Accepted {
            event: number.to_string(),
            fingerprint: Vec::new(),
            instance: String::new(),
        };
        let remembers = |number| {
            let hash = recall.hasher.hash_one(of(number));
            recall.recent().new.contains(&hash) || recall.recent().old.contains(&hash)
        };
        for number in 0..=2 * GENERATION_SIZE {
            recall.remember(&of(number));
        }
        assert!(!remembers(0), "those before the last two lots are forgotten");
        assert!(remembers(GENERATION_SIZE) && remembers(2 * GENERATION_SIZE));
        assert!(
            !recall.knows(&of(GENERATION_SIZE)).await.unwrap(),
            "the database does not know it"
        );
    }
}
