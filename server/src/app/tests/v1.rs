//! V1's calls, through the app: by GET, signed by `authToken`, answers signed in
//! `Body-Sign`; together with the JSON interfaces on the same instances.

use std::sync::atomic::Ordering;

use koogallery::v1;
use koogallery::{AccessKey, Answer};
use license_core::api::InstanceDetail;
use license_core::entitlement::LicenseKind;
use serde_json::json;

use super::fixture::{DAY, Fixture, KEY, NOW, apply, device, flowsim, new_instance};
use crate::app::instances;
use crate::app::market;
use crate::app::products;
use crate::config::{Config, Secret};

const GOODS: &str = "OFFI846204237451911168";
const SKU: &str = "0a4d1578-5295-46a7-92d4-7c803dccc51d";

type Parameters<'a> = Vec<(&'a str, &'a str)>;

/// The answer to a query, if it is signed as it has to be.
async fn answer(fixture: &Fixture, query: &str) -> Answer {
    let answer = market::v1::call(&fixture.app, query).await;
    let key = AccessKey::new(KEY).unwrap();
    let signature = answer.signature.expect("every answer is signed");
    assert!(v1::verify_body_sign(&signature, &answer.body, &key), "{signature}");
    serde_json::from_slice(&answer.body).unwrap()
}

/// Signed a millisecond after the one before: a token is used once.
fn signed(fixture: &Fixture, parameters: &[(&str, &str)]) -> String {
    let later = i64::try_from(fixture.nonces.fetch_add(1, Ordering::SeqCst)).unwrap();
    let key = AccessKey::new(KEY).unwrap();
    v1::sign(&key, parameters, fixture.now() * 1000 + later)
}

async fn call(fixture: &Fixture, parameters: &[(&str, &str)]) -> Answer {
    answer(fixture, &signed(fixture, parameters)).await
}

async fn code(fixture: &Fixture, parameters: &[(&str, &str)]) -> &'static str {
    call(fixture, parameters).await.result_code.as_str()
}

fn buy<'a>(activity: &'a str, order: &'a str, more: &[(&'a str, &'a str)]) -> Parameters<'a> {
    let mut all = vec![
        ("activity", activity),
        ("orderId", order),
        ("businessId", order),
        ("customerId", "68cbc86abc2018ab880d92f36422fa0e"),
        ("customerName", "示例公司"),
    ];
    if !more.iter().any(|(name, _)| *name == "productId") {
        all.extend([("productId", GOODS), ("skuCode", SKU)]);
    }
    all.extend(more);
    all
}

fn on<'a>(activity: &'a str, instance: &'a str, more: &[(&'a str, &'a str)]) -> Parameters<'a> {
    let mut all = vec![("activity", activity), ("instanceId", instance)];
    all.extend(more);
    all
}

fn state(detail: &InstanceDetail) -> String {
    serde_json::to_value(detail.instance.state).unwrap().as_str().unwrap().to_owned()
}

async fn state_of(fixture: &Fixture, instance: &str) -> String {
    state(&fixture.detail(instance).await)
}

fn time(at: i64) -> String {
    koogallery::time::compact(at)
}

#[tokio::test]
async fn one_order_is_one_instance_however_often_it_is_asked_for() {
    let fixture = Fixture::new().await;
    let first = call(&fixture, &buy("newInstance", "CS1", &[("amount", "2")])).await;
    assert_eq!(first.result_code.as_str(), "000000");
    let instance = first.instance_id.unwrap();
    let memo = first.app_info.unwrap().memo.unwrap();
    assert!(memo.contains(&fixture.detail(&instance).await.instance.activation_code), "{memo}");

    let again = [("businessId", "another"), ("orderAmount", "1.000")];
    let mut other = buy("newInstance", "CS1", &[("expireTime", "20300101000000"), again[1]]);
    other.retain(|(name, _)| *name != "businessId");
    other.push(again[0]);
    assert_eq!(call(&fixture, &other).await.instance_id.as_deref(), Some(&*instance));

    // The call told the quantity and the product: an order that cannot be read holds up nothing.
    let detail = fixture.detail(&instance).await.instance;
    assert_eq!((detail.machines.limit, detail.product.as_deref()), (Some(2), Some("flowsim")));
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(2))).await, "000004");
    assert_eq!(fixture.code(apply(&instance, "e-3", &device(3))).await, "000900");
}

