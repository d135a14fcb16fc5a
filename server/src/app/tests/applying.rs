//! `getLicenseAsync`: idempotency, judgement, keeping and superseding.

use crate::app::market;
use crate::app::products;
use crate::app::signed_lists;
use std::time::{Duration, Instant};

use koogallery::upload::Content;
use license_core::issuing_rules::InstanceState;
use serde_json::json;

use super::fake_marketplace::Trick;
use super::fixture::{DAY, Fixture, NOW, apply, device, flowsim, for_ever, new_instance};

fn text(content: &Content) -> String {
    match content {
        Content::Characters(text) => text.clone(),
        Content::File { bytes, .. } => String::from_utf8(bytes.clone()).unwrap(),
    }
}

#[tokio::test]
async fn an_order_becomes_an_uploaded_license() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 2).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let uploads = fixture.uploads(1).await;
    assert_eq!(uploads[0].0, "e-1");
    let Content::Characters(document) = &uploads[0].1 else { panic!("{:?}", uploads[0].1) };
    assert!(document.len() <= 1024, "{}", document.len());

    let claims = fixture.verify(document).claims;
    assert_eq!(claims.issuer, "某某科技");
    assert_eq!(claims.customer, "某某科技有限公司");
    assert_eq!(claims.product, "flowsim");
    assert_eq!(claims.instance, instance);
    assert_eq!(claims.not_before.unwrap().as_secs(), NOW);
    assert_eq!(claims.expires.unwrap().as_secs(), NOW + 100 * DAY);
    assert_eq!(claims.grace_secs, 7 * DAY);
    assert_eq!(claims.entitlements.len(), 2);
    assert!(claims.binding.is_some() && !claims.trial);
    fixture.upload_is("delivered").await;
}

#[tokio::test]
async fn the_end_is_bounded_by_the_order() {
    let fixture = Fixture::new().await;
    fixture.offer("CS1", 2, |order| order.lines[0].expire_time = Some(NOW + 5 * DAY));
    let instance = fixture.create("CS1").await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let claims = fixture.verify(&text(&fixture.uploads(1).await[0].1)).claims;
    assert_eq!(claims.expires.unwrap().as_secs(), NOW + 5 * DAY);
}

#[tokio::test]
async fn a_resend_changes_nothing_whatever_else_it_says() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let first = apply(&instance, "e-1", &device(1));
    assert_eq!(fixture.code(first.clone()).await, "000004");
    let mut other = first.clone();
    other["effectiveTime"] = json!("2026-12-01 00:00:00 z");
    other["expireTime"] = json!("2026-12-02 00:00:00 z");
    // The same machine: case, blanks and dropped placeholders do not count.
    other["deviceFingerprint"] = json!(format!(" {} ", device(1).to_lowercase()));
    assert_eq!(fixture.code(other).await, "000004");
    let (query, raw) = fixture.sign(&first);
    assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), "000004");
    assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), "000004");

    fixture.upload_is("delivered").await;
    let detail = fixture.detail(&instance).await;
    assert_eq!((detail.licenses.len(), fixture.market.uploads().len()), (1, 1));
    assert_eq!(detail.instance.machines.used, 1);
}

#[tokio::test]
async fn a_resend_is_answered_as_before_when_frozen_and_refused_when_released() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let status = |status| json!({"activity": "updateInstanceStatus", "instanceId": instance, "status": status});
    assert_eq!(fixture.code(status("FREEZE")).await, "000000");
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(1))).await, "000901");
    let release = json!({"activity": "releaseInstance", "instanceId": instance});
    assert_eq!(fixture.code(release).await, "000000");
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000003");
}

#[tokio::test]
async fn an_event_belongs_to_one_machine_and_one_instance() {
    let fixture = Fixture::new().await;
    let (one, two) = (fixture.buy("CS1", 3).await, fixture.buy("CS2", 3).await);
    assert_eq!(fixture.code(apply(&one, "e-1", &device(1))).await, "000004");
    fixture.upload_is("delivered").await;
    assert_eq!(fixture.code(apply(&one, "e-1", &device(2))).await, "000002");
    assert_eq!(fixture.code(apply(&two, "e-1", &device(1))).await, "000002");
    assert_eq!(fixture.detail(&one).await.licenses.len(), 1);
    assert!(fixture.detail(&two).await.licenses.is_empty());
}

