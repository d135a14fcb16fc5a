//! What every use case shares: time, randomness, keys, the server's secret, and the look-ups, waiters
//! and wake-ups that events reach after a commit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use license_core::Timestamp;
use license_core::issue::SigningKey;
use license_core::product::Product;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::audit::entry::ChainHead;
use super::delivery_waiters::DeliveryWaiters;
use super::in_flight::InFlight;
use crate::alerts::AlertQueue;
use crate::environment::Environment;
use crate::keys::sealing::ServerSecret;
use crate::outbound::notifier::Notifier;
use crate::store::{ProductRow, StoreError};
use koogallery::Edition;

/// Made once when the app opens.
pub(crate) struct Context {
    pub(crate) environment: Environment,
    /// Whose jobs are whose where servers share a database; anew at every start.
    pub(crate) server: String,
    /// Whose audit chain this server writes; kept in its data folder.
    pub(crate) chain: String,
    /// The newest link of it, once that is known.
    pub(crate) audit_head: Mutex<Option<ChainHead>>,
    /// Why nothing can be written for now.
    pub(crate) unwritable: Mutex<Option<String>>,
    /// The `iss` of what is signed.
    pub(crate) issuer: String,
    /// Signs licenses, receipts and revocation lists.
    pub(crate) issuing: SigningKey,
    /// Signs release lists.
    pub(crate) release: SigningKey,
    /// Key of the indexes by digest; never leaves the database.
    pub(crate) secret: ServerSecret,
    /// How far a marketplace's call may lie from our time, in milliseconds.
    pub(crate) window_ms: i64,
    /// Public halves of the keys above and of those that signed lists elsewhere, as JWKs.
    pub(crate) public_keys: RwLock<Vec<Value>>,
    /// Products as they were read last, beside the text they were read from.
    pub(crate) products: Mutex<HashMap<String, (String, Arc<Product>)>>,
    /// The id that was made last.
    pub(crate) last_id: Mutex<u128>,
    /// Delivers alerts.
    pub(crate) notifier: Notifier,
    /// In which edition usage is pushed.
    pub(crate) usage_edition: Edition,
    /// Orders that are being read just now.
    pub(crate) order_lookups: InFlight,
    /// Authorization codes that the marketplace is being asked about just now.
    pub(crate) code_lookups: InFlight,
    /// Alerts that were raised outside of a transaction.
    pub(crate) alerts: AlertQueue,
    /// Callers that wait for the delivery of a license.
    pub(crate) delivery_waiters: DeliveryWaiters,
    /// Wake-ups of the background workers.
    pub(crate) wakeups: Wakeups,
}

/// One for each background worker.
#[derive(Default)]
pub(crate) struct Wakeups {
    pub(crate) alerts: Notify,
    pub(crate) orders: Notify,
    pub(crate) uploads: Notify,
    pub(crate) usage: Notify,
    pub(crate) notices: Notify,
    pub(crate) pending: Notify,
}

impl Context {
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.now_ms().div_euclid(1000))
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.environment.clock.now_ms()
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.environment.entropy.fill(&mut bytes);
        bytes
    }

    /// An id above every earlier one, so that lists by id are lists by age.
    pub(crate) fn id(&self) -> String {
        let millis = u64::try_from(self.now_ms()).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &self.random()).into_uuid();
        let mut last = self.last_id.lock().unwrap_or_else(PoisonError::into_inner);
        *last = id.as_u128().max(last.saturating_add(1));
        uuid::Uuid::from_u128(*last).to_string()
    }

    /// A digest under the secret, so that values cannot be tried on a stolen database.
    pub(crate) fn digest(&self, purpose: &str, text: &str) -> Vec<u8> {
        self.secret.digest(purpose, text)
    }

    /// The terms in a row, read once for as long as they stay the same.
    pub(crate) fn terms_of(&self, row: ProductRow) -> Result<Arc<Product>, StoreError> {
        let mut products = self.products.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((text, product)) = products.get(&row.id)
            && *text == row.terms
        {
            return Ok(Arc::clone(product));
        }
        let product = serde_json::from_str(&row.terms).map(Arc::new);
        let product = product.map_err(|error| StoreError::Broken(error.to_string()))?;
        products.insert(row.id, (row.terms, Arc::clone(&product)));
        Ok(product)
    }

    /// The keys as a JWKS.
    pub(crate) fn jwks(&self) -> String {
        let keys = self.public_keys.read().unwrap_or_else(PoisonError::into_inner);
        json!({ "keys": *keys }).to_string()
    }

    /// Shows one key more.
    pub(crate) fn learn(&self, jwk: Value) {
        let mut keys = self.public_keys.write().unwrap_or_else(PoisonError::into_inner);
        if !keys.iter().any(|known| known["kid"] == jwk["kid"]) {
            keys.push(jwk);
        }
    }

    /// Why nothing can be written for now, if so.
    pub(crate) fn unwritable(&self) -> Option<String> {
        self.unwritable.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_unwritable(&self, cause: Option<String>) {
        *self.unwritable.lock().unwrap_or_else(PoisonError::into_inner) = cause;
    }

    /// Takes the newest link. The commit of the next one puts it back; after a failure it stays
    /// empty, and the database is read.
    pub(crate) fn take_audit_head(&self) -> Option<ChainHead> {
        self.audit_head.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
