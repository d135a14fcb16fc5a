//! What every use case may rely on: time, randomness, keys, the server's secret, and who is to be
//! told once something was committed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hmac::{Hmac, KeyInit, Mac};
use license_core::Timestamp;
use license_core::issue::{Signer as _, SigningKey};
use license_core::product::Product;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::Notify;

use super::arrivals::Arrivals;
use super::audit::{Entry, Head};
use super::reading::Reading;
use crate::environment::Environment;
use crate::outlets::Outlets;
use crate::store::{ProductRow, StoreError};
use koogallery::usage::Form;

/// Made once when the desk opens.
pub(crate) struct Context {
    pub(crate) environment: Environment,
    /// Whose jobs are whose where servers share a database; anew at every start.
    pub(crate) server: String,
    /// Whose audit chain this server writes; kept in its data folder.
    pub(crate) chain: String,
    /// The newest link of it, once that is known.
    pub(crate) audit_head: Mutex<Option<Head>>,
    /// Why nothing can be written for now.
    pub(crate) unwritable: Mutex<Option<String>>,
    /// The `iss` of what is signed.
    pub(crate) issuer: String,
    /// Signs licenses, receipts and revocation lists.
    pub(crate) issuing: SigningKey,
    /// Signs release lists.
    pub(crate) release: SigningKey,
    /// Key of the indexes by digest; never leaves the database.
    pub(crate) secret: [u8; 32],
    /// How far a marketplace's call may lie from our time, in milliseconds.
    pub(crate) window_ms: i64,
    /// Public halves of the keys above and of those that signed lists elsewhere, as JWKs.
    pub(crate) public_keys: RwLock<Vec<Value>>,
    /// Products as they were read last, beside the text they were read from.
    pub(crate) products: Mutex<HashMap<String, (String, Arc<Product>)>>,
    /// The id that was made last.
    pub(crate) last_id: Mutex<u128>,
    /// To whom alerts are told.
    pub(crate) outlets: Outlets,
    /// In which printing usage is pushed.
    pub(crate) usage_form: Form,
    /// Orders that are being read just now.
    pub(crate) reading: Reading,
    /// Authorization codes that the marketplace is being asked about just now.
    pub(crate) asking: Reading,
    /// Licenses whose delivery somebody waits for.
    pub(crate) arrivals: Arrivals,
    /// Who works in the background.
    pub(crate) bells: Bells,
}

/// One for each background worker.
#[derive(Default)]
pub(crate) struct Bells {
    pub(crate) alerts: Notify,
    pub(crate) orders: Notify,
    pub(crate) uploads: Notify,
    pub(crate) usage: Notify,
    pub(crate) notices: Notify,
    pub(crate) settle: Notify,
}

/// What is made known after a commit, and only then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Note {
    /// An order is to be read.
    OrderQueued { instance: String },
    /// A license was signed.
    Issued { license: String, instance: String },
    /// A license is to be sent.
    UploadQueued,
    /// Usage is to be sent.
    UsageQueued,
    /// A record of usage was refused, or may have been counted twice.
    UsageEnded { alert: &'static str, instance: String, code: String },
    /// An alert is to be told.
    AlertQueued,
    /// An order is about to be paid back.
    RefundNearing { instance: String, minutes: i64, seconds_left: i64 },
    /// An attempt to send the license of an event ended.
    UploadEnded { event: String },
    /// The order of a notification is to be read.
    Noticed,
    /// The marketplace is asked about an authorization code.
    CodeAsked { code: String },
    /// That question ended, whatever the answer.
    CodeAnswered { code: String },
    /// Kept applications are to be judged.
    JudgeDue,
    /// A list came that another key signed.
    KeyLearned { jwk: Value },
    /// A kept application cannot be served for now.
    Held { instance: String, event: String, code: &'static str },
    /// A License was asked for of goods that no product is.
    ProductUnknown { market_product: String },
    /// The audit chain has a link more.
    Linked(Head),
    /// What was restored may be sent.
    RestoreConfirmed,
    /// Somebody holds an application's license now that had to wait.
    Served { instance: String, event: String },
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

    /// A digest that only this server can make, so that nobody can try values on a stolen file.
    pub(crate) fn digest(&self, purpose: &str, text: &str) -> Vec<u8> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes keys of any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
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

    /// The newest link, forgotten until it is told again.
    pub(crate) fn take_audit_head(&self) -> Option<Head> {
        self.audit_head.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Tells those concerned what was committed.
    pub(crate) fn tell(&self, note: Note) {
        match note {
            Note::OrderQueued { instance } => {
                self.reading.begin(&instance);
                self.bells.orders.notify_one();
            }
            Note::Issued { license, instance } => {
                metrics::counter!("licd_licenses_issued_total").increment(1);
                tracing::info!(
                    license.id = license,
                    instance.id = instance,
                    key.id = %self.issuing.kid(),
                    "license signed"
                );
            }
            Note::UploadQueued => self.bells.uploads.notify_one(),
            Note::UsageQueued => self.bells.usage.notify_one(),
            Note::UsageEnded { alert, instance, code } => tracing::error!(
                alert,
                instance.id = instance,
                code,
                "a record of usage was refused or may have been counted twice: see `licctl usage \
                 list`"
            ),
            Note::AlertQueued => self.bells.alerts.notify_one(),
            Note::RefundNearing { instance, minutes, seconds_left } => tracing::error!(
                alert = "refund_nearing",
                instance.id = instance,
                minutes,
                seconds_left,
                "an order could not be read yet: the marketplace gives up and pays it back soon"
            ),
            Note::Noticed => self.bells.notices.notify_one(),
            Note::CodeAsked { code } => self.asking.begin(&code),
            Note::CodeAnswered { code } => self.asking.end(&code),
            Note::UploadEnded { event } => self.arrivals.ended(&event),
            Note::JudgeDue => self.bells.settle.notify_one(),
            Note::KeyLearned { jwk } => self.learn(jwk),
            Note::Linked(head) => {
                *self.audit_head.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
            }
            Note::Held { instance, event, code } => {
                metrics::counter!("licd_applications_held_total", "code" => code).increment(1);
                tracing::warn!(
                    alert = "application_held",
                    instance.id = instance,
                    event.id = event,
                    result.code = code,
                    "an accepted application cannot be served for now; it is served when its order \
                     or the instance allows it"
                );
            }
            Note::ProductUnknown { market_product } => tracing::warn!(
                alert = "product_unknown",
                market.product = market_product,
                "a License was refused because no product is sold under this productId; the \
                 marketplace asks again once an hour for three hours"
            ),
            Note::RestoreConfirmed => {
                tracing::info!("the restore was confirmed: uploads go on");
                self.bells.uploads.notify_one();
            }
            Note::Served { instance, event } => tracing::info!(
                instance.id = instance,
                event.id = event,
                "an application that had to wait was served"
            ),
        }
    }
}

/// One attempt at one use case, inside of a transaction.
pub(crate) struct Work<'a> {
    pub(crate) desk: &'a Arc<Context>,
    /// The same moment throughout.
    pub(crate) now: Timestamp,
    /// Told after the commit; dropped with the transaction otherwise.
    pub(crate) notes: Vec<Note>,
    /// What was done, for the audit chain.
    pub(crate) entries: Vec<Entry>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(desk: &'a Arc<Context>) -> Self {
        Self { desk, now: desk.now(), notes: Vec::new(), entries: Vec::new() }
    }

    pub(crate) fn note(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// Records what was done: never a look, a refusal without effect, or a re-send.
    pub(crate) fn audit(&mut self, entry: Entry) {
        self.entries.push(entry);
    }
}