#[tokio::test]
async fn before_anything_was_sent_another_machine_takes_the_event_over() {
    // Nobody sends: no workers after the order was read.
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let fixture = fixture.crash().await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(2))).await, "000004");
    let detail = fixture.detail(&instance).await;
    assert_eq!(detail.instance.machines.used, 1);
    let states: Vec<_> = detail.licenses.iter().map(|license| license.state.as_str()).collect();
    assert_eq!(states, ["superseded", "active"]);

    // And back again; the place is free for it each time, and for nobody else.
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(3))).await, "000900");
    assert_eq!(fixture.detail(&instance).await.instance.machines.used, 1);

    let fixture = fixture.started();
    fixture.upload_is("delivered").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let uploads = fixture.market.uploads();
    assert_eq!(uploads.len(), 1);
    let active = &fixture.detail(&instance).await.licenses[2];
    assert_eq!(active.license_id, fixture.verify(&text(&uploads[0].1)).claims.id);
    let (list, _) = revocations(&fixture).await;
    assert_eq!(list.len(), 2);
}

async fn revocations(fixture: &Fixture) -> (license_core::revocation::Revocations, String) {
    let document = signed_lists::revocation_list(&fixture.app).await.unwrap().document;
    let now = license_core::Timestamp::from_secs(fixture.now());
    let list =
        license_core::revocation::Revocations::open(&document, &fixture.keys(), now).unwrap();
    (list, document)
}

#[tokio::test]
async fn a_machine_with_another_license_keeps_its_place_when_one_is_superseded() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 2).await;
    let fixture = fixture.crash().await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(1))).await, "000004");
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(2))).await, "000004");
    assert_eq!(fixture.detail(&instance).await.instance.machines.used, 2);
    // Both places are taken, and superseding e-1 frees one: machine 3 gets it.
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(3))).await, "000004");
    assert_eq!(fixture.detail(&instance).await.instance.machines.used, 2);
}

#[tokio::test]
async fn superseding_never_makes_room_for_a_refused_application() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let fixture = fixture.crash().await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let mut past = apply(&instance, "e-1", &device(2));
    past["expireTime"] = json!(koogallery::time::spaced(NOW - 1));
    assert_eq!(fixture.code(past).await, "000901");
    let detail = fixture.detail(&instance).await;
    assert_eq!(detail.licenses.len(), 1);
    assert_eq!(detail.licenses[0].state, "active");
}

#[tokio::test]
async fn a_known_machine_gets_another_license_and_takes_no_second_place() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    // The disk was replaced and the dock is gone: board and processor still match.
    let changed = device(1).replace("DISK1", "DISK9");
    let mut second = apply(&instance, "e-2", &changed);
    second["expireTime"] = json!(koogallery::time::spaced(NOW + 50 * DAY));
    assert_eq!(fixture.code(second).await, "000004");
    assert_eq!(fixture.code(apply(&instance, "e-3", &device(2))).await, "000900");
    let detail = fixture.detail(&instance).await;
    assert_eq!((detail.licenses.len(), detail.instance.machines.used), (2, 1));
    assert_eq!(detail.licenses[1].expires.unwrap().as_secs(), NOW + 50 * DAY);
    assert_ne!(detail.licenses[0].license_id, detail.licenses[1].license_id);
}

#[tokio::test]
async fn every_refusal_has_its_code_and_leaves_nothing_behind() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let good = apply(&instance, "e-1", &device(1));
    let with = |name: &str, value: serde_json::Value| {
        let mut call = good.clone();
        call[name] = value;
        call
    };
    for (call, code) in [
        (with("instanceId", json!("unknown")), "000003"),
        (with("expireTime", json!(koogallery::time::spaced(NOW))), "000901"),
        (with("expireTime", json!("")), "000902"),
        (with("deviceFingerprint", json!("")), "000903"),
        (with("deviceFingerprint", json!("00:00:00:00:00:00|NONE||")), "000903"),
        (with("deviceFingerprint", json!("|||BFEBFBFF00090672")), "000903"),
        (with("deviceFingerprint", json!("A".repeat(5121))), "000002"),
        (with("effectiveTime", json!("yesterday")), "000002"),
        (with("eventId", json!("e".repeat(65))), "000002"),
    ] {
        assert_eq!(fixture.code(call.clone()).await, code, "{call}");
    }
    let detail = fixture.detail(&instance).await;
    assert!(detail.licenses.is_empty() && detail.applications.is_empty());
    // What was refused is judged anew: the same event is served now.
    assert_eq!(fixture.code(good).await, "000004");
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(2))).await, "000900");
}

