//! Which applications were accepted before: those that ask together are looked up together, in one
//! view, and a re-send that changes nothing never waits for the writer.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::store::{Accepted, Store, StoreError};

/// Questions that wait before callers have to: a bound on memory, not on speed.
const WAITING: usize = 4096;
/// Questions of one statement.
const TOGETHER: usize = 256;
/// The longest that a look may take; the marketplace gives up after five seconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// Applications that are remembered as worth a question, twice: those accepted of late, and as
/// many before them. Half a megabyte each.
const RECENT: usize = 50_000;

/// The way to whoever looks.
pub(super) struct AcceptedLookup {
    queue: mpsc::Sender<Asked>,
    recent: Mutex<Recent>,
    hasher: RandomState,
}

struct Asked {
    application: Accepted,
    reply: oneshot::Sender<Result<bool, StoreError>>,
}

/// Hashes of applications: a wrong one costs a question, and what is forgotten the writer knows.
#[derive(Default)]
struct Recent {
    new: HashSet<u64>,
    old: HashSet<u64>,
}

impl AcceptedLookup {
    /// Starts whoever looks; that ends with the last [`AcceptedLookup`].
    pub(super) fn start(store: Store) -> Self {
        let (queue, asked) = mpsc::channel(WAITING);
        tokio::spawn(run(asked, store));
        Self { queue, recent: Mutex::default(), hasher: RandomState::new() }
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer accepted it, now or before.
    pub(super) fn remember(&self, application: &Accepted) {
        let hash = self.hasher.hash_one(application);
        let mut recent = self.recent();
        if recent.new.len() >= RECENT {
            recent.old = std::mem::take(&mut recent.new);
        }
        recent.new.insert(hash);
    }

    /// Whether it was accepted before and nothing is to be done about it. False also where nobody
    /// remembers: the writer decides. Where the database is away, he could only wait for it once
    /// more, and longer than the caller does.
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
        let asked = Asked { application: application.clone(), reply };
        if self.queue.send(asked).await.is_err() {
            return Ok(false);
        }
        answer.await.unwrap_or(Ok(false))
    }
}

async fn run(mut queue: mpsc::Receiver<Asked>, store: Store) {
    let mut asked = Vec::with_capacity(TOGETHER);
    while queue.recv_many(&mut asked, TOGETHER).await > 0 {
        let events: Vec<&str> =
            asked.iter().map(|asked| asked.application.event.as_str()).collect();
        let known = look(&store, &events).await;
        for Asked { application, reply } in asked.drain(..) {
            let known = known.as_ref().map(|known| known.contains(&application));
            // A caller that went away asks again.
            let _ = reply.send(known.map_err(StoreError::clone));
        }
    }
}

async fn look(store: &Store, events: &[&str]) -> Result<Vec<Accepted>, StoreError> {
    let looking = async { store.read().await?.accepted_applications(events).await };
    let in_time = tokio::time::timeout(PATIENCE, looking).await;
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
        for number in 0..=2 * RECENT {
            recall.remember(&of(number));
        }
        assert!(!remembers(0), "those before the last two lots are forgotten");
        assert!(remembers(RECENT) && remembers(2 * RECENT));
        assert!(!recall.knows(&of(RECENT)).await.unwrap(), "the database does not know it");
    }
}
