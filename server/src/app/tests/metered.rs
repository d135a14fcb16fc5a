//! What programs report of what is paid by use: whose it is, that it counts once, when it counts.

use koogallery::order::{ChargingMode, Order};
use license_core::api::{UsageAnswer, UsageRecord, UsageReport};
use license_core::entitlement::Entitlement;
use license_core::entitlement::LicenseKind;
use license_core::product::Product;
use license_core::{Code, Timestamp};
use serde_json::{Value, json};

use super::fixture::{DAY, Fixture, device, flowsim};
use crate::app::products;
use crate::app::usage;
use crate::app::usage::UsageFilter;
use crate::error::ApiError;

fn metered() -> Product {
    let mut product = flowsim();
    product.license.metered = Some("core-hours".to_owned());
    product
}

fn by_use(order: &mut Order) {
    order.lines[0].charging_mode = ChargingMode::OnDemand;
    order.lines[0].expire_time = None;
    order.lines[0].products[0].linear_value = None;
}

struct Meter {
    fixture: Fixture,
    instance: String,
}

impl Meter {
    async fn new() -> Self {
        Self::selling(metered(), by_use).await
    }

    async fn selling(product: Product, order: impl FnOnce(&mut Order)) -> Self {
        let fixture = Fixture::bare().await;
        products::apply(&fixture.app, product).await.unwrap();
        let fixture = fixture.started();
        fixture.offer("CS1", 2, order);
        let instance = fixture.create("CS1").await;
        Self { fixture, instance }
    }

    async fn license(&self, machine: u32) -> String {
        self.fixture.ask(&self.instance, &device(machine)).await.unwrap().license
    }

    fn record(&self, number: &str) -> UsageRecord {
        let now = self.fixture.now();
        UsageRecord {
            number: number.to_owned(),
            entitlement: "core-hours".to_owned(),
            usage_value: json!("12.5"),
            begin_time: Timestamp::from_secs(now - 7200),
            end_time: Timestamp::from_secs(now - 3600),
        }
    }

    async fn report(
        &self,
        license: &str,
        records: Vec<UsageRecord>,
    ) -> Result<UsageAnswer, ApiError> {
        let report = UsageReport { license: license.to_owned(), nonce: "n".to_owned(), records };
        let body = serde_json::to_vec(&report).unwrap();
        usage::report::accept(&self.fixture.app, &report, &body).await
    }

    async fn one(&self, license: &str, record: UsageRecord) -> Result<UsageAnswer, ApiError> {
        self.report(license, vec![record]).await
    }

    async fn refused(&self, license: &str) -> Code {
        let before = self.listed().await;
        let error = self.one(license, self.record("refused")).await.unwrap_err();
        assert!(!error.detail_zh.is_ascii(), "{error}");
        assert_eq!(self.listed().await, before, "nothing of it is kept");
        error.code
    }

    async fn listed(&self) -> usize {
        usage::list(&self.fixture.app, &UsageFilter::default()).await.unwrap().len()
    }

    async fn arrived(&self, count: usize) -> Vec<koogallery::usage::Record> {
        let records = |state: &super::fake_marketplace::State| state.usage.iter().flatten().count();
        self.fixture.market_until(|state| records(state) >= count).await;
        self.fixture.market.state().usage.concat()
    }
}

