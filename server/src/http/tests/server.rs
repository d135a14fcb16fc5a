//! A server on free ports with a fresh data folder.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use koogallery::signature::{AccessKey, Presented};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};

use super::super::{BoundListeners, HttpState, RunningListeners, start_metrics};
use super::Answer;
use super::client::send;
use crate::app::App;
use crate::app::open;
use crate::app::tokens;
use crate::config::{Config, Secret};
use crate::environment::fixed::{self, FixedClock, START_MS};
use crate::store::Role;

const ACCESS_KEY: &str = "test-access-key-0123456789";

pub(super) struct Server {
    pub(super) public: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) app: App,
    pub(super) clock: Arc<FixedClock>,
    running: RunningListeners,
    _folder: tempfile::TempDir,
}

fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| start_metrics().unwrap()).clone()
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(super) async fn start_with(adapt: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::for_tests(folder.path());
        config.koogallery.access_key = vec![Secret::new(ACCESS_KEY)];
        adapt(&mut config);
        let (environment, clock) = fixed::environment();
        let tls = crate::http::tls(&config).unwrap();
        let app = open::open(&config, environment).await.unwrap();
        let state = HttpState {
            app: app.clone(),
            trusted_proxies: config.http.trusted_proxies.clone().into(),
            metrics: metrics(),
        };
        let running = BoundListeners::bind(&config.http).unwrap().serve(&state, tls).unwrap();
        let address = |url: &str| url.split("//").nth(1).unwrap().parse().unwrap();
        Self {
            public: address(running.listen()),
            admin: address(running.admin_listen().unwrap()),
            app,
            clock,
            running,
            _folder: folder,
        }
    }

    pub(super) async fn token(&self, role: Role) -> String {
        tokens::create(&self.app, role, role.as_str()).await.unwrap().token
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        send(self.public, "GET", path, &[], b"").await
    }

    pub(super) async fn admin(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &Value,
    ) -> Answer {
        let authorization = format!("Bearer {token}");
        let headers = [("Authorization", &*authorization), ("Content-Type", "application/json")];
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        send(self.admin, method, path, &headers, &body).await
    }

    /// A signed call of the marketplace.
    pub(super) async fn market(&self, body: &Value) -> Value {
        let body = serde_json::to_vec(body).unwrap();
        let key = AccessKey::new(ACCESS_KEY).unwrap();
        let query = Presented::sign(&key, &body, "0123456789abcdef", START_MS).to_query();
        let path = format!("/koogallery?{query}");
        let headers = [("Content-Type", "application/json;charset=utf8")];
        let answer = send(self.public, "POST", &path, &headers, &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// An instance, bought by an order that nobody has read yet.
    pub(super) async fn instance(&self) -> String {
        let answer = self
            .market(&json!({
                "activity": "newInstance",
                "orderId": "CS2211181819TEST1",
                "orderLineId": "CS2211181819TEST1-000001",
                "businessId": "03pf80c2bae96vc49b80b917bea776d7",
            }))
            .await;
        assert_eq!(answer["resultCode"], "000000", "{answer}");
        answer["instanceId"].as_str().unwrap().to_owned()
    }

    pub(super) async fn stop(self) {
        self.running.stop(Duration::from_secs(5)).await;
    }
}
