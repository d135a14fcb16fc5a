//! Authorization codes of the marketplace: activated once, asked about once a day, refreshed,
//! frozen, given back.

use std::time::Duration;

use koogallery::Edition;
use koogallery::license_code::{CodeInfo, LicenseCodeStatus};
use koogallery::{AccessKey, Answer, Presented};
use license_core::Code;
use license_core::api::{CodeView, LicenseAnswer};
use serde_json::{Value, json};

use super::fake_marketplace::Trick;
use super::fixture::{DAY, Fixture, KEY, NOW, device, flowsim, request};
use crate::app::authorization_codes;
use crate::app::authorization_codes::CodeFilter;
use crate::app::client_license;
use crate::app::instances;
use crate::app::products;
use crate::config::{Config, Secret};
use crate::environment::Clock as _;
use crate::error::ApiError;

const CODE_KEY: &str = "0123456789abcdef-codes";
/// The goods of [`flowsim`].
const GOODS: &str = "OFFI846204237451911168";

fn keys(config: &mut Config) {
    config.koogallery.license_code_access_key = vec![Secret::new(CODE_KEY)];
}

async fn shop() -> Fixture {
    let fixture = Fixture::bare_with(keys).await;
    products::apply(&fixture.app, flowsim()).await.unwrap();
    fixture.started()
}

fn info(code: &str, amount: i64, expires: Option<i64>) -> CodeInfo {
    CodeInfo {
        code: Some(code.to_owned()),
        status: Some(LicenseCodeStatus::Alive),
        expires,
        activated: None,
        product_id: Some(GOODS.to_owned()),
        sku_code: None,
        order_id: Some("CS-CODES".to_owned()),
        amount: Some(amount),
        raw: String::new(),
    }
}

impl Fixture {
    fn sell_code(&self, code: &str, amount: i64) {
        let told = info(code, amount, Some(NOW + 100 * DAY));
        self.market.state().codes.insert(code.to_owned(), told);
    }

    fn told(&self, code: &str, change: impl FnOnce(&mut CodeInfo)) {
        change(self.market.state().codes.get_mut(code).unwrap());
    }

    async fn use_code(&self, code: &str, machine: u32) -> Result<LicenseAnswer, ApiError> {
        self.ask_with(request(code, &device(machine))).await
    }

    /// The refusal's code.
    async fn refused(&self, code: &str, machine: u32) -> Code {
        self.use_code(code, machine).await.expect_err("a refusal").code
    }

    /// Activations and heartbeats that arrived.
    fn questions(&self) -> (usize, usize) {
        let state = self.market.state();
        (state.activated.len(), state.beaten.len())
    }

    async fn known(&self, code: &str) -> CodeView {
        authorization_codes::find(&self.app, code).await.unwrap()
    }

    async fn told_with(&self, key: &str, body: &Value) -> &'static str {
        let raw = body.to_string().into_bytes();
        let nonce = format!("{}-{}", self.sign(body).0, key.len());
        let key = AccessKey::new(key).unwrap();
        let query = Presented::sign(&key, &raw, &nonce, self.clock.now_ms()).to_query();
        self.raw(&query, &raw).await.result_code.as_str()
    }
}

fn refresh(code: &str, expires: i64) -> Value {
    json!({
        "activity": "refreshLicenseCode", "scene": "RENEWAL", "orderId": "CS2",
        "orderLineId": "CS2-000001", "license": code,
        "expireTime": koogallery::time::compact(expires),
    })
}

fn status(code: &str, status: &str) -> Value {
    json!({"activity": "updateLicenseCodeStatus", "license": code, "status": status})
}

fn release(code: &str) -> Value {
    json!({"activity": "releaseLicenseCode", "license": code})
}