#[tokio::test]
async fn the_order_has_the_last_word() {
    let fixture = Fixture::new().await;
    fixture.offer("CS1", 5, |_| ());
    let more = [("amount", "2"), ("expireTime", "20400101000000")];
    let instance = call(&fixture, &buy("newInstance", "CS1", &more)).await.instance_id.unwrap();
    fixture.until(|detail| detail.instance.machines.limit == Some(5), &instance).await;
    let end = fixture.detail(&instance).await.instance.expires.unwrap();
    assert!(end.as_secs() < NOW + 400 * DAY, "{end:?}");
}

#[tokio::test]
async fn what_is_paid_by_use_has_an_instance_for_each_product() {
    let fixture = Fixture::new().await;
    let by_use = |product| [("chargingMode", "0"), ("productId", product)];
    let mut made = Vec::new();
    for product in [GOODS, "OTHER", GOODS, "OTHER"] {
        let answer = call(&fixture, &buy("newInstance", "CS1", &by_use(product))).await;
        made.push(answer.instance_id.unwrap());
    }
    assert_eq!(made[0], made[2]);
    assert_eq!(made[1], made[3]);
    assert_ne!(made[0], made[1]);

    // The order's lines are found by the product that the call named.
    let mut second = flowsim();
    second.id = "other".to_owned();
    second.koogallery[0].product_id = "OTHER".to_owned();
    products::apply(&fixture.app, second).await.unwrap();
    fixture.offer("CS2", 3, |order| {
        let mut second = order.lines[0].clone();
        second.id = "CS2-000002".to_owned();
        second.products[0].product_id = "OTHER".to_owned();
        second.products[0].linear_value = Some(7);
        order.lines.push(second);
    });
    for (product, limit) in [("OTHER", 7), (GOODS, 3)] {
        let answer = call(&fixture, &buy("newInstance", "CS2", &by_use(product))).await;
        let instance = answer.instance_id.unwrap();
        fixture.app.context.wakeups.orders.notify_one();
        fixture.until(|detail| detail.instance.machines.limit == Some(limit), &instance).await;
    }
}

#[tokio::test]
async fn both_editions_know_the_same_instances() {
    let fixture = Fixture::new().await;
    let newer = fixture.buy("CS1", 1).await;
    let bought = call(&fixture, &buy("newInstance", "CS1", &[])).await;
    assert_eq!(bought.instance_id.as_deref(), Some(&*newer));

    fixture.offer("CS2", 1, |_| ());
    let older = call(&fixture, &buy("newInstance", "CS2", &[])).await.instance_id.unwrap();
    assert_eq!(fixture.call(new_instance("CS2")).await.instance_id.as_deref(), Some(&*older));
    assert_eq!(fixture.call(new_instance("CS2")).await.instance_id.as_deref(), Some(&*older));
    // Its second line is another instance.
    let mut second = new_instance("CS2");
    second["orderLineId"] = json!("CS2-000002");
    assert_ne!(fixture.call(second).await.instance_id.as_deref(), Some(&*older));

    // What one edition stops the other lets go.
    for instance in [&*newer, &*older] {
        assert_eq!(
            code(&fixture, &on("instanceStatus", instance, &[("instanceStatus", "FREEZE")])).await,
            "000000"
        );
        assert_eq!(state_of(&fixture, instance).await, "frozen");
        let unfreeze = json!({"activity": "updateInstanceStatus", "instanceId": instance, "status": "UNFREEZE"});
        assert_eq!(fixture.code(unfreeze).await, "000000");
        assert_eq!(state_of(&fixture, instance).await, "active");
        assert_eq!(
            code(&fixture, &on("releaseInstance", instance, &[("orderId", "CS1")])).await,
            "000000"
        );
        assert_eq!(fixture.code(apply(instance, "e-late", &device(1))).await, "000003");
    }
}

