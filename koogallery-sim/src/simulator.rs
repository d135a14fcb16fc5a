//! The simulated marketplace: its state, and what tests do to it and ask of it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::Sender;
use std::time::Instant;

use axum::http::header;
use koogallery::aksk::Credentials;
use zeroize::Zeroizing;

use crate::api_message::{ApiAnswer, ApiRequest};
use crate::codes::{CodeChange, CodePurchase, CodeStore};
use crate::events::MarketEvent;
use crate::faults::{Api, ApiFault, Faults};
use crate::lock::locked;
use crate::oauth::{ClientApplication, OauthServer};
use crate::orders::OrderStore;
use crate::received_uploads::ReceivedUploads;
use crate::request_log::{RequestLog, RequestRecord};
use crate::sold_order::SoldOrder;
use crate::sources::SimSources;
use crate::usage::UsageStore;

/// What a simulator begins with.
pub struct Setup {
    /// The seller's AK and SK: every signature is verified with them.
    pub credentials: Credentials,
    /// Verifies the signature over usage, where it is known.
    pub access_key: Option<Zeroizing<String>>,
    /// Its clock and random source.
    pub sources: SimSources,
    /// Orders beside the MOCK orders.
    pub orders: OrderStore,
    /// Applications that the authentication center knows.
    pub clients: Vec<ClientApplication>,
    /// What goes wrong.
    pub faults: Faults,
    /// Where licenses that arrive are written.
    pub uploads_dir: Option<PathBuf>,
    /// Whether every request is kept for [`Simulator::requests`].
    pub keep_requests: bool,
    /// Where it reports what happens.
    pub events: Sender<MarketEvent>,
}

/// The marketplace: what it sold, what it received, which signatures it accepts. Each part has a
/// lock of its own, and no two are held at once.
pub struct Simulator {
    pub(crate) credentials: Mutex<Credentials>,
    pub(crate) access_key: Option<Zeroizing<String>>,
    pub(crate) sources: SimSources,
    pub(crate) orders: Mutex<OrderStore>,
    pub(crate) received_uploads: Mutex<ReceivedUploads>,
    pub(crate) codes: Mutex<CodeStore>,
    pub(crate) usage: Mutex<UsageStore>,
    pub(crate) usage_nonces: Mutex<HashSet<String>>,
    pub(crate) oauth: Mutex<OauthServer>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) requests: Mutex<RequestLog>,
    pub(crate) uploads_dir: Option<PathBuf>,
    pub(crate) events: Sender<MarketEvent>,
}

/// What a simulator received since it was started.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Totals {
    /// Uploads, repeated ones too.
    pub uploads: usize,
    /// Events that have a license.
    pub events: usize,
    /// Uploads of other content for an event that has a license.
    pub upload_violations: usize,
    /// Records of usage.
    pub usage: usize,
    /// Numbers of usage that came again with another record.
    pub usage_violations: usize,
    /// Requests that a fault was answered to.
    pub faults: u32,
}

impl Simulator {
    /// A marketplace that nothing was sold at yet but the MOCK orders.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self {
            credentials: Mutex::new(setup.credentials),
            access_key: setup.access_key,
            sources: setup.sources,
            orders: Mutex::new(setup.orders),
            received_uploads: Mutex::default(),
            codes: Mutex::default(),
            usage: Mutex::default(),
            usage_nonces: Mutex::default(),
            oauth: Mutex::new(OauthServer::new(setup.clients)),
            faults: Mutex::new(setup.faults),
            requests: Mutex::new(RequestLog::new(setup.keep_requests)),
            uploads_dir: setup.uploads_dir,
            events: setup.events,
        }
    }

    /// Accepts these credentials from now on, and no others.
    pub fn set_credentials(&self, credentials: Credentials) {
        *locked(&self.credentials) = credentials;
    }

    /// Sells: the order can be asked for from now on.
    pub fn sell(&self, order: &SoldOrder) {
        locked(&self.orders).sell(order.id.clone(), order.json());
    }

    /// Sells an authorization code under this name.
    pub fn sell_code(&self, code: &str, purchase: &CodePurchase) {
        locked(&self.codes).sell(code.to_owned(), purchase, self.now());
    }

    /// Changes a code without the seller's doing; false where it is not known.
    pub fn change_code(&self, code: &str, change: CodeChange) -> bool {
        locked(&self.codes).change(code, change, self.now()).is_some()
    }

    /// How an interface answers from now on; none: as it should.
    pub fn set_fault(&self, api: Api, fault: Option<ApiFault>) {
        locked(&self.faults).set(api, fault);
    }

    /// How the next requests to an interface are answered, before anything else that was set.
    pub fn queue_faults(&self, api: Api, faults: impl IntoIterator<Item = Option<ApiFault>>) {
        locked(&self.faults).queue(api, faults);
    }

    /// Every request that arrived at an interface, whatever was answered.
    #[must_use]
    pub fn requests(&self, api: Api) -> Vec<RequestRecord> {
        locked(&self.requests).of(api)
    }

    /// The most requests to an interface that were under way at once since the last time this was
    /// asked.
    #[must_use]
    pub fn take_most_under_way(&self, api: Api) -> usize {
        locked(&self.requests).take_most_under_way(api)
    }

    /// What was received.
    #[must_use]
    pub fn totals(&self) -> Totals {
        // One lock after the other: the order of two at once would matter elsewhere.
        let mut totals = {
            let uploads = locked(&self.received_uploads);
            Totals {
                uploads: uploads.uploads().len(),
                events: uploads.events(),
                upload_violations: uploads.violations(),
                usage: 0,
                usage_violations: 0,
                faults: 0,
            }
        };
        {
            let usage = locked(&self.usage);
            (totals.usage, totals.usage_violations) = (usage.records().len(), usage.violations());
        }
        totals.faults = locked(&self.faults).injected();
        totals
    }

    /// Keeps a request; without an answer, the seller never learns what became of it.
    pub(crate) fn keep(&self, api: Api, request: &ApiRequest<'_>, answer: Option<&ApiAnswer>) {
        let mut requests = locked(&self.requests);
        if !requests.keeps() {
            return;
        }
        let kind = request.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        requests.push(RequestRecord {
            api,
            at: Instant::now(),
            target: request.uri.to_string(),
            content_type: kind.unwrap_or_default().to_owned(),
            body: request.body.to_vec(),
            answered: answer.map(ApiAnswer::code),
        });
    }

    /// What goes wrong with the next request.
    pub(crate) fn fault(&self, api: Api) -> Option<ApiFault> {
        let fault = locked(&self.faults).next(api)?;
        self.report(MarketEvent::Faulty { api: api.word(), fault: fault.word() });
        Some(fault)
    }

    pub(crate) fn now(&self) -> i64 {
        self.sources.now()
    }

    pub(crate) fn report(&self, event: MarketEvent) {
        // There is no receiver any more once the program is being stopped.
        let _ = self.events.send(event);
    }
}