#[tokio::test]
async fn a_code_is_activated_once_and_judged_like_an_instance() {
    let fixture = shop().await;
    fixture.sell_code("PL0001", 2);
    let license = fixture.use_code("PL0001", 1).await.unwrap();
    let claims = fixture.verify(&license.license).claims;
    assert_eq!(claims.product, "flowsim");
    assert_eq!(claims.expires.unwrap().as_secs(), NOW + 100 * DAY);

    // The same machine has its license, the second one a place, the third one none.
    let again = fixture.use_code(" PL0001 ", 1).await.unwrap();
    assert_eq!(again.license_id, license.license_id);
    fixture.use_code("PL0001", 2).await.unwrap();
    assert_eq!(fixture.refused("PL0001", 3).await, Code::MachinesExhausted);
    assert_eq!(fixture.questions(), (1, 1), "activated once, asked about once this day");

    let known = fixture.known("PL0001").await;
    assert_eq!((known.state.as_str(), known.quantity), ("active", Some(2)));
    assert_eq!(known.order_id.as_deref(), Some("CS-CODES"));
    assert!(known.answer.unwrap().contains("ALIVE"));
    let instance = fixture.detail(&known.instance_id.unwrap()).await;
    assert_eq!((instance.instance.machines.used, instance.licenses.len()), (2, 2));
    let mut other = request("PL0001", &device(1));
    other.product = "meshpro".to_owned();
    assert_eq!(fixture.ask_with(other).await.unwrap_err().code, Code::ProductMismatch);
    let listed = authorization_codes::list(&fixture.app, &CodeFilter::default()).await.unwrap();
    assert_eq!(listed.len(), 1);
}

#[tokio::test]
async fn parallel_programs_activate_once() {
    let fixture = shop().await;
    fixture.sell_code("PL0001", 40);
    let first = Trick::Late(Duration::from_millis(300));
    fixture.market.state().tricks.push_back(first);
    let asked: Vec<_> = (0..30)
        .map(|i| {
            let app = fixture.app.clone();
            tokio::spawn(async move {
                let caller = "192.0.2.7".parse().unwrap();
                client_license::request(&app, request("PL0001", &device(i % 10)), caller).await
            })
        })
        .collect();
    for asked in asked {
        asked.await.unwrap().unwrap();
    }
    assert_eq!(fixture.questions(), (1, 1));
    let instances =
        instances::list(&fixture.app, &instances::InstanceFilter::default()).await.unwrap();
    assert_eq!(instances.len(), 1);
    assert_eq!(instances[0].machines.used, 10);
}

#[tokio::test]
async fn the_heartbeat_is_sent_at_the_first_use_of_a_day() {
    let fixture = shop().await;
    fixture.sell_code("PL0001", 2);
    fixture.use_code("PL0001", 1).await.unwrap();
    let of_day = NOW.rem_euclid(DAY);
    fixture.forward(DAY - of_day - 1).await;
    fixture.use_code("PL0001", 1).await.unwrap();
    assert_eq!(fixture.questions(), (1, 1), "it is still the same day");
    fixture.forward(1).await;
    for _ in 0..3 {
        fixture.use_code("PL0001", 1).await.unwrap();
    }
    assert_eq!(fixture.questions(), (1, 2));
    fixture.forward(10 * DAY).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(fixture.questions(), (1, 2), "not used, not asked");

    // What it says is authoritative.
    fixture.told("PL0001", |info| {
        info.expires = Some(NOW + 300 * DAY);
        info.amount = Some(1);
    });
    let license = fixture.use_code("PL0001", 1).await.unwrap();
    let claims = fixture.verify(&license.license).claims;
    assert_eq!(claims.expires.unwrap().as_secs(), NOW + 300 * DAY);
    assert_eq!(fixture.refused("PL0001", 2).await, Code::MachinesExhausted);
    assert_eq!(fixture.questions(), (1, 3));
}

#[tokio::test]
async fn expired_and_released_are_honoured() {
    let fixture = shop().await;
    for code in ["PL0001", "PL0002"] {
        fixture.sell_code(code, 2);
        fixture.use_code(code, 1).await.unwrap();
    }
    fixture.forward(DAY).await;
    fixture.told("PL0001", |info| info.status = Some(LicenseCodeStatus::Expired));
    fixture.told("PL0002", |info| info.status = Some(LicenseCodeStatus::Released));
    assert_eq!(fixture.refused("PL0001", 1).await, Code::LicenseExpired);
    let (_, beats) = fixture.questions();
    assert_eq!(fixture.refused("PL0001", 1).await, Code::LicenseExpired);
    assert_eq!(fixture.questions().1, beats, "once a day");
    assert_eq!(fixture.known("PL0001").await.state, "expired");

    let revoked = fixture.refused("PL0002", 1).await;
    let known = fixture.known("PL0002").await;
    assert_eq!(known.state, "released");
    let instance = fixture.detail(&known.instance_id.unwrap()).await;
    assert_eq!(instance.licenses[0].state, "revoked");
    fixture.told("PL0002", |info| info.status = Some(LicenseCodeStatus::Alive));
    fixture.forward(DAY).await;
    assert_eq!(fixture.refused("PL0002", 1).await, revoked, "for good");

    // An expired one was renewed at the marketplace, and nobody told us.
    fixture.told("PL0001", |info| {
        info.status = Some(LicenseCodeStatus::Alive);
        info.expires = Some(fixture.now() + 50 * DAY);
    });
    fixture.use_code("PL0001", 1).await.unwrap();
    assert_eq!(fixture.known("PL0001").await.state, "active");
}