#[tokio::test]
async fn an_order_without_period_needs_no_end_and_gives_none() {
    let fixture = Fixture::new().await;
    fixture.offer("CS1", 1, for_ever);
    let instance = fixture.create("CS1").await;
    let mut call = apply(&instance, "e-1", &device(1));
    call.as_object_mut().unwrap().remove("expireTime");
    assert_eq!(fixture.code(call).await, "000004");
    let claims = fixture.verify(&text(&fixture.uploads(1).await[0].1)).claims;
    assert_eq!(claims.expires, None);
}

#[tokio::test]
async fn an_ended_order_gives_nothing_and_creation_times_never_matter() {
    let fixture = Fixture::new().await;
    fixture.offer("CS1", 1, |order| {
        order.create_time = Some(NOW + 1000 * DAY);
        order.lines[0].expire_time = Some(NOW + DAY);
    });
    let instance = fixture.create("CS1").await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    fixture.forward(DAY).await;
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(1))).await, "000901");
}

#[tokio::test]
async fn a_hundred_at_once_for_twenty_places() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 20).await;
    let calls = (0..100).map(|i| {
        let (query, raw) = fixture.sign(&apply(&instance, &format!("e-{i}"), &device(i)));
        let app = fixture.app.clone();
        tokio::spawn(async move { market::call(&app, &query, &raw).await })
    });
    let mut codes = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        let answer: koogallery::Answer = serde_json::from_slice(&call.await.unwrap()).unwrap();
        codes.push(answer.result_code.as_str());
    }
    assert_eq!(codes.iter().filter(|code| **code == "000004").count(), 20);
    assert_eq!(codes.iter().filter(|code| **code == "000900").count(), 80);
    let detail = fixture.detail(&instance).await;
    assert_eq!((detail.licenses.len(), detail.instance.machines.used), (20, 20));
    fixture.uploads(20).await;
}

#[tokio::test]
async fn the_same_application_a_hundred_times_at_once_is_one() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 5).await;
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (query, raw) = fixture.sign(&apply(&instance, "e-1", &device(1)));
            let app = fixture.app.clone();
            tokio::spawn(async move { market::call(&app, &query, &raw).await })
        })
        .collect();
    for call in calls {
        assert!(String::from_utf8(call.await.unwrap()).unwrap().contains("000004"));
    }
    assert_eq!(fixture.detail(&instance).await.licenses.len(), 1);
}

#[tokio::test]
async fn a_resend_that_changes_nothing_does_not_wait_for_the_writer() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 5).await;
    let call = apply(&instance, "e-1", &device(1));
    assert_eq!(fixture.code(call.clone()).await, "000004");
    fixture.upload_is("delivered").await;
    let busy = fixture.app.store.write().await.unwrap();
    assert_eq!(fixture.code(call).await, "000004");
    let (query, raw) = fixture.sign(&apply(&instance, "e-1", &device(2)));
    let other = market::call(&fixture.app, &query, &raw);
    tokio::pin!(other);
    if fixture.app.store.is_shared() {
        busy.rollback().await;
    } else {
        let early = tokio::time::timeout(Duration::from_millis(300), other.as_mut()).await;
        assert!(early.is_err(), "with another machine it is not the same, and has to wait");
        busy.rollback().await;
    }
    assert!(String::from_utf8(other.await).unwrap().contains("000002"));
}

#[tokio::test]
async fn an_application_waits_two_seconds_for_an_order_that_is_being_read() {
    let fixture = Fixture::new().await;
    fixture.offer("CS1", 1, |_| ());
    fixture.market.state().tricks.push_back(Trick::Late(Duration::from_millis(400)));
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    // Judged by the order: there is one place.
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(2))).await, "000900");
    fixture.upload_is("delivered").await;

    fixture.offer("CS2", 1, |_| ());
    fixture.market.state().tricks.push_back(Trick::Late(Duration::from_secs(4)));
    let instance = fixture.call(new_instance("CS2")).await.instance_id.unwrap();
    let start = Instant::now();
    assert_eq!(fixture.code(apply(&instance, "e-3", &device(1))).await, "000004");
    let waited = start.elapsed();
    assert!((1900..4000).contains(&waited.as_millis()), "{waited:?}");
    assert_eq!(fixture.detail(&instance).await.applications[0].state, "waiting");
    fixture.until(|detail| detail.licenses.len() == 1, &instance).await;
}