#[tokio::test]
async fn many_at_once_make_one() {
    let fixture = Fixture::new().await;
    for activity in ["newInstance", "getLicense"] {
        let order = format!("CS-{activity}");
        let queries: Vec<_> =
            (0..20).map(|_| signed(&fixture, &buy(activity, &order, &[]))).collect();
        let mut asked = tokio::task::JoinSet::new();
        for query in queries {
            let app = fixture.app.clone();
            asked.spawn(async move { market::v1::call(&app, &query).await.body });
        }
        let answers = asked.join_all().await;
        assert_eq!(answers.iter().collect::<std::collections::BTreeSet<_>>().len(), 1);
        let answer: Answer = serde_json::from_slice(&answers[0]).unwrap();
        assert_eq!(answer.result_code.as_str(), "000000");
    }
    assert_eq!(
        instances::list(&fixture.app, &instances::InstanceFilter::default()).await.unwrap().len(),
        2
    );
}

#[tokio::test]
async fn a_license_is_in_the_answer_and_stays_the_same_for_ever() {
    let fixture = Fixture::new().await;
    let until = time(NOW + 100 * DAY);
    let wanted = buy("getLicense", "CS1", &[("expireTime", &until), ("amount", "3")]);
    let first = call(&fixture, &wanted).await;
    assert_eq!(first.result_code.as_str(), "000000");
    let instance = first.instance_id.clone().unwrap();
    let license = fixture.verify(first.license.as_deref().unwrap()).claims;
    assert_eq!(license.kind, LicenseKind::Unbound);
    assert_eq!(license.customer, "示例公司");
    assert_eq!(license.product, "flowsim");
    assert_eq!(license.instance, instance);
    assert_eq!(license.expires.unwrap().as_secs(), NOW + 100 * DAY);
    assert!(license.entitlements.contains_key("mesh") && license.binding.is_none());

    // Whatever happens to the order and the instance.
    fixture.offer("CS1", 1, |_| ());
    fixture.forward(DAY).await;
    fixture.until(|detail| detail.instance.machines.limit == Some(1), &instance).await;
    let end = time(fixture.now() + 300 * DAY);
    for parameters in [
        on("refreshLicense", &instance, &[("orderId", "CS2"), ("expireTime", &end)]),
        on("expireLicense", &instance, &[]),
        on("releaseLicense", &instance, &[("orderId", "CS1")]),
    ] {
        assert_eq!(code(&fixture, &parameters).await, "000000", "{parameters:?}");
        let mut again = wanted.clone();
        again.retain(|(name, _)| !["businessId", "expireTime"].contains(name));
        again.push(("businessId", "different"));
        assert_eq!(call(&fixture, &again).await, first);
    }
    fixture.forward(3000 * DAY).await;
    assert_eq!(call(&fixture, &wanted).await, first);
    assert_eq!(fixture.detail(&instance).await.licenses.len(), 2, "one, and the renewal's");
}

#[tokio::test]
async fn a_license_ends_as_the_call_says() {
    let fixture = Fixture::new().await;
    for (order, more, end) in [
        ("CS1", vec![], None),
        ("CS2", vec![("periodType", "day"), ("periodNumber", "30")], Some(NOW + 30 * DAY)),
        ("CS3", vec![("chargingMode", "3")], None),
    ] {
        let answer = call(&fixture, &buy("getLicense", order, &more)).await;
        let license = fixture.verify(answer.license.as_deref().unwrap()).claims;
        assert_eq!(license.expires.map(license_core::Timestamp::as_secs), end, "{order}");
    }
    let past = time(NOW - 1);
    for (order, more, expected) in
        [("CS4", ("expireTime", &*past), "000901"), ("CS5", ("chargingMode", "1"), "000902")]
    {
        assert_eq!(code(&fixture, &buy("getLicense", order, &[more])).await, expected, "{order}");
    }
    // A refusal leaves nothing behind.
    assert_eq!(
        instances::list(&fixture.app, &instances::InstanceFilter::default()).await.unwrap().len(),
        3
    );
}

