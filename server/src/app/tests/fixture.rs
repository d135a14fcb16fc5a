//! A app in a fresh folder, a clock that is set by hand, and a marketplace to talk to.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use koogallery::order::{ChargingMode, Order, mock};
use koogallery::upload::Content;
use koogallery::{AccessKey, Answer, Presented};
use license_core::api::{InstanceDetail, LicenseAnswer, LicenseRequest};
use license_core::product::{LicenseForm, Product};
use license_core::trust::KeyRing;
use license_core::verify::{Verified, VerifyContext};
use license_core::{Timestamp, verify};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::POSTGRES;
use super::fake_marketplace::{AK, Double, SK};
use crate::app::App;
use crate::app::client_license;
use crate::app::instances;
use crate::app::market;
use crate::app::open;
use crate::app::products;
use crate::app::restore_hold::RESTORED;
use crate::app::uploads;
use crate::config::{Config, Database, Secret};
use crate::environment::fixed::{FixedClock, START_MS, environment};
use crate::environment::{Clock as _, Environment};
use crate::error::ApiError;
use crate::store::Queue;
use crate::store::Store;
use crate::store::cluster::Cluster;

pub(super) const KEY: &str = "0123456789abcdef-basic";
pub(super) const NOW: i64 = START_MS / 1000;
pub(super) const DAY: i64 = 86_400;
/// How often a test looks, ten milliseconds apart, before it says that something never comes: far
/// longer than anything takes on a machine that does other things as well.
pub(super) const PATIENCE: usize = 6000;

pub(crate) struct Fixture {
    pub(crate) app: App,
    pub(super) market: Double,
    pub(super) clock: Arc<FixedClock>,
    pub(super) config: Config,
    pub(super) environment: Environment,
    pub(super) nonces: AtomicU64,
    stop: watch::Sender<bool>,
    pub(super) workers: Vec<JoinHandle<()>>,
    folder: TempDir,
}

impl Fixture {
    /// With workers, and the product of [`flowsim`].
    pub(super) async fn new() -> Self {
        let fixture = Self::bare().await;
        products::apply(&fixture.app, flowsim()).await.unwrap();
        fixture.started()
    }

    /// Without product and workers.
    pub(crate) async fn bare() -> Self {
        Self::bare_with(|_| ()).await
    }