#[tokio::test]
async fn what_is_stored_counts_while_the_marketplace_is_down() {
    let fixture = shop().await;
    fixture.sell_code("PL0001", 3);
    fixture.use_code("PL0001", 1).await.unwrap();
    fixture.forward(DAY).await;
    fixture.market.state().always = Some(Trick::HangUp);
    for machine in 1..=3 {
        fixture.use_code("PL0001", machine).await.unwrap();
    }
    fixture.market.state().always = Some(Trick::Refuse(500, "92020001"));
    fixture.forward(DAY).await;
    fixture.use_code("PL0001", 1).await.unwrap();
    assert_eq!(fixture.known("PL0001").await.error_code.as_deref(), Some("92020001"));
    // Wrong words about one code stop neither it nor the queues.
    fixture.market.state().always = None;
    fixture.market.state().refused.insert("PL0001".to_owned(), (403, "92020001"));
    fixture.forward(DAY).await;
    fixture.use_code("PL0001", 1).await.unwrap();
    assert!(!fixture.app.breaker.are_credentials_refused());
    assert_eq!(fixture.known("PL0001").await.state, "active");

    // A code that was never activated has nothing to go on with.
    fixture.market.state().always = Some(Trick::Refuse(503, "92020001"));
    fixture.sell_code("PL0009", 1);
    assert_eq!(fixture.refused("PL0009", 1).await, Code::OrderPending);
    assert_eq!(fixture.known("PL0009").await.state, "activating");
    fixture.market.state().always = None;
    fixture.forward(600).await;
    fixture.use_code("PL0009", 1).await.unwrap();
}

#[tokio::test]
async fn an_activation_without_an_answer_is_looked_into_before_it_is_repeated() {
    let fixture = shop().await;
    fixture.sell_code("PL0001", 1);
    fixture.market.state().tricks.push_back(Trick::HangUp);
    assert_eq!(fixture.refused("PL0001", 1).await, Code::OrderPending);
    assert_eq!(fixture.questions(), (1, 0));
    // Too early, the marketplace is left alone.
    assert_eq!(fixture.refused("PL0001", 1).await, Code::OrderPending);
    assert_eq!(fixture.questions(), (1, 0));

    fixture.forward(60).await;
    fixture.use_code("PL0001", 1).await.unwrap();
    assert_eq!(fixture.questions().0, 1, "the heartbeat knew that it had arrived");

    // While the question gets no answer either, nothing is repeated.
    fixture.sell_code("PL0003", 1);
    let silent = Trick::HangUp;
    let refusals = [(500, "92020001"), (403, "92020001"), (503, "HTTP"), (400, "92020002")];
    let refusals = refusals.map(|(status, code)| Trick::Refuse(status, code));
    fixture.market.state().tricks.extend([silent.clone(), silent].into_iter().chain(refusals));
    let (activated, beaten) = fixture.questions();
    for asked in 0..6 {
        assert_eq!(fixture.refused("PL0003", 1).await, Code::OrderPending, "{asked}");
        fixture.forward(61).await;
    }
    assert!(fixture.market.state().tricks.is_empty());
    assert_eq!(fixture.questions().0, activated + 1);
    fixture.use_code("PL0003", 1).await.unwrap();
    // One got lost, one told, and one is the first of the day.
    assert_eq!(fixture.questions(), (activated + 1, beaten + 3));

    // What was not activated, says the marketplace, is.
    fixture
        .market
        .state()
        .tricks
        .extend([Trick::Refuse(503, "HTTP"), Trick::Refuse(200, "92020005")]);
    fixture.sell_code("PL0004", 1);
    assert_eq!(fixture.refused("PL0004", 1).await, Code::OrderPending);
    fixture.forward(61).await;
    fixture.use_code("PL0004", 1).await.unwrap();

    // Where it says too little, the activation is repeated.
    fixture.sell_code("PL0002", 1);
    fixture.told("PL0002", |info| info.product_id = None);
    assert_eq!(fixture.refused("PL0002", 1).await, Code::OrderPending);
    fixture.forward(60).await;
    fixture.told("PL0002", |info| {
        info.product_id = Some(GOODS.to_owned());
        info.activated = None;
    });
    fixture.use_code("PL0002", 1).await.unwrap();
}

