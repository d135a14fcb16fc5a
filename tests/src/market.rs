//! The simulated marketplace as the suites use it: what it sells, how it answers, what arrived.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use koogallery::aksk::Credentials;
use koogallery_sim::faults::{Api, ApiFault, Faults};
use koogallery_sim::orders::OrderStore;
use koogallery_sim::{
    CodeChange, CodePurchase, RequestRecord, Setup, SimSources, Simulator, SoldOrder, server,
};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{AK, KEY, MARKET_PRODUCT, MARKET_SKU, SK, time};

const DAY: i64 = 86_400;

/// One upload that arrived, whatever was answered.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The event of its path.
    pub event: String,
    /// `CHARACTERS` or `FILE`.
    pub kind: String,
    /// The license: the characters, or the file's text.
    pub license: String,
    /// Whether it was answered with success.
    pub taken: bool,
    /// When it arrived.
    pub at: Instant,
}

/// A simulator that listens until the test's process ends. Where a fault is asked for, none means
/// that it answers as the marketplace does when all is well.
#[derive(Clone)]
pub struct TestMarketplace {
    url: String,
    simulator: Arc<Simulator>,
}

impl TestMarketplace {
    /// Listens on a free port.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn start() -> Self {
        // What it reports is not read: the suites ask for the requests instead.
        let (events, _) = channel();
        let simulator = Arc::new(Simulator::new(Setup {
            credentials: Credentials::new(AK, SK),
            access_key: Some(Zeroizing::new(KEY.to_owned())),
            // Random numbers are for logins and for codes without a name: neither is tested here.
            sources: SimSources { now_ms: time::now_ms, fill: |_| Ok(()) },
            orders: OrderStore::default(),
            clients: Vec::new(),
            faults: Faults::default(),
            uploads_dir: None,
            keep_requests: true,
            events,
        }));
        let address = server::spawn(Arc::clone(&simulator)).expect("a free port");
        Self { url: format!("http://{address}"), simulator }
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Accepts this secret key from now on, and no other.
    pub fn accept_secret(&self, secret: &str) {
        self.simulator.set_credentials(Credentials::new(AK, secret));
    }

    /// Sells: the order can be read from now on.
    pub fn sell(&self, order: &SoldOrder) {
        self.simulator.sell(order);
    }

    /// Sells an authorization code for so many machines until then.
    pub fn sell_code(&self, code: &str, amount: u32, expires: i64) {
        let purchase = CodePurchase {
            order_id: format!("CS-{code}"),
            product_id: MARKET_PRODUCT.to_owned(),
            amount,
            days: (expires - time::now()) / DAY,
            received: true,
        };
        self.simulator.sell_code(code, &purchase);
        self.change_code(code, CodeChange::Until(expires));
    }

    /// Changes a code as the marketplace does.
    pub fn change_code(&self, code: &str, change: CodeChange) {
        assert!(self.simulator.change_code(code, change), "{code} was not sold");
    }

    /// How questions about codes are answered from now on.
    pub fn answering_codes(&self, fault: Option<ApiFault>) {
        self.simulator.set_fault(Api::Activate, fault);
        self.simulator.set_fault(Api::Heartbeat, fault);
    }

    /// The codes of the activations and of the heartbeats that arrived.
    #[must_use]
    pub fn code_questions(&self) -> (Vec<String>, Vec<String>) {
        let codes = |api| {
            let requests = self.simulator.requests(api);
            requests.iter().map(|request| text(&body(request)["license"])).collect()
        };
        (codes(Api::Activate), codes(Api::Heartbeat))
    }

    /// How order queries are answered from now on.
    pub fn reading(&self, fault: Option<ApiFault>) {
        self.simulator.set_fault(Api::Order, fault);
    }

    /// How uploads are answered from now on.
    pub fn uploading(&self, fault: Option<ApiFault>) {
        self.simulator.set_fault(Api::Upload, fault);
    }

    /// How the next uploads are answered, before the lasting answer takes over.
    pub fn next_uploads(&self, faults: impl IntoIterator<Item = Option<ApiFault>>) {
        self.simulator.queue_faults(Api::Upload, faults);
    }

