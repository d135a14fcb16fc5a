//! Creating, refreshing, freezing, releasing, asking; signatures and replays.

use crate::app::market;
use crate::app::signed_lists;
use license_core::Timestamp;
use license_core::issuing_rules::InstanceState;
use license_core::revocation::{RevocationStatus, Revocations};
use serde_json::{Value, json};

use super::fixture::{DAY, Fixture, KEY, NOW, PATIENCE, apply, device, new_instance};

async fn revocations(fixture: &Fixture) -> Revocations {
    let document = signed_lists::revocation_list(&fixture.app).await.unwrap().document;
    Revocations::open(&document, &fixture.keys(), Timestamp::from_secs(fixture.now())).unwrap()
}

fn refresh(instance: &str, scene: &str, order: &str, expires: i64) -> Value {
    json!({
        "activity": "refreshInstance", "scene": scene, "orderId": order,
        "orderLineId": format!("{order}-000001"), "instanceId": instance,
        "expireTime": koogallery::time::compact(expires),
    })
}

#[tokio::test]
async fn one_instance_for_an_order_line_however_often_it_is_asked_for() {
    let fixture = Fixture::bare().await;
    let first = fixture.call(new_instance("CS1")).await;
    assert_eq!(first.result_code.as_str(), "000000");
    assert_eq!(first.instance_id.as_deref(), Some("b-CS1"));

    let mut again = new_instance("CS1");
    again["businessId"] = json!("another");
    let (query, raw) = fixture.sign(&again);
    for _ in 0..2 {
        // A byte-identical repeat as well.
        assert_eq!(fixture.raw(&query, &raw).await.instance_id.as_deref(), Some("b-CS1"));
    }
    let mut line = new_instance("CS1");
    line["orderLineId"] = json!("CS1-000002");
    let second = fixture.call(line).await.instance_id.unwrap();
    assert_ne!(second, "b-CS1", "an id that is taken is not given twice");

    let calls: Vec<_> = (0..50)
        .map(|i| {
            let mut call = new_instance("CS7");
            call["businessId"] = json!(format!("b-{i}"));
            let (query, raw) = fixture.sign(&call);
            let app = fixture.app.clone();
            tokio::spawn(async move { market::call(&app, &query, &raw).await })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    for call in calls {
        let answer: koogallery::Answer = serde_json::from_slice(&call.await.unwrap()).unwrap();
        ids.insert(answer.instance_id.unwrap());
    }
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn unsigned_stale_and_unknown_calls_have_their_codes() {
    let fixture = Fixture::bare().await;
    let (query, raw) = fixture.sign(&new_instance("CS1"));
    let code = async |query: &str, raw: &[u8]| fixture.raw(query, raw).await.result_code.as_str();
    assert_eq!(code("", &raw).await, "000002");
    assert_eq!(code("timestamp=1&nonce=a", &raw).await, "000001");
    assert_eq!(code(&query, b"{\"activity\":\"newInstance\"}").await, "000001");
    assert_eq!(code(&query, b"{}").await, "000002");
    assert_eq!(code(&query, b"[]").await, "000002");
    assert_eq!(code(&query, b"\xff").await, "000002");
    assert_eq!(code(&query, b"{\"activity\":\"newInstance\",\"activity\":\"x\"}").await, "000002");
    assert_eq!(code(&query, b"{\"activity\":\"dance\"}").await, "000002");
    fixture.forward(61).await;
    assert_eq!(code(&query, &raw).await, "000002");
    fixture.forward(-122).await;
    assert_eq!(code(&query, &raw).await, "000002");
    fixture.forward(61).await;
    assert_eq!(code(&query, &raw).await, "000000");

    // A key that is not configured verifies nothing.
    let mut notify = json!({"activity": "orderNotify", "orderId": "CS1", "orderLineId": "1"});
    notify["testFlag"] = json!("0");
    assert_eq!(fixture.code(notify).await, "000001");
}

#[tokio::test]
async fn every_key_of_a_list_counts() {
    let fixture = Fixture::bare_with(|config| {
        let new = crate::config::Secret::new("another-key-0123456789");
        config.koogallery.access_key = vec![new, crate::config::Secret::new(KEY)];
    })
    .await;
    assert_eq!(fixture.code(new_instance("CS1")).await, "000000");
}

#[tokio::test]
async fn a_nonce_counts_once_where_a_call_has_an_effect() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let freeze =
        json!({"activity": "updateInstanceStatus", "instanceId": instance, "status": "FREEZE"});
    let release = json!({"activity": "releaseInstance", "instanceId": instance});
    for call in [refresh(&instance, "RENEWAL", "CS1", NOW + 9 * DAY), freeze, release] {
        let (query, raw) = fixture.sign(&call);
        assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), "000000", "{call}");
        assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), "000002", "{call}");
    }
    // A refused call used its nonce for nothing.
    let unknown = json!({"activity": "releaseInstance", "instanceId": "unknown"});
    let (query, raw) = fixture.sign(&unknown);
    for _ in 0..2 {
        assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), "000003");
    }
}