#[tokio::test]
async fn what_a_program_reports_is_counted_once() {
    let meter = Meter::new().await;
    let license = meter.license(1).await;
    let claims = meter.fixture.verify(&license).claims;
    assert_eq!(claims.entitlements["core-hours"], Entitlement::Flag(true));
    assert_eq!((claims.expires, claims.maintenance_until), (None, None));
    let records =
        vec![meter.record("1"), UsageRecord { usage_value: json!(0.25), ..meter.record("2") }];
    let answer = meter.report(&license, records.clone()).await.unwrap();
    let arrived = meter.arrived(2).await;
    assert_eq!(arrived[0].amount.to_string(), "12.5");
    assert_eq!(arrived[1].amount.to_string(), "0.25");
    assert!(arrived.iter().all(|record| record.instance_id == meter.instance));
    assert_ne!(arrived[0].number, arrived[1].number);

    // Asked again, much later, by the same license or by its file: the same answer, nothing more.
    meter.fixture.forward(30 * DAY).await;
    let file = license_core::armor::license_file(&license, &claims);
    for proof in [&license, &file] {
        let again = meter.report(proof, records.clone()).await.unwrap();
        assert_eq!(again.records, answer.records);
    }
    let listed = usage::list(&meter.fixture.app, &UsageFilter::default()).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].number.as_deref(), Some("1"));
    assert_eq!(listed[0].license_id.as_deref(), Some(claims.id.as_str()));
    assert_eq!(listed[0].usage_id, answer.records[0].usage_id);

    let other = UsageRecord { usage_value: json!("12.6"), ..records[0].clone() };
    let error = meter.report(&license, vec![meter.record("3"), other]).await.unwrap_err();
    assert_eq!(error.code, Code::Conflict);
    assert!(error.detail.starts_with("records[1].number"), "{error}");
    assert_eq!(meter.listed().await, 2);
}

/// A machine that got a new license in between goes on counting; another machine counts for itself.
#[tokio::test]
async fn numbers_are_the_machines_own() {
    let meter = Meter::selling(metered(), |order| {
        by_use(order);
        order.lines[0].products[0].linear_value = Some(2);
    })
    .await;
    let (one, two) = (meter.license(1).await, meter.license(2).await);
    let first = meter.one(&one, meter.record("1")).await.unwrap();
    let mut product = metered();
    product.license.entitlements.insert("mesh".to_owned(), Entitlement::Flag(false));
    products::apply(&meter.fixture.app, product).await.unwrap();
    let newer = meter.license(1).await;
    assert_ne!(newer, one);
    assert_eq!(meter.one(&newer, meter.record("1")).await.unwrap().records, first.records);
    let other = UsageRecord { usage_value: json!("1"), ..meter.record("1") };
    meter.one(&two, other).await.unwrap();
    assert_eq!(meter.arrived(2).await.len(), 2);
}

#[tokio::test]
async fn only_what_is_paid_by_use_counts() {
    for (mode, counts) in [
        (ChargingMode::OnDemandPkg, true),
        (ChargingMode::Other("YEARLY_PLAN".to_owned()), true),
        (ChargingMode::Period, false),
        (ChargingMode::OneTime, false),
    ] {
        let meter = Meter::selling(metered(), |order| {
            by_use(order);
            order.lines[0].charging_mode = mode.clone();
        })
        .await;
        let license = meter.license(1).await;
        if counts {
            meter.one(&license, meter.record("1")).await.unwrap();
        } else {
            assert_eq!(meter.refused(&license).await, Code::NotMetered, "{mode:?}");
        }
    }
}

#[tokio::test]
async fn only_the_metered_entitlement_counts() {
    let meter = Meter::new().await;
    let license = meter.license(1).await;
    let other = UsageRecord { entitlement: "mesh".to_owned(), ..meter.record("1") };
    let error = meter.report(&license, vec![meter.record("0"), other]).await.unwrap_err();
    assert_eq!(error.code, Code::NotMetered);
    assert!(error.detail.starts_with("records[1].entitlement"), "{error}");
    assert!(error.detail_zh.contains("core-hours"), "{error}");
    products::apply(&meter.fixture.app, flowsim()).await.unwrap();
    assert_eq!(meter.refused(&license).await, Code::NotMetered);
}

