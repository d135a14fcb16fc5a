//! The use cases behind every route: what is asked is judged by `license_core::rule`, written in
//! one transaction and answered after its commit. No HTTP and no SQL here.

mod client;
mod command;
mod context;
mod instances;
mod issue;
mod judge;
mod limits;
mod lists;
mod market;
mod open;
mod orders;
mod paging;
mod products;
mod reading;
mod releases;
mod settle;
mod sweep;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;
mod uploads;
mod views;
mod writer;

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;

pub(crate) use command::Queued;
pub(crate) use context::Context;
pub(crate) use instances::{InstanceFilter, LicenseFilter};
pub(crate) use lists::SignedDocument;
pub(crate) use open::Made;
pub(crate) use orders::{EndOrder, TakeOrders};
pub(crate) use settle::SettleInstance;
pub(crate) use sweep::Sweep;
pub(crate) use tokens::TokenView;
pub(crate) use uploads::{EndUpload, Parcel, PutPause, TakeUploads, UploadFilter};
pub(crate) use writer::Writer;

pub(crate) use crate::store::Role;
use crate::store::Store;
use crate::work::{Gate, Marketplace};

/// Everything a route may call; cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk(Arc<Inner>);

/// Reached through [`Desk`].
pub(crate) struct Inner {
    pub(crate) context: Arc<Context>,
    pub(crate) store: Store,
    pub(crate) writer: Writer,
    pub(crate) gate: Arc<Gate>,
    pub(crate) marketplace: Option<Arc<Marketplace>>,
    access_keys: market::AccessKeys,
    wrong_codes: limits::WrongCodes,
    made: Option<Made>,
    writing: Mutex<Option<JoinHandle<()>>>,
    /// Held as long as this desk lives.
    _lock: Option<std::fs::File>,
}

impl std::ops::Deref for Desk {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Desk {
    /// What was made because it was missing, for the welcome text.
    pub(crate) fn made(&self) -> Option<&Made> {
        self.made.as_ref()
    }

    /// Every public key whose signatures readers meet, as a JWKS.
    pub(crate) fn jwks(&self) -> String {
        self.context.jwks()
    }

    /// Whether requests can be served: the database answers.
    pub(crate) async fn ready(&self) -> Result<(), String> {
        let mut tx = self.store.read().await.map_err(|error| error.to_string())?;
        tx.meta("secret").await.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Closes the database once nothing is under way.
    pub(crate) async fn close(&self) {
        self.store.close().await;
        if let Some(writing) = self.writing.lock().await.take() {
            writing.abort();
        }
    }
}