#[tokio::test]
async fn a_crash_between_question_and_answer_activates_once() {
    let fixture = shop().await;
    fixture.sell_code("PL0001", 1);
    fixture.market.state().tricks.push_back(Trick::Late(Duration::from_millis(500)));
    let app = fixture.app.clone();
    let asked = tokio::spawn(async move {
        let caller = "192.0.2.7".parse().unwrap();
        client_license::request(&app, request("PL0001", &device(1)), caller).await
    });
    fixture.market_until(|state| state.requests == 1).await;
    // The process dies while the marketplace thinks; the answer reaches nobody.
    let dead = fixture.app.store.clone();
    dead.close().await;
    let _ = asked.await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let fixture = fixture.crash().await.started();
    fixture.forward(61).await;
    fixture.use_code("PL0001", 1).await.unwrap();
    assert_eq!(fixture.questions().0, 1);
    let instances =
        instances::list(&fixture.app, &instances::InstanceFilter::default()).await.unwrap();
    assert_eq!(instances.len(), 1);
}

#[tokio::test]
async fn codes_that_nobody_sold_leave_no_trace() {
    let fixture = shop().await;
    assert_eq!(fixture.refused("PL-NOBODY", 1).await, Code::ActivationCodeUnknown);
    assert_eq!(fixture.questions(), (1, 0));
    for text in ["XX-NOBODY", "PL 1", "", "00000-00000-00000-00000-1"] {
        let _ = fixture.use_code(text, 1).await.unwrap_err();
    }
    assert_eq!(fixture.questions(), (1, 0), "what cannot be theirs is not sent to them");
    assert!(
        authorization_codes::list(&fixture.app, &CodeFilter::default()).await.unwrap().is_empty()
    );

    fixture.sell_code("PL0001", 1);
    fixture.market.state().refused.insert("PL0001".to_owned(), (200, "92020004"));
    let refusal = fixture.use_code("PL0001", 1).await.unwrap_err();
    assert_eq!(refusal.code, Code::OrderPending);
    assert!(
        authorization_codes::list(&fixture.app, &CodeFilter::default()).await.unwrap().is_empty()
    );
    // The buyer received it.
    fixture.market.state().refused.clear();
    fixture.use_code("PL0001", 1).await.unwrap();

    // Guessing is limited, whoever would have sold it.
    for i in 0..20 {
        let _ = fixture.use_code(&format!("PL-GUESS-{i}"), 1).await;
    }
    assert_eq!(fixture.refused("PL0001", 1).await, Code::RateLimited);
}

#[tokio::test]
async fn a_product_that_is_configured_later_serves_its_codes() {
    let fixture = Fixture::bare_with(keys).await.started();
    fixture.sell_code("PL0001", 1);
    assert_eq!(fixture.refused("PL0001", 1).await, Code::OrderPending);
    products::apply(&fixture.app, flowsim()).await.unwrap();
    fixture.use_code("PL0001", 1).await.unwrap();
    assert_eq!(fixture.questions().0, 1);
}

#[tokio::test]
async fn the_newer_interfaces_serve_as_well() {
    let fixture = Fixture::bare_with(|config| {
        keys(config);
        config.koogallery.license_code_edition = Edition::V2;
    })
    .await;
    products::apply(&fixture.app, flowsim()).await.unwrap();
    fixture.sell_code("PL0001", 1);
    fixture.use_code("PL0001", 1).await.unwrap();
    assert_eq!(fixture.questions(), (1, 1));
}