#[tokio::test]
async fn goods_that_are_no_product_get_no_license_until_they_are() {
    let fixture = Fixture::bare().await;
    let wanted = buy("getLicense", "CS1", &[]);
    assert_eq!(code(&fixture, &wanted).await, "000100");
    assert!(
        instances::list(&fixture.app, &instances::InstanceFilter::default())
            .await
            .unwrap()
            .is_empty()
    );
    products::apply(&fixture.app, flowsim()).await.unwrap();
    assert_eq!(code(&fixture, &wanted).await, "000000");
}

#[tokio::test]
async fn an_instance_that_is_stopped_gets_no_first_license() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let status = |status| on("instanceStatus", &instance, &[("instanceStatus", status)]);
    assert_eq!(code(&fixture, &status("FREEZE")).await, "000000");
    assert_eq!(code(&fixture, &buy("getLicense", "CS1", &[])).await, "000901");
    assert_eq!(code(&fixture, &status("NORMAL")).await, "000000");
    let given = call(&fixture, &buy("getLicense", "CS1", &[])).await;
    assert_eq!(given.instance_id.as_deref(), Some(&*instance));
    // The end of the order, not of the call, which named none.
    assert!(fixture.verify(given.license.as_deref().unwrap()).claims.expires.is_some());

    let released = fixture.buy("CS2", 1).await;
    let release = on("releaseInstance", &released, &[("orderId", "CS2")]);
    assert_eq!(code(&fixture, &release).await, "000000");
    assert_eq!(code(&fixture, &buy("getLicense", "CS2", &[])).await, "000003");
}

#[tokio::test]
async fn a_renewal_answers_with_the_next_license() {
    let fixture = Fixture::new().await;
    let until = time(NOW + 100 * DAY);
    let given = call(&fixture, &buy("getLicense", "CS1", &[("expireTime", &until)])).await;
    let instance = given.instance_id.unwrap();
    let end = time(NOW + 465 * DAY);
    let renew = on("refreshLicense", &instance, &[("orderId", "CS2"), ("expireTime", &end)]);
    let renewed = call(&fixture, &renew).await;
    assert_eq!(renewed.result_code.as_str(), "000000");
    let license = fixture.verify(renewed.license.as_deref().unwrap()).claims;
    assert_eq!(license.expires.unwrap().as_secs(), NOW + 465 * DAY);
    assert_eq!(license.kind, LicenseKind::Unbound);
    assert_eq!(call(&fixture, &renew).await, renewed, "a re-send");

    // An instance with places for machines is renewed without one.
    let bound = fixture.buy("CS3", 1).await;
    let renew = on("refreshLicense", &bound, &[("orderId", "CS4"), ("expireTime", &end)]);
    let renewed = call(&fixture, &renew).await;
    assert_eq!((renewed.result_code.as_str(), renewed.license), ("000000", None));
}

