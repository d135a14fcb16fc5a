//! Applications that wait until their license is delivered, so that they can be answered with the
//! outcome. Memory only: losing it makes an answer less exact, never wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use crate::store::{ApplicationState, Store, StoreError, UploadState};

/// The longest that an application waits for its upload.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(3);
/// How often the database is read without a wake-up: another server may have sent the license.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Entries above which those without a waiting caller are dropped.
const PRUNE_ABOVE: usize = 1000;

/// Events with a waiting caller. The callers own the `Notify`; the map only finds it, so that a
/// caller that gave up leaves nothing behind but an entry.
#[derive(Default)]
pub(crate) struct DeliveryWaiters(Mutex<HashMap<String, Weak<Notify>>>);

impl DeliveryWaiters {
    fn expect(&self, event: &str) -> Arc<Notify> {
        let mut expected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wakeup) = expected.get(event).and_then(Weak::upgrade) {
            return wakeup;
        }
        if expected.len() >= PRUNE_ABOVE {
            expected.retain(|_, wakeup| wakeup.strong_count() > 0);
        }
        let wakeup = Arc::new(Notify::new());
        expected.insert(event.to_owned(), Arc::downgrade(&wakeup));
        wakeup
    }

    /// An attempt at the event's upload ended, whatever came of it.
    pub(crate) fn ended(&self, event: &str) {
        let expected = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(event);
        if let Some(wakeup) = expected.and_then(|wakeup| wakeup.upgrade()) {
            wakeup.notify_waiters();
        }
    }

    /// Whether the event's license is delivered within 3 s, and before `until`.
    pub(crate) async fn is_delivered(
        &self,
        store: &Store,
        event: &str,
        until: tokio::time::Instant,
    ) -> bool {
        let until = until.min(tokio::time::Instant::now() + DELIVERY_TIMEOUT);
        tokio::time::timeout_at(until, self.wait(store, event)).await.unwrap_or(false)
    }

    async fn wait(&self, store: &Store, event: &str) -> bool {
        loop {
            let wakeup = self.expect(event);
            let rung = wakeup.notified();
            tokio::pin!(rung);
            // Listens from here on, so that nothing is missed between looking and waiting.
            rung.as_mut().enable();
            match delivered(store, event).await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "whether a license arrived is not known");
                    return false;
                }
            }
            // An error means that it is time to look anyway.
            let _ = tokio::time::timeout(POLL_INTERVAL, rung).await;
        }
    }
}

async fn delivered(store: &Store, event: &str) -> Result<bool, StoreError> {
    let mut tx = store.read().await?;
    for application in tx.applications_of_event(event).await? {
        if application.state == ApplicationState::Served
            && let Some(license) = &application.license_id
        {
            // An upload that is missing was swept, a good while after it was delivered.
            let upload = tx.upload_of_license(license).await?;
            return Ok(upload.is_none_or(|upload| upload.state == UploadState::Delivered));
        }
    }
    Ok(false)
}
