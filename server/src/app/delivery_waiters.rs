//! Who waits for which license to be delivered, so that an application can be answered with the
//! outcome. Memory only: nothing depends on it but how soon an answer is given.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::App;
use crate::store::{ApplicationState, StoreError, UploadState};

/// The longest that an application waits for its upload.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often the database is asked although nothing was told: another server may have sent it.
const LOOK: Duration = Duration::from_millis(500);
/// Entries beyond which those that nobody waits for any longer are forgotten.
const MANY: usize = 1000;

/// Events whose license somebody waits for.
#[derive(Default)]
pub(crate) struct DeliveryWaiters(Mutex<HashMap<String, Weak<Notify>>>);

impl DeliveryWaiters {
    fn expect(&self, event: &str) -> Arc<Notify> {
        let mut expected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wakeup) = expected.get(event).and_then(Weak::upgrade) {
            return wakeup;
        }
        if expected.len() >= MANY {
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
}

impl App {
    /// Whether the event's license is delivered within 3 s, and before `until`.
    pub(crate) async fn arrives(&self, event: &str, until: tokio::time::Instant) -> bool {
        let until = until.min(tokio::time::Instant::now() + PATIENCE);
        tokio::time::timeout_at(until, self.arrival(event)).await.unwrap_or(false)
    }

    async fn arrival(&self, event: &str) -> bool {
        loop {
            let wakeup = self.context.delivery_waiters.expect(event);
            let rung = wakeup.notified();
            tokio::pin!(rung);
            // Listens from here on, so that nothing is missed between looking and waiting.
            rung.as_mut().enable();
            match self.delivered(event).await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "whether a license arrived is not known");
                    return false;
                }
            }
            // An error means that it is time to look anyway.
            let _ = tokio::time::timeout(LOOK, rung).await;
        }
    }

    async fn delivered(&self, event: &str) -> Result<bool, StoreError> {
        let mut tx = self.store.read().await?;
        for application in tx.applications_of_event(event).await? {
            if application.state == ApplicationState::Served
                && let Some(license) = &application.license_id
            {
                // What is not there any more was swept, a good while after it was delivered.
                let upload = tx.upload_of_license(license).await?;
                return Ok(upload.is_none_or(|upload| upload.state == UploadState::Delivered));
            }
        }
        Ok(false)
    }
}
