//! Load from four sides, and everything that was promised under it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use license_core::trust::KeyRing;
use license_core::verify::{self, VerifyContext};
use license_tests::call::{self, Call};
use license_tests::market::{self, Delivery, TestMarketplace};
use license_tests::server::Server;
use license_tests::{http, license, machine, time};
use serde_json::{Value, json};

/// What a server said while it was under load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Promises {
    /// Order to instance.
    pub(crate) instances: BTreeMap<String, String>,
    /// Event to instance and device text.
    pub(crate) applications: BTreeMap<String, (String, String)>,
    /// Activation code to device text and the license that was given.
    pub(crate) licenses: BTreeMap<String, (String, String)>,
}

/// Where the load goes.
pub(crate) struct Target {
    listen: String,
    admin: String,
    token: String,
}

impl Target {
    pub(crate) fn of(server: &Server) -> Self {
        let (listen, admin) = (server.listen.clone(), server.admin.clone());
        Self { listen, admin, token: server.token.clone() }
    }
}

/// Runs `meanwhile` under load from four sides.
pub(crate) fn under<T>(
    target: &Target,
    marketplace: &TestMarketplace,
    promises: &Mutex<Promises>,
    meanwhile: impl FnOnce() -> T,
) -> T {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for side in 0..4 {
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    if one(target, side, marketplace, promises).is_none() {
                        // Nobody is there any more, or not yet.
                        thread::sleep(Duration::from_millis(5));
                    }
                }
            });
        }
        let done = meanwhile();
        stop.store(true, Ordering::Relaxed);
        done
    })
}

/// Buys, applies for two machines and asks for a third, and writes down what was promised.
fn one(
    target: &Target,
    side: u32,
    marketplace: &TestMarketplace,
    promises: &Mutex<Promises>,
) -> Option<()> {
    let order = market::period(3);
    marketplace.sell(&order);
    let answer = accepted(target, &call::new_instance(&order.id))?;
    let instance = answer["instanceId"].as_str().unwrap().to_owned();
    promises.lock().unwrap().instances.insert(order.id, instance.clone());
    for n in 0..2 {
        let event = format!("EV-{}", time::unique());
        let device = machine(side * 10 + n);
        if accepted(target, &call::apply(&instance, &event, &device)).is_some() {
            promises.lock().unwrap().applications.insert(event, (instance.clone(), device));
        }
    }
    let path = format!("{}/api/v1/instances/{instance}", target.admin);
    let shown = http::try_get(&path, Some(&target.token)).ok()?;
    let code = shown.json()["activation_code"].as_str()?.to_owned();
    let device = machine(side * 10 + 5);
    if let Some(license) = given(&target.listen, &code, &device) {
        promises.lock().unwrap().licenses.insert(code, (device, license));
    }
    Some(())
}

/// The answer to a call that was accepted; none where nobody answered.
fn accepted(target: &Target, body: &Value) -> Option<Value> {
    let reply = Call::new(body.to_string()).try_send(&target.listen).ok()?;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answer = reply.json();
    let code = answer["resultCode"].as_str()?.to_owned();
    assert!(matches!(code.as_str(), "000000" | "000004" | "000900"), "{answer}");
    (code != "000900").then_some(answer)
}

/// The license that a program is given, if its order was read already.
fn given(listen: &str, code: &str, device: &str) -> Option<String> {
    let request = json!({
        "product": "flowsim", "activation_code": code, "dev_info": device, "form": "string",
        "version": "2.0.0", "nonce": time::unique(),
    });
    let url = format!("{listen}/v1/client/licenses");
    let body = request.to_string();
    let reply = http::try_post(&url, "application/json", None, body.as_bytes()).ok()?;
    match reply.status {
        200 => Some(reply.json()["license"].as_str().unwrap().to_owned()),
        // The order is not read yet; the server is just stopping.
        409 | 503 => None,
        _ => panic!("{}", reply.text()),
    }
}

/// What the check of all promises counted.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) deliveries: usize,
    pub(crate) repeated: usize,
}