#[tokio::test]
async fn an_application_before_its_order_is_kept_and_served() {
    let fixture = Fixture::new().await;
    // The marketplace does not know the order yet.
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    fixture.market_until(|state| state.asked.len() == 1).await;
    fixture.until(|detail| detail.instance.order_error.is_some(), &instance).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let detail = fixture.detail(&instance).await;
    assert_eq!(detail.applications[0].state, "waiting");
    assert_eq!(detail.instance.unserved, 1);
    assert!(detail.instance.order_error.unwrap().contains("MKT.0150"));

    fixture.offer("CS1", 1, |_| ());
    fixture.forward(301).await;
    fixture.until(|detail| detail.licenses.len() == 1, &instance).await;
    assert_eq!(fixture.uploads(1).await[0].0, "e-1");
    assert!(fixture.detail(&instance).await.applications.is_empty());
}

#[tokio::test]
async fn an_application_before_its_product_is_served_when_that_is_applied() {
    let fixture = Fixture::bare().await.started();
    fixture.offer("CS1", 1, |_| ());
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    fixture.until(|detail| detail.instance.order_state == "product-unknown", &instance).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    assert_eq!(fixture.code(apply(&instance, "e-2", "")).await, "000004");
    let start = Instant::now();
    products::apply(&fixture.app, flowsim()).await.unwrap();
    fixture.until(|detail| detail.licenses.len() == 1, &instance).await;
    assert!(start.elapsed() < Duration::from_secs(5));
    // The other one lacks its fingerprint, which a re-send is told.
    fixture.until(|d| d.applications[0].result_code.as_deref() == Some("000903"), &instance).await;
    assert_eq!(fixture.code(apply(&instance, "e-2", "")).await, "000903");
}

#[tokio::test]
async fn a_held_application_is_served_when_the_quantity_allows() {
    let fixture = Fixture::new().await;
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    fixture.until(|detail| detail.instance.order_error.is_some(), &instance).await;
    for i in 1..=3 {
        assert_eq!(fixture.code(apply(&instance, &format!("e-{i}"), &device(i))).await, "000004");
    }
    fixture.offer("CS1", 1, |_| ());
    fixture.forward(301).await;
    fixture.until(|detail| detail.licenses.len() == 1, &instance).await;
    let held = fixture.detail(&instance).await.applications;
    assert_eq!(held.len(), 2);
    assert!(held.iter().all(|a| a.state == "held" && a.result_code.as_deref() == Some("000900")));
    // Who came first was served first.
    assert_eq!(fixture.uploads(1).await[0].0, "e-1");
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(2))).await, "000900");

    let mut more = flowsim();
    more.license.machines = license_core::product::Quantity::Fixed(2);
    products::apply(&fixture.app, more).await.unwrap();
    fixture.until(|detail| detail.licenses.len() == 2, &instance).await;
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(2))).await, "000004");
    assert_eq!(fixture.code(apply(&instance, "e-3", &device(3))).await, "000900");

    // A renewal for three.
    fixture.offer("CS9", 3, |_| ());
    products::apply(&fixture.app, flowsim()).await.unwrap();
    let refresh = json!({
        "activity": "refreshInstance", "scene": "RENEWAL", "orderId": "CS9",
        "orderLineId": "CS9-000001", "instanceId": instance,
        "expireTime": koogallery::time::compact(NOW + 700 * DAY),
    });
    assert_eq!(fixture.code(refresh).await, "000000");
    fixture.until(|detail| detail.licenses.len() == 3, &instance).await;
    assert_eq!(fixture.detail(&instance).await.instance.machines.used, 3);
}

