//! The use cases behind every route: what is asked is judged by `license_core::issuing_rules`, written in
//! one transaction and answered after its commit. No HTTP and no SQL here.

mod accepted_lookup;
mod alerts;
pub(crate) mod audit;
mod authorization_codes;
mod client_license;
mod clock_change;
mod command;
mod context;
mod delivery_waiters;
mod event;
mod guess_limiter;
mod in_flight;
mod instances;
mod issuance;
mod joint_kit;
mod licenses;
mod login;
mod machines;
mod market;
mod notices;
mod open;
mod orders;
mod paging;
mod products;
mod refund_warnings;
mod releases;
mod restore_hold;
mod retention;
mod signed_lists;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;
mod transaction;
mod uploads;
mod usage;
mod views;
mod write_probe;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;

pub(crate) use alerts::{
    AlertFilter, AlertMessage, EndDelivery, KeepDeliveries, StoreAlerts, TakeDeliveries,
};
pub(crate) use audit::AuditFilter;
pub(crate) use authorization_codes::{CodeFilter, EndActivation, EndBeat};
pub(crate) use client_license::order_pending;
pub(crate) use clock_change::ClampDueTimes;
pub(crate) use command::{Command, CommandError};
pub(crate) use context::Context;
pub(crate) use instances::InstanceFilter;
pub(crate) use issuance::ReevaluatePending;
pub(crate) use joint_kit::{KitFilter, Shown};
pub(crate) use licenses::LicenseFilter;
pub(crate) use login::{COOKIE as LOGIN_COOKIE, LoginReturn, LoginStart};
pub(crate) use machines::MachineFilter;
pub(crate) use notices::{EndNotice, NoticeFilter, TakeNotices};
pub(crate) use open::{Made, lock, make_folder, owner_only};
pub(crate) use orders::{EndOrder, KeepOrders, TakeOrders};
pub(crate) use refund_warnings::{LONGER, WarnRefunds};
pub(crate) use restore_hold::RESTORED;
pub(crate) use retention::{Sweep, SweepHistory};
pub(crate) use signed_lists::SignedDocument;
pub(crate) use tokens::TokenView;
pub(crate) use uploads::{
    EndUpload, KeepUploads, PutPause, TakeUploads, UploadFilter, fingerprint,
};
pub(crate) use usage::{EndUsage, KeepUsage, TakeUsage, UsageCall, UsageFilter};
pub(crate) use writer::Writer;

use crate::keys::sealing::KitKeys;
use crate::outbound::circuit_breaker::CircuitBreaker;
use crate::outbound::marketplace::Marketplace;
pub(crate) use crate::store::Role;
use crate::store::{Store, StoreError};

/// How long the database may take to show that it is there.
const PATIENCE: Duration = Duration::from_secs(4);

/// Everything a route may call; cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

/// Reached through [`App`].
pub(crate) struct Inner {
    pub(crate) context: Arc<Context>,
    pub(crate) store: Store,
    pub(crate) writer: Writer,
    recall: accepted_lookup::AcceptedLookup,
    pub(crate) breaker: Arc<CircuitBreaker>,
    pub(crate) marketplace: Option<Arc<Marketplace>>,
    pub(crate) retention: crate::config::Retention,
    access_keys: market::AccessKeys,
    /// Whether an application waits for its license to be delivered.
    synchronous: bool,
    /// What the marketplace's authorization codes begin with.
    code_prefixes: Vec<String>,
    pub(crate) kit_keys: Arc<KitKeys>,
    logins: Option<login::Logins>,
    wrong_codes: guess_limiter::GuessLimiter,
    made: Option<Made>,
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
    pub(crate) fn made(&self) -> Option<&Made> {
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
        match tokio::time::timeout(PATIENCE, asked).await {
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