#[tokio::test]
async fn a_renewal_lets_go_what_its_end_has_stopped_and_nothing_else() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let end = time(NOW + 400 * DAY);
    let renew = on("refreshInstance", &instance, &[("orderId", "CS2"), ("expireTime", &end)]);
    let expire = on("expireInstance", &instance, &[("orderId", "CS1")]);
    let status = |status| on("instanceStatus", &instance, &[("instanceStatus", status)]);
    let listed = async || fixture.detail(&instance).await.licenses[0].state.clone();

    for again in 0..2 {
        assert_eq!(code(&fixture, &expire).await, "000000", "{again}");
        assert_eq!(state_of(&fixture, &instance).await, "frozen");
        assert_eq!(listed().await, "suspended");
    }
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(1))).await, "000901");
    assert_eq!(code(&fixture, &renew).await, "000000");
    assert_eq!(
        (state_of(&fixture, &instance).await, listed().await),
        ("active".into(), "active".to_owned().into())
    );

    // The newer interfaces' renewal does the same.
    assert_eq!(code(&fixture, &expire).await, "000000");
    let newer = json!({
        "activity": "refreshInstance", "scene": "RENEWAL", "orderId": "CS9",
        "orderLineId": "CS9-000001", "instanceId": instance, "expireTime": end,
    });
    assert_eq!(fixture.code(newer.clone()).await, "000000");
    assert_eq!(state_of(&fixture, &instance).await, "active");

    // Not one that ends in the past, and not what was stopped for another reason.
    assert_eq!(code(&fixture, &expire).await, "000000");
    let past = time(NOW - 1);
    let refund = on("refreshInstance", &instance, &[("orderId", "CS2"), ("expireTime", &past)]);
    assert_eq!(code(&fixture, &refund).await, "000000");
    assert_eq!(state_of(&fixture, &instance).await, "frozen");
    assert_eq!(code(&fixture, &status("FREEZE")).await, "000000");
    assert_eq!(code(&fixture, &renew).await, "000000");
    assert_eq!(fixture.code(newer).await, "000000");
    assert_eq!(state_of(&fixture, &instance).await, "frozen");
    // What was stopped already has no other reason because it ends as well.
    assert_eq!(code(&fixture, &expire).await, "000000");
    assert_eq!(code(&fixture, &renew).await, "000000");
    assert_eq!(state_of(&fixture, &instance).await, "frozen");
    assert_eq!(code(&fixture, &status("NORMAL")).await, "000000");
    assert_eq!(state_of(&fixture, &instance).await, "active");
}

#[tokio::test]
async fn an_upgrade_counts_at_once_and_the_order_corrects_it() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let goods = [("orderId", "CS2"), ("productId", GOODS), ("skuCode", SKU), ("amount", "4")];
    let upgrade = on("upgrade", &instance, &goods);
    assert_eq!(code(&fixture, &upgrade).await, "000000");
    assert_eq!(fixture.detail(&instance).await.instance.machines.limit, Some(4));
    // The marketplace does not know the order yet, and says so before it does.
    fixture.until(|detail| detail.instance.order_error.is_some(), &instance).await;
    assert_eq!(fixture.detail(&instance).await.instance.machines.limit, Some(4));
    fixture.offer("CS2", 6, |order| order.order_type = koogallery::order::OrderType::Change);
    assert_eq!(code(&fixture, &upgrade).await, "000000");
    fixture.forward(301).await;
    fixture.until(|detail| detail.instance.machines.limit == Some(6), &instance).await;
    assert_eq!(code(&fixture, &on("upgrade", "unknown", &goods)).await, "000003");
}

#[tokio::test]
async fn a_trial_becomes_a_purchase() {
    let fixture = Fixture::new().await;
    let trial = [("trialFlag", "1"), ("amount", "1")];
    let instance = call(&fixture, &buy("newInstance", "CS1", &trial)).await.instance_id.unwrap();
    let given = fixture.ask(&instance, &device(1)).await.unwrap();
    assert!(fixture.verify(&given.license).claims.trial);
    let end = time(NOW + 400 * DAY);
    let more = [("orderId", "CS2"), ("expireTime", &*end), ("trialToFormal", "1")];
    assert_eq!(code(&fixture, &on("refreshInstance", &instance, &more)).await, "000000");
    let given = fixture.ask(&instance, &device(1)).await.unwrap();
    assert!(!fixture.verify(&given.license).claims.trial);
}

#[tokio::test]
async fn secrets_are_encrypted_where_the_call_asks_for_it() {
    let fixture = Fixture::new().await;
    let key = AccessKey::new(KEY).unwrap();
    let instance = call(&fixture, &buy("newInstance", "CS1", &[])).await.instance_id.unwrap();
    let secret = fixture.detail(&instance).await.instance.activation_code;
    for (kind, encryption) in [("1", v1::Encryption::Aes256), ("2", v1::Encryption::Aes128)] {
        let bought = call(&fixture, &buy("newInstance", "CS1", &[("encryptType", kind)])).await;
        let queried =
            call(&fixture, &on("queryInstance", &instance, &[("encryptType", kind)])).await;
        for (told, shown) in [
            (bought.encrypt_type, bought.app_info.unwrap()),
            (queried.encrypt_type, queried.info.unwrap().remove(0).app_info),
        ] {
            assert_eq!(told.as_deref(), Some(kind));
            assert!(!shown.memo.unwrap().contains(&secret));
            let password = shown.password.unwrap();
            assert_eq!(*v1::decrypt(&key, encryption, &password).unwrap(), secret);
        }
    }
}

