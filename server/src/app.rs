//! The application: one module for each resource and one function for each use case, which takes
//! [`App`]. Use cases judge by `license_core::issuing_rules`, write in one transaction and reply after its
//! commit. No HTTP and no SQL here.
//!
//! This file holds what they share, and imports none of them: they import it.

mod accepted_lookup;
mod access_keys;
pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod authorization_codes;
pub(crate) mod client_license;
pub(crate) mod clock_change;
pub(crate) mod command;
pub(crate) mod context;
mod delivery_waiters;
mod event;
mod guess_limiter;
mod in_flight;
pub(crate) mod instances;
pub(crate) mod issuance;
pub(crate) mod joint_kit;
pub(crate) mod licenses;
pub(crate) mod login;
pub(crate) mod machines;
pub(crate) mod market;
pub(crate) mod marketplace_health;
pub(crate) mod notices;
pub(crate) mod open;
mod order_terms;
pub(crate) mod orders;
mod paging;
pub(crate) mod products;
pub(crate) mod queue;
pub(crate) mod refund_warnings;
pub(crate) mod releases;
pub(crate) mod restore_hold;
pub(crate) mod retention;
pub(crate) mod signed_lists;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod tokens;
mod transaction;
pub(crate) mod uploads;
pub(crate) mod usage;
mod views;
pub(crate) mod write_probe;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::keys::sealing::KitKeys;
use crate::outbound::circuit_breaker::CircuitBreaker;
use crate::outbound::marketplace::Marketplace;
use crate::store::{Store, StoreError};

use accepted_lookup::AcceptedLookup;
use access_keys::AccessKeys;
use context::Context;
use guess_limiter::GuessLimiter;
use login::setup::LoginSetup;
use writer::Writer;

/// How long the database may take to answer a readiness check.
const READINESS_TIMEOUT: Duration = Duration::from_secs(4);

/// Files that were made at the start because they were missing.
pub(crate) struct MadeFiles {
    /// Holds the first admin token.
    pub(crate) admin_token_file: PathBuf,
    /// Private keys.
    pub(crate) key_files: Vec<PathBuf>,
}

/// Everything a use case needs; cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

/// Reached through [`App`].
pub(crate) struct Inner {
    pub(crate) context: Arc<Context>,
    pub(crate) store: Store,
    pub(crate) writer: Writer,
    accepted: AcceptedLookup,
    pub(crate) breaker: Arc<CircuitBreaker>,
    pub(crate) marketplace: Option<Arc<Marketplace>>,
    pub(crate) retention: crate::config::Retention,
    access_keys: AccessKeys,
    /// Whether an application waits for its license to be delivered.
    synchronous: bool,
    /// What the marketplace's authorization codes begin with.
    code_prefixes: Vec<String>,
    pub(crate) kit_keys: Arc<KitKeys>,
    logins: Option<LoginSetup>,
    guess_limiter: GuessLimiter,
    made: Option<MadeFiles>,
    writing: Mutex<Option<JoinHandle<()>>>,
    /// Held as long as this app lives.
    _lock: Option<std::fs::File>,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// What was made because it was missing, for the welcome text.
    pub(crate) fn made(&self) -> Option<&MadeFiles> {
        self.made.as_ref()
    }

    /// Every public key whose signatures readers meet, as a JWKS: also those of servers that
    /// share the database and came later.
    pub(crate) async fn jwks(&self) -> String {
        if self.store.is_shared()
            && let Err(error) = self.learn_keys().await
        {
            tracing::warn!(error = %error, "the keys of other servers could not be read");
        }
        self.context.jwks()
    }

    async fn learn_keys(&self) -> Result<(), StoreError> {
        for (_, jwk) in self.store.read().await?.public_keys().await? {
            let jwk = serde_json::from_str(&jwk);
            self.context.learn(jwk.map_err(|error| StoreError::Broken(error.to_string()))?);
        }
        Ok(())
    }

    /// Whether requests can be served: the database answers, and could be written last time.
    pub(crate) async fn ready(&self) -> Result<(), String> {
        if let Some(cause) = self.context.unwritable() {
            return Err(cause);
        }
        let asked = async {
            self.store.read().await?.meta("secret").await?;
            self.store.is_standby().await
        };
        match tokio::time::timeout(READINESS_TIMEOUT, asked).await {
            Ok(Ok(true)) => Err("the database is a standby: nothing can be written".to_owned()),
            Ok(answer) => answer.map(|_| ()).map_err(|error| error.to_string()),
            Err(_) => Err("the database does not answer in time".to_owned()),
        }
    }

    /// Closes the database once nothing is under way.
    pub(crate) async fn close(&self) {
        self.store.close().await;
        if let Some(writing) = self.writing.lock().await.take() {
            writing.abort();
        }
    }
}