#[tokio::test]
async fn nonces_are_kept_across_a_crash_and_swept_when_they_are_of_no_use() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let (query, raw) = fixture.sign(&refresh(&instance, "RENEWAL", "CS1", NOW + 9 * DAY));
    assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), "000000");
    let fixture = fixture.crash().await;
    assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), "000002");
    fixture.forward(120).await;
    fixture.app.writer.write(crate::app::retention::Sweep).await.unwrap();
    let hash = sha2::Digest::finalize(sha2::Digest::chain_update(
        <sha2::Sha256 as sha2::Digest>::new(),
        koogallery::Presented::from_query(&query).nonce,
    ));
    let kept = async || {
        let mut tx = fixture.app.store.write().await.unwrap();
        let new = tx.add_nonce(&hash, i64::MAX).await.unwrap();
        tx.rollback().await;
        !new
    };
    assert!(kept().await);
    fixture.forward(62).await;
    fixture.app.writer.write(crate::app::retention::Sweep).await.unwrap();
    assert!(!kept().await);
}

#[tokio::test]
async fn every_scene_refreshes_and_the_new_order_brings_its_quantity() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    fixture.offer("CS2", 5, |_| ());
    let until = NOW + 800 * DAY;
    assert_eq!(fixture.code(refresh(&instance, "RENEWAL_CHANGE", "CS2", until)).await, "000000");
    fixture.until(|detail| detail.instance.machines.limit == Some(5), &instance).await;
    // The call's end stands, whatever the order says.
    assert_eq!(fixture.detail(&instance).await.instance.expires.unwrap().as_secs(), until);

    // The renewal is paid back: what counts is the order before.
    let back = refresh(&instance, "UNSUBSCRIBE_RENEWAL_PERIOD", "CS2", NOW + 300 * DAY);
    assert_eq!(fixture.code(back).await, "000000");
    let detail = fixture.detail(&instance).await;
    assert_eq!(detail.instance.machines.limit, Some(1));
    assert_eq!(detail.instance.expires.unwrap().as_secs(), NOW + 300 * DAY);

    // Told by an order of its own, the refund says nothing about what is left.
    fixture.offer("CS3", 99, |order| {
        order.order_type = koogallery::order::OrderType::Unsubscribe;
    });
    let back = refresh(&instance, "UNSUBSCRIBE_RENEWAL_PERIOD", "CS3", NOW + 200 * DAY);
    assert_eq!(fixture.code(back).await, "000000");
    fixture.market_until(|state| state.asked.iter().any(|id| id == "CS3")).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(fixture.detail(&instance).await.instance.machines.limit, Some(1));

    for scene in ["TRIAL_TO_FORMAL", "SOMETHING_NEW"] {
        assert_eq!(fixture.code(refresh(&instance, scene, "CS1", until)).await, "000000");
    }
    let mut seventeen = refresh(&instance, "RENEWAL", "CS1", until);
    seventeen["expireTime"] = json!("20271124023618256");
    assert_eq!(fixture.code(seventeen).await, "000000");
    assert_eq!(fixture.code(refresh("unknown", "RENEWAL", "CS1", until)).await, "000003");
}