#[tokio::test]
async fn instances_are_shown_with_what_is_used_of_them() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 3).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(2))).await, "000004");
    let ids = format!("{instance},unknown");
    let info = call(&fixture, &on("queryInstance", &ids, &[])).await.info.unwrap();
    assert_eq!(info.len(), 1);
    assert_eq!(
        serde_json::to_value(&info[0].usage_info).unwrap(),
        json!([{"relatedInstanceId": instance, "usageValue": 2.0}])
    );
    assert_eq!(code(&fixture, &on("queryInstance", "unknown", &[])).await, "000003");
}

#[tokio::test]
async fn what_is_unknown_was_released_or_is_repeated_is_refused() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let end = time(NOW + 400 * DAY);
    let effects = |instance: &'static str| -> Vec<Parameters<'static>> {
        let end: &'static str = Box::leak(end.clone().into_boxed_str());
        vec![
            on("refreshInstance", instance, &[("orderId", "CS2"), ("expireTime", end)]),
            on("refreshLicense", instance, &[("orderId", "CS2"), ("expireTime", end)]),
            on("expireInstance", instance, &[]),
            on("expireLicense", instance, &[]),
            on("instanceStatus", instance, &[("instanceStatus", "NORMAL")]),
            on(
                "upgrade",
                instance,
                &[("orderId", "CS2"), ("productId", GOODS), ("skuCode", SKU), ("amount", "1")],
            ),
            on("releaseInstance", instance, &[("orderId", "CS1")]),
            on("releaseLicense", instance, &[("orderId", "CS1")]),
        ]
    };
    let known: &'static str = Box::leak(instance.clone().into_boxed_str());
    for parameters in effects("unknown") {
        assert_eq!(code(&fixture, &parameters).await, "000003", "{parameters:?}");
    }
    for parameters in effects(known) {
        let query = signed(&fixture, &parameters);
        assert_eq!(answer(&fixture, &query).await.result_code.as_str(), "000000", "{query}");
        assert_eq!(answer(&fixture, &query).await.result_code.as_str(), "000002", "{query}");
    }
    for parameters in effects(known) {
        let release = parameters[0].1.starts_with("release");
        let expected = if release { "000000" } else { "000003" };
        assert_eq!(code(&fixture, &parameters).await, expected, "{parameters:?}");
    }
    // What has no effect is answered again.
    for parameters in [
        buy("newInstance", "CS1", &[]),
        buy("getLicense", "CS7", &[]),
        on("queryInstance", &instance, &[]),
    ] {
        let query = signed(&fixture, &parameters);
        let first = answer(&fixture, &query).await;
        assert_eq!(first.result_code.as_str(), "000000", "{query}");
        assert_eq!(answer(&fixture, &query).await, first);
    }
}