#[tokio::test]
async fn the_marketplace_refreshes_freezes_and_takes_back() {
    let fixture = shop().await;
    fixture.sell_code("PL0001", 1);
    fixture.use_code("PL0001", 1).await.unwrap();
    let told = async |body: Value| fixture.told_with(CODE_KEY, &body).await;

    for _ in 0..2 {
        assert_eq!(told(refresh("PL0001", NOW + 500 * DAY)).await, "000000");
    }
    let license = fixture.use_code("PL0001", 1).await.unwrap();
    let expires = fixture.verify(&license.license).claims.expires.unwrap();
    assert_eq!(expires.as_secs(), NOW + 500 * DAY);

    let instance = fixture.known("PL0001").await.instance_id.unwrap();
    for (word, state, license) in
        [("FREEZE", "frozen", "suspended"), ("UNFREEZE", "active", "active")]
    {
        for _ in 0..2 {
            assert_eq!(told(status("PL0001", word)).await, "000000");
        }
        assert_eq!(fixture.known("PL0001").await.state, state);
        let licenses = fixture.detail(&instance).await.licenses;
        assert!(licenses.iter().all(|found| found.state == license), "{licenses:?}");
    }
    // Sent by whoever holds another interface's key, nothing happens.
    for body in [refresh("PL0001", NOW + DAY), status("PL0001", "FREEZE"), release("PL0001")] {
        assert_eq!(fixture.told_with(KEY, &body).await, "000001", "{body}");
    }
    assert_eq!(fixture.known("PL0001").await.state, "active");

    for _ in 0..2 {
        assert_eq!(told(release("PL0001")).await, "000000");
    }
    assert_eq!(fixture.detail(&instance).await.licenses[0].state, "revoked");
    for body in [refresh("PL0001", NOW + 9 * DAY), status("PL0001", "UNFREEZE")] {
        assert_eq!(told(body.clone()).await, "000003", "{body}");
    }
    for body in [refresh("PL-X", NOW + 9 * DAY), status("PL-X", "FREEZE"), release("PL-X")] {
        assert_eq!(told(body.clone()).await, "000003", "{body}");
    }
}

#[tokio::test]
async fn another_product_comes_with_a_renewal() {
    let fixture = shop().await;
    let mut meshpro = flowsim();
    meshpro.id = "meshpro".to_owned();
    meshpro.koogallery[0].product_id = "OFFI-MESHPRO".to_owned();
    products::apply(&fixture.app, meshpro).await.unwrap();
    fixture.sell_code("PL0001", 1);
    fixture.use_code("PL0001", 1).await.unwrap();
    let mut renewal = refresh("PL0001", NOW + 500 * DAY);
    renewal["productId"] = json!("OFFI-MESHPRO");
    assert_eq!(fixture.told_with(CODE_KEY, &renewal).await, "000000");
    assert_eq!(fixture.refused("PL0001", 1).await, Code::ProductMismatch);
    let mut asked = request("PL0001", &device(1));
    asked.product = "meshpro".to_owned();
    let license = fixture.ask_with(asked).await.unwrap();
    assert_eq!(fixture.verify(&license.license).claims.product, "meshpro");
}

#[tokio::test]
async fn a_replay_is_refused_and_debugging_lives_apart() {
    let fixture = shop().await;
    fixture.sell_code("PL0001", 1);
    fixture.use_code("PL0001", 1).await.unwrap();
    let signed = |body: &Value, nonce: &str| {
        let raw = body.to_string().into_bytes();
        let key = AccessKey::new(CODE_KEY).unwrap();
        (Presented::sign(&key, &raw, nonce, fixture.clock.now_ms()).to_query(), raw)
    };
    let before = serde_json::to_value(fixture.known("PL0001").await).unwrap();
    for (i, body) in
        [refresh("PL0001", NOW), status("PL0001", "FREEZE"), release("PL0001")].iter().enumerate()
    {
        for code in ["PL0001", "PL-UNKNOWN"] {
            let mut test = body.clone();
            test["testFlag"] = json!("1");
            test["license"] = json!(code);
            let (query, raw) = signed(&test, &format!("test-{i}-{code}"));
            assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), "000000", "{test}");
            assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), "000002", "{test}");
        }
    }
    assert_eq!(serde_json::to_value(fixture.known("PL0001").await).unwrap(), before);

    for (i, body) in
        [refresh("PL0001", NOW + 9 * DAY), status("PL0001", "FREEZE"), release("PL0001")]
            .iter()
            .enumerate()
    {
        let (query, raw) = signed(body, &format!("real-{i}"));
        let first: Answer = fixture.raw(&query, &raw).await;
        assert_eq!(first.result_code.as_str(), "000000", "{body}");
        assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), "000002", "{body}");
    }
}

/// Throttled with a status that the table has for it, in the gateway's words: it passes.
#[tokio::test]
async fn a_gateway_that_throttles_stops_nothing_for_good() {
    let fixture = shop().await;
    fixture.sell_code("PL0001", 1);
    for status in [406, 429] {
        fixture.market.state().always = Some(Trick::Refuse(status, "APIGW.0308"));
        assert_eq!(fixture.refused("PL0001", 1).await, Code::OrderPending);
        assert!(!fixture.app.breaker.are_credentials_refused(), "{status}");
        fixture.forward(61).await;
    }
    fixture.market.state().always = None;
    fixture.use_code("PL0001", 1).await.unwrap();
}