#[tokio::test]
async fn a_license_that_is_stopped_proves_nothing() {
    let meter = Meter::new().await;
    let license = meter.license(1).await;
    meter.one(&license, meter.record("1")).await.unwrap();
    let id = meter.fixture.verify(&license).claims.id;
    let status = |status: &str| json!({ "activity": "updateInstanceStatus", "instanceId": meter.instance, "status": status });
    assert_eq!(meter.fixture.code(status("FREEZE")).await, "000000");
    assert_eq!(meter.refused(&license).await, Code::LicenseSuspended);
    assert_eq!(meter.fixture.code(status("UNFREEZE")).await, "000000");
    meter.one(&license, meter.record("2")).await.unwrap();

    // Changed by one character, cut, of another seller, none at all.
    let mut changed = license.clone();
    let at = changed.len() - 10;
    let other = if &changed[at..=at] == "A" { "B" } else { "A" };
    changed.replace_range(at..=at, other);
    assert_eq!(meter.refused(&changed).await, Code::SignatureInvalid);
    assert_eq!(meter.refused("eyJ").await, Code::LicenseMalformed);
    // Benches are alike to the last random bit: another machine makes another license.
    let foreign = Meter::new().await.license(9).await;
    assert_eq!(meter.refused(&foreign).await, Code::SignatureInvalid);

    let release = json!({ "activity": "releaseInstance", "instanceId": meter.instance });
    assert_eq!(meter.fixture.code(release).await, "000000");
    assert_eq!(meter.refused(&license).await, Code::LicenseRevoked);
    assert!(!id.is_empty());
}

#[tokio::test]
async fn what_was_accepted_survives_a_crash() {
    let meter = Meter::new().await;
    let license = meter.license(1).await;
    let Meter { fixture, instance } = meter;
    let meter = Meter { fixture: fixture.crash().await, instance };
    let answer = meter.one(&license, meter.record("1")).await.unwrap();
    let Meter { fixture, instance } = meter;
    let meter = Meter { fixture: fixture.crash().await.started(), instance };
    assert_eq!(meter.arrived(1).await.len(), 1);
    let again = meter.one(&license, meter.record("1")).await.unwrap();
    assert_eq!(again.records, answer.records);
    assert_eq!(meter.listed().await, 1);
}

#[tokio::test]
async fn what_the_marketplace_would_refuse_is_not_accepted() {
    let meter = Meter::new().await;
    let license = meter.license(1).await;
    let now = meter.fixture.now();
    let refused = async |member: &str, change: &dyn Fn(&mut UsageRecord)| {
        let mut wrong = meter.record("2");
        change(&mut wrong);
        let error = meter.report(&license, vec![meter.record("1"), wrong]).await.unwrap_err();
        assert_eq!(error.code, Code::RequestInvalid, "{error}");
        assert!(error.detail.starts_with(&format!("records[1].{member}: ")), "{error}");
        assert!(!error.detail_zh.is_ascii());
    };
    for value in [json!("0"), json!("-1"), json!("1.00001"), json!(1e20), Value::Null, json!([])] {
        refused("usage_value", &|record| record.usage_value = value.clone()).await;
    }
    let at = Timestamp::from_secs;
    refused("begin_time", &|record| record.begin_time = at(now - 21 * DAY - 1)).await;
    refused("end_time", &|record| record.end_time = at(now - 7201)).await;
    refused("end_time", &|record| record.end_time = at(now + 301)).await;
    for number in ["", "a b", &"x".repeat(65)] {
        refused("number", &|record| record.number = number.to_owned()).await;
    }
    refused("entitlement", &|record| record.entitlement = String::new()).await;
    for count in [0, 1001] {
        let error = meter.report(&license, vec![meter.record("1"); count]).await.unwrap_err();
        assert_eq!(error.code, Code::RequestInvalid);
    }
    assert_eq!(meter.listed().await, 0);
    // The same number with the same content counts once within a call, too.
    meter.report(&license, vec![meter.record("1"); 1000]).await.unwrap();
    assert_eq!(meter.listed().await, 1);
}

/// One machine unless the order or the product says more, without an end, until it is released.
#[tokio::test]
async fn who_pays_by_use_gets_a_license_without_an_end() {
    let mut product = metered();
    product.license.maintenance_days = Some(30);
    let meter = Meter::selling(product.clone(), by_use).await;
    let claims = meter.fixture.verify(&meter.license(1).await).claims;
    assert_eq!((claims.expires, claims.maintenance_until), (None, None));
    assert_eq!(claims.kind, LicenseKind::NodeLocked);
    let detail = meter.fixture.detail(&meter.instance).await;
    assert_eq!(detail.instance.machines.limit, Some(1));
    let bought = Meter::selling(product, super::fixture::for_ever).await;
    let claims = bought.fixture.verify(&bought.license(1).await).claims;
    assert!(claims.maintenance_until.is_some());
}