#[tokio::test]
async fn debugging_answers_the_same_in_any_order_and_makes_nothing() {
    let fixture = Fixture::new().await;
    let test = [("testFlag", "1")];
    let made = call(&fixture, &buy("newInstance", "CS1906666666ABCDE", &test)).await;
    let licensed = call(&fixture, &buy("getLicense", "CS1906666666ABCDF", &test)).await;
    assert!(licensed.license.is_some());
    let instance = made.instance_id.clone().unwrap();
    let mut cases: Vec<Parameters<'_>> = vec![
        on("releaseInstance", &instance, &[("orderId", "CS1"), test[0]]),
        on("expireInstance", &instance, &test),
        on("expireLicense", &instance, &test),
        on("instanceStatus", &instance, &[("instanceStatus", "FREEZE"), test[0]]),
        on(
            "refreshInstance",
            &instance,
            &[("orderId", "CS2"), ("expireTime", "20200101000000"), test[0]],
        ),
        on(
            "refreshLicense",
            &instance,
            &[("orderId", "CS2"), ("expireTime", "20200101000000"), test[0]],
        ),
        on(
            "upgrade",
            &instance,
            &[("orderId", "CS2"), ("productId", "p"), ("skuCode", "s"), test[0]],
        ),
        on("queryInstance", &instance, &test),
        on("releaseLicense", &instance, &[("orderId", "CS1"), test[0]]),
    ];
    for round in 0..4 {
        for parameters in &cases {
            assert_eq!(code(&fixture, parameters).await, "000000", "round {round}: {parameters:?}");
        }
        let again = buy("newInstance", "CS1906666666ABCDE", &test);
        assert_eq!(call(&fixture, &again).await, made);
        let again =
            buy("getLicense", "CS1906666666ABCDF", &[("expireTime", "20200101000000"), test[0]]);
        assert_eq!(call(&fixture, &again).await, licensed);
        cases.reverse();
        cases.rotate_left(round);
        fixture.forward(400 * DAY).await;
    }
    assert!(
        instances::list(&fixture.app, &instances::InstanceFilter::default())
            .await
            .unwrap()
            .is_empty()
    );
    assert!(fixture.market.uploads().is_empty() && fixture.market.state().asked.is_empty());
    assert_eq!(code(&fixture, &on("expireInstance", &instance, &[])).await, "000003");
}

#[tokio::test]
async fn only_the_basic_key_signs_and_only_for_a_minute() {
    let fixture = Fixture::bare_with(|config| {
        config.koogallery.kit_access_key = vec![Secret::new("0123456789abcdef-kit")];
        config.koogallery.access_key.push(Secret::new("0123456789abcdef-next"));
    })
    .await;
    let wanted = buy("newInstance", "CS1", &[]);
    let now = fixture.now() * 1000;
    for (key, at, expected) in [
        (KEY, now, "000000"),
        (KEY, now - 60_000, "000000"),
        (KEY, now + 60_000, "000000"),
        (KEY, now - 60_001, "000002"),
        (KEY, now + 60_001, "000002"),
        ("0123456789abcdef-kit", now, "000001"),
        ("0123456789abcdef-none", now, "000001"),
    ] {
        let query = v1::sign(&AccessKey::new(key).unwrap(), &wanted, at);
        assert_eq!(answer(&fixture, &query).await.result_code.as_str(), expected, "{key} {at}");
    }
    for query in ["", "activity=newInstance", "a=1&a=2", "authToken=%", "%ff"] {
        let code = answer(&fixture, query).await.result_code;
        assert!(["000001", "000002"].contains(&code.as_str()), "{query}: {code}");
    }
    // The key that verified signs the answer, so that a key is changed without a gap.
    let next = AccessKey::new("0123456789abcdef-next").unwrap();
    let signed = market::v1::call(&fixture.app, &v1::sign(&next, &wanted, now)).await;
    assert!(v1::verify_body_sign(&signed.signature.unwrap(), &signed.body, &next));
}

/// Keys are changed without a gap: whoever signs with the second of two can read what is refused.
#[tokio::test]
async fn the_key_that_verified_a_call_signs_its_refusal() {
    const SECOND: &str = "the-second-of-two-keys";
    let two = |config: &mut Config| {
        config.koogallery.access_key = [KEY, SECOND].map(Secret::new).to_vec();
    };
    let fixture = Fixture::bare_with(two).await;
    for key in [KEY, SECOND].map(|key| AccessKey::new(key).unwrap()) {
        // Without a businessId and the rest of it.
        let query = v1::sign(&key, &[("activity", "newInstance")], fixture.now() * 1000);
        let answer = market::v1::call(&fixture.app, &query).await;
        assert!(v1::verify_body_sign(&answer.signature.unwrap(), &answer.body, &key));
        let answer: Answer = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.result_code.as_str(), "000002");
    }
}