    /// How usage is answered from now on.
    pub fn pushing(&self, fault: Option<ApiFault>) {
        self.simulator.set_fault(Api::Usage, fault);
    }

    /// Every record of usage that arrived, in the order of the calls, and whether its call was
    /// answered with success.
    #[must_use]
    pub fn usage(&self) -> Vec<(Value, bool)> {
        let records = |request: RequestRecord| {
            let taken = request.answered.as_deref() == Some("MKT.0000");
            let records = body(&request)["usage_records"].as_array().cloned().unwrap_or_default();
            records.into_iter().map(move |record| (record, taken))
        };
        self.simulator.requests(Api::Usage).into_iter().flat_map(records).collect()
    }

    /// Every upload that arrived.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        let requests = self.simulator.requests(Api::Upload);
        requests.iter().map(|request| delivery(request).expect("a well-formed upload")).collect()
    }

    /// The uploads of this event.
    #[must_use]
    pub fn of(&self, event: &str) -> Vec<Delivery> {
        self.deliveries().into_iter().filter(|delivery| delivery.event == event).collect()
    }

    /// The orders that were asked for, in this order.
    #[must_use]
    pub fn queries(&self) -> Vec<String> {
        let order = |request: &RequestRecord| {
            let query = request.target.split_once('?').map_or("", |(_, query)| query).to_owned();
            let id = query.split('&').find_map(|pair| pair.strip_prefix("orderId="));
            id.unwrap_or_default().to_owned()
        };
        self.simulator.requests(Api::Order).iter().map(order).collect()
    }

    /// The most uploads that were under way at once since the last time this was asked.
    #[must_use]
    pub fn most_under_way(&self) -> usize {
        self.simulator.take_most_under_way(Api::Upload)
    }

    /// Waits for the upload of this event that is answered well.
    #[must_use]
    pub fn wait_for(&self, event: &str, within: Duration) -> Delivery {
        time::wait_for(&format!("the upload of {event}"), within, || {
            self.of(event).into_iter().find(|delivery| delivery.taken)
        })
    }
}

/// An order of a year for so many machines.
#[must_use]
pub fn period(quantity: u32) -> SoldOrder {
    SoldOrder {
        id: format!("CS{}", time::unique().to_uppercase()),
        kind: "NEW",
        charging: "PERIOD",
        product_id: MARKET_PRODUCT.to_owned(),
        sku_code: MARKET_SKU.to_owned(),
        quantity,
        expires: Some(time::now() + 366 * DAY),
        created: time::now() - 120,
        customer: "示例工业软件（深圳）有限公司 𠮷".to_owned(),
    }
}

/// An order for ever, for so many machines.
#[must_use]
pub fn perpetual(quantity: u32) -> SoldOrder {
    SoldOrder { charging: "ONE_TIME", expires: None, ..period(quantity) }
}

fn body(request: &RequestRecord) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// An upload's event, type and content: both parts are read here by their names, so that the suite
/// does not read them with the code that wrote them.
fn delivery(request: &RequestRecord) -> Option<Delivery> {
    let path = request.target.split('?').next()?;
    let event = path.split("/market-event/").nth(1)?.strip_suffix("/file")?.to_owned();
    let boundary = request.content_type.split("boundary=").nth(1)?.trim_matches('"');
    let text = String::from_utf8(request.body.clone()).ok()?;
    let part = |name: &str| {
        let wanted = format!("name=\"{name}\"");
        text.split(&format!("--{boundary}")).find_map(|part| {
            let (head, body) = part.split_once("\r\n\r\n")?;
            head.contains(&wanted).then(|| body.strip_suffix("\r\n").unwrap_or(body).to_owned())
        })
    };
    let description: Value = serde_json::from_str(&part("isvUpdateFileReq")?).ok()?;
    let kind = description["type"].as_str()?.to_owned();
    let license = match kind.as_str() {
        "FILE" => {
            let file = part("file")?;
            let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(file.as_bytes()));
            (description["sha256"] == digest.as_str()).then_some(file)?
        }
        _ => description["characters"].as_str()?.to_owned(),
    };
    let taken = request.answered.as_deref() == Some("CBC.0000");
    Some(Delivery { event, kind, license, taken, at: request.at })
}