#[tokio::test]
async fn a_held_application_is_served_when_the_instance_is_unfrozen_or_prolonged() {
    let fixture = Fixture::new().await;
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    fixture.until(|detail| detail.instance.order_error.is_some(), &instance).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let status = |status| json!({"activity": "updateInstanceStatus", "instanceId": instance, "status": status});
    assert_eq!(fixture.code(status("FREEZE")).await, "000000");
    assert_eq!(
        fixture.detail(&instance).await.applications[0].result_code.as_deref(),
        Some("000901")
    );
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000901");

    fixture.offer("CS1", 1, |order| order.lines[0].expire_time = Some(NOW + 1));
    fixture.forward(301).await;
    fixture.until(|detail| detail.instance.product.is_some(), &instance).await;
    assert_eq!(fixture.code(status("UNFREEZE")).await, "000000");
    assert_eq!(fixture.detail(&instance).await.applications[0].state, "held");
    let refresh = json!({
        "activity": "refreshInstance", "scene": "RENEWAL", "orderId": "CS1",
        "orderLineId": "CS1-000001", "instanceId": instance,
        "expireTime": koogallery::time::compact(NOW + 30 * DAY),
    });
    assert_eq!(fixture.code(refresh).await, "000000");
    let detail = fixture.detail(&instance).await;
    assert_eq!(detail.instance.state, InstanceState::Active);
    assert_eq!(detail.licenses[0].expires.unwrap().as_secs(), NOW + 30 * DAY);
}

#[tokio::test]
async fn a_held_application_is_judged_anew_by_the_end_that_it_names_now() {
    let fixture = Fixture::new().await;
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    fixture.until(|detail| detail.instance.order_error.is_some(), &instance).await;
    let whole = apply(&instance, "e-1", &device(1));
    let mut open = whole.clone();
    open.as_object_mut().unwrap().remove("expireTime");
    assert_eq!(fixture.code(open.clone()).await, "000004", "nobody knows the order yet");
    fixture.offer("CS1", 1, |_| ());
    fixture.forward(301).await;
    fixture.until(|d| d.applications[0].result_code.as_deref() == Some("000902"), &instance).await;
    assert_eq!(fixture.code(open.clone()).await, "000902");

    assert_eq!(fixture.code(whole).await, "000004");
    let claims = fixture.verify(&text(&fixture.uploads(1).await[0].1)).claims;
    assert_eq!(claims.expires.unwrap().as_secs(), NOW + 100 * DAY);
    assert_eq!(fixture.code(open).await, "000004", "it was accepted");
    assert_eq!(fixture.detail(&instance).await.licenses.len(), 1);
}

#[tokio::test]
async fn many_kept_applications_are_served_in_several_steps() {
    let fixture = Fixture::bare().await.started();
    fixture.offer("CS1", 250, |_| ());
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    fixture.until(|detail| detail.instance.order_state == "product-unknown", &instance).await;
    for i in 0..230 {
        assert_eq!(fixture.code(apply(&instance, &format!("e-{i}"), &device(i))).await, "000004");
    }
    products::apply(&fixture.app, flowsim()).await.unwrap();
    fixture.until(|detail| detail.licenses.len() == 230, &instance).await;
}

#[tokio::test]
async fn long_licenses_travel_as_files_and_so_does_what_is_sold_as_one() {
    let fixture = Fixture::new().await;
    let mut product = flowsim();
    for i in 0..60 {
        let value = license_core::entitlement::Entitlement::Text("x".repeat(20));
        product.license.entitlements.insert(format!("module-{i}"), value);
    }
    products::apply(&fixture.app, product).await.unwrap();
    let instance = fixture.buy("CS1", 2).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let mut product = flowsim();
    product.license.form = license_core::product::LicenseForm::File;
    products::apply(&fixture.app, product).await.unwrap();
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(2))).await, "000004");
    for (event, content) in fixture.uploads(2).await {
        let Content::File { name, .. } = &content else { panic!("{event} is no file") };
        assert_eq!(name, "license.lic");
        fixture.verify(&text(&content));
    }
}

#[tokio::test]
async fn floating_and_unbound_licenses_need_no_machine() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 7).await;
    for (kind, seats) in [
        (license_core::entitlement::LicenseKind::Floating, Some(7)),
        (license_core::entitlement::LicenseKind::Unbound, None),
    ] {
        let mut product = flowsim();
        product.license.kind = kind;
        products::apply(&fixture.app, product).await.unwrap();
        let answer = fixture.ask(&instance, "").await.unwrap();
        let claims = fixture.verify(&answer.license).claims;
        assert_eq!((claims.kind, claims.seats, claims.binding), (kind, seats, None));
    }
    assert_eq!(fixture.code(apply(&instance, "e-1", "")).await, "000004");
}