/// Every promise is kept: acknowledged licenses exist once and are the same ones, every upload
/// arrived, and no event that is `judged` was sent with two contents.
pub(crate) fn verify(
    server: &Server,
    marketplace: &TestMarketplace,
    promises: &Promises,
    judged: impl Fn(&String) -> bool,
) -> Kept {
    for (order, instance) in &promises.instances {
        assert_eq!(server.buy(order), *instance, "the promised instance of {order}");
    }
    let mut arrived = arrived(marketplace, promises.applications.keys());
    arrived.retain(|event, _| judged(event));
    let keys = license::keys(server);
    let mut kept = Kept::default();
    for (event, deliveries) in &arrived {
        kept.deliveries += deliveries.len();
        kept.repeated += deliveries.len() - 1;
        for delivery in deliveries {
            assert_eq!(delivery.license, deliveries[0].license, "{event} is one license");
        }
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for instance in promises.instances.values() {
        let detail = server.instance(instance);
        let licenses = detail["licenses"].as_array().unwrap();
        let used = detail["machines"]["used"].as_u64().unwrap();
        assert_eq!(licenses.len() as u64, used, "a license for each place: {detail}");
        assert!(used <= 3, "{detail}");
        let events: Vec<_> = licenses.iter().filter_map(|l| l["event_id"].as_str()).collect();
        let once: BTreeSet<_> = events.iter().collect();
        assert_eq!(once.len(), events.len(), "one license an event: {detail}");
        for license in licenses.iter().filter(|license| license["event_id"].is_string()) {
            let delivered = arrived.get(&text(&license["event_id"]));
            let Some(delivery) = delivered.and_then(|all| all.first()) else { continue };
            let id = license::payload(&delivery.license)["jti"].clone();
            assert_eq!(license["license_id"], id, "what arrived is what is kept");
        }
    }
    for (event, (instance, device)) in &promises.applications {
        let license = &arrived[event][0].license;
        assert_eq!(claims(&keys, license, device)["sub"], instance.as_str());
    }
    for (code, (device, license)) in &promises.licenses {
        claims(&keys, license, device);
        let again =
            time::wait_for("the license", time::SOON, || given(&server.listen, code, device));
        assert_eq!(again, *license, "the license that was given is the one in force");
    }
    kept
}

/// Every upload by its event, once each of these events arrived and nothing is on its way.
fn arrived<'a>(
    marketplace: &TestMarketplace,
    events: impl Iterator<Item = &'a String>,
) -> BTreeMap<String, Vec<Delivery>> {
    let mut missing: BTreeSet<&String> = events.collect();
    time::wait_for("every upload", Duration::from_mins(5), || {
        let all = marketplace.deliveries();
        let taken: BTreeSet<&String> =
            all.iter().filter(|delivery| delivery.taken).map(|delivery| &delivery.event).collect();
        missing.retain(|event| !taken.contains(event));
        if !missing.is_empty() {
            thread::sleep(Duration::from_millis(300));
            return None;
        }
        let mut by_event: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
        for delivery in all {
            by_event.entry(delivery.event.clone()).or_default().push(delivery);
        }
        Some(by_event)
    })
}

fn claims(keys: &KeyRing, license: &str, device: &str) -> Value {
    let question = VerifyContext {
        product: Some("flowsim"),
        device: Some(device),
        ..VerifyContext::at(license_core::Timestamp::from_secs(time::now()))
    };
    match verify::license(license.as_bytes(), keys, &question) {
        Ok(verified) => Value::Object(verified.payload),
        Err(refusal) => panic!("{}: {refusal}", refusal.code()),
    }
}

/// Every upload that the server knows, by its state.
pub(crate) fn uploads(server: &Server) -> BTreeMap<String, usize> {
    let mut states = BTreeMap::new();
    let mut after = String::new();
    loop {
        let reply = server.admin_get(&format!("/api/v1/uploads?limit=500{after}"));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let page = reply.json();
        let page = page.as_array().unwrap();
        for upload in page {
            *states.entry(upload["state"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        let Some(last) = page.last() else { return states };
        after = format!("&after={}", last["upload_id"].as_str().unwrap());
    }
}