/// The marketplace sends a call again when its answer was lost, perhaps after something newer.
#[tokio::test]
async fn what_was_sent_again_is_not_done_again() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let end = async || fixture.detail(&instance).await.instance.expires.unwrap().as_secs();
    fixture.offer("CS2", 5, |_| ());
    fixture.offer("CS3", 1, |order| order.order_type = koogallery::order::OrderType::Unsubscribe);
    let renewal = refresh(&instance, "RENEWAL", "CS2", NOW + 800 * DAY);
    let refunds = [
        // By the order of the refund, and by the one that is refunded.
        refresh(&instance, "UNSUBSCRIBE_RENEWAL_PERIOD", "CS3", NOW + 400 * DAY),
        refresh(&instance, "UNSUBSCRIBE_RENEWAL_PERIOD", "CS2", NOW + 390 * DAY),
    ];
    assert_eq!(fixture.code(renewal.clone()).await, "000000");
    for (refund, days) in refunds.iter().zip([400, 390]) {
        assert_eq!(fixture.code(refund.clone()).await, "000000");
        assert_eq!(end().await, NOW + days * DAY);
        assert_eq!(fixture.code(renewal.clone()).await, "000000");
        assert_eq!(end().await, NOW + days * DAY, "the renewal was paid back");
    }

    // Another order is another renewal, and the earlier refunds are not its.
    fixture.offer("CS4", 7, |_| ());
    assert_eq!(fixture.code(refresh(&instance, "RENEWAL", "CS4", NOW + 900 * DAY)).await, "000000");
    fixture.until(|detail| detail.instance.machines.limit == Some(7), &instance).await;
    for refund in refunds {
        assert_eq!(fixture.code(refund).await, "000000");
    }
    assert_eq!(end().await, NOW + 900 * DAY);
    assert_eq!(fixture.detail(&instance).await.instance.machines.limit, Some(7));
}

#[tokio::test]
async fn a_trial_becomes_formal() {
    let fixture = Fixture::new().await;
    fixture.offer("CS1", 1, |order| order.order_type = koogallery::order::OrderType::Trial);
    let instance = fixture.create("CS1").await;
    let license = fixture.ask(&instance, &device(1)).await.unwrap();
    assert!(fixture.verify(&license.license).claims.trial);
    fixture.offer("CS2", 1, |order| {
        order.order_type = koogallery::order::OrderType::TrialToFormal;
    });
    let call = refresh(&instance, "TRIAL_TO_FORMAL", "CS2", NOW + 400 * DAY);
    assert_eq!(fixture.code(call).await, "000000");
    for _ in 0..PATIENCE {
        let license = fixture.ask(&instance, &device(1)).await.unwrap();
        if !fixture.verify(&license.license).claims.trial {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("still a trial");
}

#[tokio::test]
async fn freezing_suspends_unfreezing_reinstates_releasing_revokes() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 2).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let license = fixture.detail(&instance).await.licenses[0].license_id.clone();
    let list = revocations(&fixture).await;
    assert!(list.is_empty());
    let first = list.seq;

    let status = |status| json!({"activity": "updateInstanceStatus", "instanceId": instance, "status": status});
    for (call, state, stop) in [
        (status("FREEZE"), InstanceState::Frozen, Some(RevocationStatus::Suspended)),
        (status("FREEZE"), InstanceState::Frozen, Some(RevocationStatus::Suspended)),
        (status("UNFREEZE"), InstanceState::Active, None),
        (status("FREEZE"), InstanceState::Frozen, Some(RevocationStatus::Suspended)),
        (
            json!({"activity": "releaseInstance", "instanceId": instance}),
            InstanceState::Released,
            Some(RevocationStatus::Revoked),
        ),
    ] {
        assert_eq!(fixture.code(call.clone()).await, "000000", "{call}");
        assert_eq!(fixture.detail(&instance).await.instance.state, state);
        let list = revocations(&fixture).await;
        assert_eq!(list.status_of(&license), stop, "{call}");
        assert!(list.seq >= first);
    }
    assert!(revocations(&fixture).await.seq > first);

    // Released is for good, and a second release is a success.
    let release = json!({"activity": "releaseInstance", "instanceId": instance});
    assert_eq!(fixture.code(release).await, "000000");
    for call in [
        status("UNFREEZE"),
        refresh(&instance, "RENEWAL", "CS1", NOW + 9 * DAY),
        apply(&instance, "e-9", &device(1)),
    ] {
        assert_eq!(fixture.code(call.clone()).await, "000003", "{call}");
    }
    assert_eq!(fixture.call(new_instance("CS1")).await.instance_id, Some(instance));
}