    pub(super) async fn bare_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = TempDir::new().unwrap();
        let (environment, clock) = environment();
        let seen = clock.clone();
        let market = Double::start(Arc::new(move || seen.now_ms() / 1000));
        let mut config = Config::for_tests(folder.path());
        config.issuer = "某某科技".to_owned();
        config.koogallery.base_urls = vec![market.url()];
        config.koogallery.access_key = vec![Secret::new(KEY)];
        config.koogallery.ak = Some(Secret::new(AK));
        config.koogallery.sk = Some(Secret::new(SK));
        if POSTGRES {
            match postgres() {
                Some(database) => config.database = database,
                None => eprintln!("LICD_TEST_POSTGRES=skip: this ran on SQLite once more"),
            }
        }
        change(&mut config);
        Self::open(config, folder, market, (environment, clock)).await
    }

    pub(super) async fn open(
        config: Config,
        folder: TempDir,
        market: Double,
        (environment, clock): (Environment, Arc<FixedClock>),
    ) -> Self {
        let app = open::open(&config, environment.clone()).await.unwrap();
        let (stop, _) = watch::channel(false);
        Self {
            app,
            market,
            clock,
            config,
            environment,
            nonces: AtomicU64::new(0),
            stop,
            workers: Vec::new(),
            folder,
        }
    }

    pub(super) fn started(mut self) -> Self {
        self.workers = crate::workers::start(&self.app, self.stop.subscribe());
        self
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Drops everything where it stands, as `kill -9` would, and opens the folder again.
    pub(super) async fn crash(self) -> Self {
        self.crash_with(|_| ()).await
    }

    pub(super) async fn crash_with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        for worker in &self.workers {
            worker.abort();
        }
        for worker in self.workers.drain(..) {
            let _ = worker.await;
        }
        if let Store::Postgres(postgres) = &self.app.store {
            // What others would wait for.
            postgres.end_leases().await;
        }
        drop(self.app);
        change(&mut self.config);
        let mut patience = 100;
        let app = loop {
            match open::open(&self.config, self.environment.clone()).await {
                Ok(app) => break app,
                Err(error) if patience == 0 => panic!("{error:#}"),
                Err(_) => patience -= 1,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        self.stop = watch::channel(false).0;
        self.app = app;
        self
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now_ms() / 1000
    }

    /// Moves the clock once what is under way was written down, and wakes whoever sleeps: an
    /// attempt that ends after the jump would be put off by the new time.
    pub(super) async fn forward(&self, seconds: i64) {
        self.settled().await;
        self.jump(seconds);
    }

    /// Waits until what is under way was written down, unless the marketplace takes its time.
    pub(super) async fn settled(&self) {
        for _ in 0..500 {
            if self.under_way().await == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What is under way, and what is about to be, because it is due and nothing keeps it back.
    async fn under_way(&self) -> i64 {
        let mut tx = self.app.store.read().await.unwrap();
        let in_flight = tx.in_flight(Queue::Uploads).await.unwrap()
            + tx.in_flight(Queue::Orders).await.unwrap()
            + tx.in_flight(Queue::Usage).await.unwrap()
            + tx.in_flight(Queue::AlertDeliveries).await.unwrap();
        let goes_on = !self.workers.is_empty()
            && self.app.marketplace.is_some()
            && self.app.breaker.level() == 0
            && tx.meta(RESTORED).await.unwrap().is_none();
        let next =
            [tx.next_due(Queue::Orders).await.unwrap(), tx.next_due(Queue::Uploads).await.unwrap()];
        let due = next.into_iter().flatten().filter(|at| goes_on && *at <= self.now()).count();
        in_flight + i64::try_from(due).unwrap()
    }

    /// Moves the clock whatever is under way, and wakes whoever sleeps.
    pub(super) fn jump(&self, seconds: i64) {
        self.clock.advance_ms(seconds * 1000);
        self.app.context.wakeups.orders.notify_one();
        self.app.context.wakeups.uploads.notify_one();
        self.app.context.wakeups.usage.notify_one();
        self.app.context.wakeups.alerts.notify_one();
    }

    pub(super) fn sign(&self, body: &Value) -> (String, Vec<u8>) {
        let raw = body.to_string().into_bytes();
        let nonce = format!("nonce-{}", self.nonces.fetch_add(1, Ordering::SeqCst));
        let key = AccessKey::new(KEY).unwrap();
        (Presented::sign(&key, &raw, &nonce, self.clock.now_ms()).to_query(), raw)
    }

    /// Signs and sends one call.
    pub(super) async fn call(&self, body: Value) -> Answer {
        let (query, raw) = self.sign(&body);
        self.raw(&query, &raw).await
    }

    pub(super) async fn raw(&self, query: &str, raw: &[u8]) -> Answer {
        serde_json::from_slice(&market::call(&self.app, query, raw).await).unwrap()
    }

    /// The code of one call.
    pub(super) async fn code(&self, body: Value) -> &'static str {
        self.call(body).await.result_code.as_str()
    }

    /// Puts an order for the sample product where the marketplace finds it.
    pub(super) fn offer(&self, id: &str, quantity: i64, change: impl FnOnce(&mut Order)) {
        let mut order = mock("MOCKPERIODYEARNEW", self.now()).unwrap();
        order.order_id = id.to_owned();
        order.lines[0].id = format!("{id}-000001");
        order.lines[0].products[0].linear_value = Some(quantity);
        order.buyer.as_mut().unwrap().customer_real_name = Some("某某科技有限公司".to_owned());
        change(&mut order);
        self.market.state().orders.insert(id.to_owned(), order);
    }

    /// Buys: the order is offered, created and read.
    pub(super) async fn buy(&self, id: &str, quantity: i64) -> String {
        self.offer(id, quantity, |_| ());
        self.create(id).await
    }

    /// Creates the instance of an order and waits until the order was read.
    pub(super) async fn create(&self, order: &str) -> String {
        let instance = self.call(new_instance(order)).await.instance_id.unwrap();
        self.until(|detail| detail.instance.machines.limit.is_some(), &instance).await;
        instance
    }

    pub(super) async fn detail(&self, instance: &str) -> InstanceDetail {
        instances::find(&self.app, instance).await.unwrap()
    }

    /// Waits until the instance looks so.
    pub(super) async fn until(&self, so: impl Fn(&InstanceDetail) -> bool, instance: &str) {
        for _ in 0..PATIENCE {
            if so(&self.detail(instance).await) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never came to that: {:#?}", self.detail(instance).await);
    }

    /// Waits until the marketplace has so many uploads.
    pub(super) async fn uploads(&self, count: usize) -> Vec<(String, Content)> {
        self.market_until(|state| state.uploads.len() >= count).await;
        self.market.uploads()
    }

    pub(super) async fn market_until(&self, so: impl Fn(&super::fake_marketplace::State) -> bool) {
        for _ in 0..PATIENCE {
            if so(&self.market.state()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the marketplace never saw that; requests: {}", self.market.state().requests);
    }

    /// Waits until an upload is in that state.
    pub(super) async fn upload_is(&self, state: &str) -> license_core::api::UploadView {
        let mut last = Vec::new();
        for _ in 0..PATIENCE {
            last = uploads::list(&self.app, &uploads::UploadFilter::default()).await.unwrap();
            if let Some(found) = last.iter().find(|upload| upload.state == state) {
                return found.clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no upload became {state}: {last:#?}");
    }

    /// A program asks for its license.
    pub(super) async fn ask(
        &self,
        instance: &str,
        device: &str,
    ) -> Result<LicenseAnswer, ApiError> {
        let code = self.detail(instance).await.instance.activation_code;
        self.ask_with(request(&code, device)).await
    }

    pub(super) async fn ask_with(
        &self,
        request: LicenseRequest,
    ) -> Result<LicenseAnswer, ApiError> {
        client_license::request(&self.app, request, "192.0.2.7".parse().unwrap()).await
    }

    pub(super) fn keys(&self) -> KeyRing {
        KeyRing::from_jwks(&self.app.context.jwks()).unwrap()
    }

    /// Verifies a license as a program would.
    pub(super) fn verify(&self, text: &str) -> Verified {
        let question = VerifyContext::at(Timestamp::from_secs(self.now()));
        verify::license(text.as_bytes(), &self.keys(), &question)
            .unwrap_or_else(|refusal| panic!("{}: {text}", refusal.code()))
    }
}

/// A new database of the cluster that these tests share, unless they are to do without.
fn postgres() -> Option<Database> {
    Cluster::shared().map(|cluster| Database::Postgres(Secret::new(cluster.database())))
}

pub(super) fn flowsim() -> Product {
    toml::from_str(
        r#"
        id = "flowsim"
        name = "FlowSim 流体仿真"
        koogallery = [{ product_id = "OFFI846204237451911168", sku_code = "0a4d1578-5295-46a7-92d4-7c803dccc51d" }]
        [license]
        kind = "node-locked"
        machines = "order"
        entitlements = { mesh = true, solver-cores = 64 }
        grace_days = 7
        "#,
    )
    .unwrap()
}

pub(super) fn request(code: &str, device: &str) -> LicenseRequest {
    LicenseRequest {
        product: "flowsim".to_owned(),
        activation_code: code.to_owned(),
        dev_info: device.to_owned(),
        form: LicenseForm::String,
        version: Some("2.0.0".to_owned()),
        nonce: "n-1".to_owned(),
    }
}

pub(super) fn new_instance(order: &str) -> Value {
    json!({
        "activity": "newInstance", "orderId": order, "orderLineId": format!("{order}-000001"),
        "businessId": format!("b-{order}")
    })
}

/// An application whose license ends in 100 days.
pub(super) fn apply(instance: &str, event: &str, device: &str) -> Value {
    json!({
        "activity": "getLicenseAsync", "instanceId": instance, "eventId": event,
        "effectiveTime": koogallery::time::spaced(NOW),
        "expireTime": koogallery::time::spaced(NOW + 100 * DAY), "deviceFingerprint": device
    })
}

pub(super) fn device(number: u32) -> String {
    let [_, _, a, b] = number.to_be_bytes();
    format!("04:7C:16:5E:{a:02X}:{b:02X}|DISK{number}|BOARD{number}|BFEBFBFF00090672")
}

/// The order has no period and no end.
pub(super) fn for_ever(order: &mut Order) {
    order.lines[0].charging_mode = ChargingMode::OneTime;
    order.lines[0].expire_time = None;
}