#[tokio::test]
async fn the_list_changes_at_once_rises_and_forgets_what_is_over() {
    let fixture = Fixture::new().await;
    fixture.offer("CS1", 1, |order| order.lines[0].expire_time = Some(NOW + 2 * DAY));
    let instance = fixture.create("CS1").await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let before = signed_lists::revocation_list(&fixture.app).await.unwrap();
    let same = signed_lists::revocation_list(&fixture.app).await.unwrap();
    assert_eq!((&before.document, &before.etag), (&same.document, &same.etag));
    let release = json!({"activity": "releaseInstance", "instanceId": instance});
    assert_eq!(fixture.code(release).await, "000000");
    let after = signed_lists::revocation_list(&fixture.app).await.unwrap();
    assert_ne!(before.etag, after.etag);
    let listed = revocations(&fixture).await;
    assert_eq!(listed.len(), 1);

    // The clock stands still, and still the number rose; set back, it rises as well.
    fixture.forward(-10 * DAY).await;
    let later = revocations(&fixture).await;
    assert!(later.seq > listed.seq);
    // Over together with its grace of seven days.
    fixture.forward(10 * DAY + 8 * DAY).await;
    assert_eq!(revocations(&fixture).await.len(), 1);
    fixture.forward(2 * DAY).await;
    assert_eq!(revocations(&fixture).await.len(), 0);
}

#[tokio::test]
async fn the_buyer_reads_his_code() {
    let fixture = Fixture::bare().await;
    let mut ids = Vec::new();
    for i in 0..3 {
        let order = format!("CS{i}");
        ids.push(fixture.call(new_instance(&order)).await.instance_id.unwrap());
    }
    let query = |ids: &str| json!({"activity": "queryInstance", "instanceId": ids});
    let answer = fixture.call(query(&format!("{},unknown,{}", ids[0], ids[1]))).await;
    assert_eq!(answer.result_code.as_str(), "000000");
    let info = answer.info.unwrap();
    assert_eq!(info.len(), 2);
    let code = fixture.detail(&ids[0]).await.instance.activation_code;
    let memo = info[0].app_info.memo.as_deref().unwrap();
    assert_eq!(memo, format!("激活码 / Activation code: {code}"));

    assert_eq!(fixture.code(query("unknown")).await, "000003");
    assert_eq!(fixture.code(query("")).await, "000002");
    assert_eq!(fixture.code(query(&vec!["a"; 101].join(","))).await, "000002");
    let (signed, raw) = fixture.sign(&query(&ids[0]));
    for _ in 0..2 {
        assert_eq!(fixture.raw(&signed, &raw).await.result_code.as_str(), "000000");
    }
}
