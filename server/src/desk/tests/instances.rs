//! Creating, refreshing, freezing, releasing, asking; signatures and replays.

use license_core::Timestamp;
use license_core::revocation::{Revocations, Stop};
use license_core::rule::InstanceState;
use serde_json::{Value, json};

use super::bench::{Bench, DAY, KEY, NOW, PATIENCE, apply, device, new_instance};

async fn revocations(bench: &Bench) -> Revocations {
    let document = bench.desk.revocation_list().await.unwrap().document;
    Revocations::open(&document, &bench.keys(), Timestamp::from_secs(bench.now())).unwrap()
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
    let bench = Bench::bare().await;
    let first = bench.call(new_instance("CS1")).await;
    assert_eq!(first.result_code.as_str(), "000000");
    assert_eq!(first.instance_id.as_deref(), Some("b-CS1"));

    let mut again = new_instance("CS1");
    again["businessId"] = json!("another");
    let (query, raw) = bench.sign(&again);
    for _ in 0..2 {
        // A byte-identical repeat as well.
        assert_eq!(bench.raw(&query, &raw).await.instance_id.as_deref(), Some("b-CS1"));
    }
    let mut line = new_instance("CS1");
    line["orderLineId"] = json!("CS1-000002");
    let second = bench.call(line).await.instance_id.unwrap();
    assert_ne!(second, "b-CS1", "an id that is taken is not given twice");

    let calls: Vec<_> = (0..50)
        .map(|i| {
            let mut call = new_instance("CS7");
            call["businessId"] = json!(format!("b-{i}"));
            let (query, raw) = bench.sign(&call);
            let desk = bench.desk.clone();
            tokio::spawn(async move { desk.market_call(&query, &raw).await })
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
    let bench = Bench::bare().await;
    let (query, raw) = bench.sign(&new_instance("CS1"));
    let code = async |query: &str, raw: &[u8]| bench.raw(query, raw).await.result_code.as_str();
    assert_eq!(code("", &raw).await, "000002");
    assert_eq!(code("timestamp=1&nonce=a", &raw).await, "000001");
    assert_eq!(code(&query, b"{\"activity\":\"newInstance\"}").await, "000001");
    assert_eq!(code(&query, b"{}").await, "000002");
    assert_eq!(code(&query, b"[]").await, "000002");
    assert_eq!(code(&query, b"\xff").await, "000002");
    assert_eq!(code(&query, b"{\"activity\":\"newInstance\",\"activity\":\"x\"}").await, "000002");
    assert_eq!(code(&query, b"{\"activity\":\"dance\"}").await, "000002");
    bench.forward(61).await;
    assert_eq!(code(&query, &raw).await, "000002");
    bench.forward(-122).await;
    assert_eq!(code(&query, &raw).await, "000002");
    bench.forward(61).await;
    assert_eq!(code(&query, &raw).await, "000000");

    // A key that is not configured verifies nothing.
    let mut notify = json!({"activity": "orderNotify", "orderId": "CS1", "orderLineId": "1"});
    notify["testFlag"] = json!("0");
    assert_eq!(bench.code(notify).await, "000001");
}

#[tokio::test]
async fn every_key_of_a_list_counts() {
    let bench = Bench::bare_with(|config| {
        let new = crate::config::Secret::new("another-key-0123456789");
        config.koogallery.access_key = vec![new, crate::config::Secret::new(KEY)];
    })
    .await;
    assert_eq!(bench.code(new_instance("CS1")).await, "000000");
}

#[tokio::test]
async fn a_nonce_counts_once_where_a_call_has_an_effect() {
    let bench = Bench::new().await;
    let instance = bench.buy("CS1", 1).await;
    let freeze =
        json!({"activity": "updateInstanceStatus", "instanceId": instance, "status": "FREEZE"});
    let release = json!({"activity": "releaseInstance", "instanceId": instance});
    for call in [refresh(&instance, "RENEWAL", "CS1", NOW + 9 * DAY), freeze, release] {
        let (query, raw) = bench.sign(&call);
        assert_eq!(bench.raw(&query, &raw).await.result_code.as_str(), "000000", "{call}");
        assert_eq!(bench.raw(&query, &raw).await.result_code.as_str(), "000002", "{call}");
    }
    // A refused call used its nonce for nothing.
    let unknown = json!({"activity": "releaseInstance", "instanceId": "unknown"});
    let (query, raw) = bench.sign(&unknown);
    for _ in 0..2 {
        assert_eq!(bench.raw(&query, &raw).await.result_code.as_str(), "000003");
    }
}

#[tokio::test]
async fn nonces_are_kept_across_a_crash_and_swept_when_they_are_of_no_use() {
    let bench = Bench::new().await;
    let instance = bench.buy("CS1", 1).await;
    let (query, raw) = bench.sign(&refresh(&instance, "RENEWAL", "CS1", NOW + 9 * DAY));
    assert_eq!(bench.raw(&query, &raw).await.result_code.as_str(), "000000");
    let bench = bench.crash().await;
    assert_eq!(bench.raw(&query, &raw).await.result_code.as_str(), "000002");
    bench.forward(120).await;
    bench.desk.writer.write(crate::desk::Sweep).await.unwrap();
    let hash = sha2::Digest::finalize(sha2::Digest::chain_update(
        <sha2::Sha256 as sha2::Digest>::new(),
        koogallery::Presented::from_query(&query).nonce,
    ));
    let kept = async || {
        let mut tx = bench.desk.store.write().await.unwrap();
        let new = tx.add_nonce(&hash, i64::MAX).await.unwrap();
        tx.rollback().await;
        !new
    };
    assert!(kept().await);
    bench.forward(62).await;
    bench.desk.writer.write(crate::desk::Sweep).await.unwrap();
    assert!(!kept().await);
}

#[tokio::test]
async fn every_scene_refreshes_and_the_new_order_brings_its_quantity() {
    let bench = Bench::new().await;
    let instance = bench.buy("CS1", 1).await;
    bench.offer("CS2", 5, |_| ());
    let until = NOW + 800 * DAY;
    assert_eq!(bench.code(refresh(&instance, "RENEWAL_CHANGE", "CS2", until)).await, "000000");
    bench.until(|detail| detail.instance.machines.limit == Some(5), &instance).await;
    // The call's end stands, whatever the order says.
    assert_eq!(bench.detail(&instance).await.instance.expires.unwrap().as_secs(), until);

    // The renewal is paid back: what counts is the order before.
    let back = refresh(&instance, "UNSUBSCRIBE_RENEWAL_PERIOD", "CS2", NOW + 300 * DAY);
    assert_eq!(bench.code(back).await, "000000");
    let detail = bench.detail(&instance).await;
    assert_eq!(detail.instance.machines.limit, Some(1));
    assert_eq!(detail.instance.expires.unwrap().as_secs(), NOW + 300 * DAY);

    // Told by an order of its own, the refund says nothing about what is left.
    bench.offer("CS3", 99, |order| {
        order.order_type = koogallery::order::OrderType::Unsubscribe;
    });
    let back = refresh(&instance, "UNSUBSCRIBE_RENEWAL_PERIOD", "CS3", NOW + 200 * DAY);
    assert_eq!(bench.code(back).await, "000000");
    bench.market_until(|state| state.asked.iter().any(|id| id == "CS3")).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(bench.detail(&instance).await.instance.machines.limit, Some(1));

    for scene in ["TRIAL_TO_FORMAL", "SOMETHING_NEW"] {
        assert_eq!(bench.code(refresh(&instance, scene, "CS1", until)).await, "000000");
    }
    let mut seventeen = refresh(&instance, "RENEWAL", "CS1", until);
    seventeen["expireTime"] = json!("20271124023618256");
    assert_eq!(bench.code(seventeen).await, "000000");
    assert_eq!(bench.code(refresh("unknown", "RENEWAL", "CS1", until)).await, "000003");
}

/// The marketplace sends a call again when its answer was lost, perhaps after something newer.
#[tokio::test]
async fn what_was_sent_again_is_not_done_again() {
    let bench = Bench::new().await;
    let instance = bench.buy("CS1", 1).await;
    let end = async || bench.detail(&instance).await.instance.expires.unwrap().as_secs();
    bench.offer("CS2", 5, |_| ());
    bench.offer("CS3", 1, |order| order.order_type = koogallery::order::OrderType::Unsubscribe);
    let renewal = refresh(&instance, "RENEWAL", "CS2", NOW + 800 * DAY);
    let refunds = [
        // By the order of the refund, and by the one that is refunded.
        refresh(&instance, "UNSUBSCRIBE_RENEWAL_PERIOD", "CS3", NOW + 400 * DAY),
        refresh(&instance, "UNSUBSCRIBE_RENEWAL_PERIOD", "CS2", NOW + 390 * DAY),
    ];
    assert_eq!(bench.code(renewal.clone()).await, "000000");
    for (refund, days) in refunds.iter().zip([400, 390]) {
        assert_eq!(bench.code(refund.clone()).await, "000000");
        assert_eq!(end().await, NOW + days * DAY);
        assert_eq!(bench.code(renewal.clone()).await, "000000");
        assert_eq!(end().await, NOW + days * DAY, "the renewal was paid back");
    }

    // Another order is another renewal, and the earlier refunds are not its.
    bench.offer("CS4", 7, |_| ());
    assert_eq!(bench.code(refresh(&instance, "RENEWAL", "CS4", NOW + 900 * DAY)).await, "000000");
    bench.until(|detail| detail.instance.machines.limit == Some(7), &instance).await;
    for refund in refunds {
        assert_eq!(bench.code(refund).await, "000000");
    }
    assert_eq!(end().await, NOW + 900 * DAY);
    assert_eq!(bench.detail(&instance).await.instance.machines.limit, Some(7));
}

#[tokio::test]
async fn a_trial_becomes_formal() {
    let bench = Bench::new().await;
    bench.offer("CS1", 1, |order| order.order_type = koogallery::order::OrderType::Trial);
    let instance = bench.create("CS1").await;
    let license = bench.ask(&instance, &device(1)).await.unwrap();
    assert!(bench.verify(&license.license).claims.trial);
    bench.offer("CS2", 1, |order| {
        order.order_type = koogallery::order::OrderType::TrialToFormal;
    });
    let call = refresh(&instance, "TRIAL_TO_FORMAL", "CS2", NOW + 400 * DAY);
    assert_eq!(bench.code(call).await, "000000");
    for _ in 0..PATIENCE {
        let license = bench.ask(&instance, &device(1)).await.unwrap();
        if !bench.verify(&license.license).claims.trial {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("still a trial");
}

#[tokio::test]
async fn freezing_suspends_unfreezing_reinstates_releasing_revokes() {
    let bench = Bench::new().await;
    let instance = bench.buy("CS1", 2).await;
    assert_eq!(bench.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let license = bench.detail(&instance).await.licenses[0].license_id.clone();
    let list = revocations(&bench).await;
    assert!(list.is_empty());
    let first = list.seq;

    let status = |status| json!({"activity": "updateInstanceStatus", "instanceId": instance, "status": status});
    for (call, state, stop) in [
        (status("FREEZE"), InstanceState::Frozen, Some(Stop::Suspended)),
        (status("FREEZE"), InstanceState::Frozen, Some(Stop::Suspended)),
        (status("UNFREEZE"), InstanceState::Active, None),
        (status("FREEZE"), InstanceState::Frozen, Some(Stop::Suspended)),
        (
            json!({"activity": "releaseInstance", "instanceId": instance}),
            InstanceState::Released,
            Some(Stop::Revoked),
        ),
    ] {
        assert_eq!(bench.code(call.clone()).await, "000000", "{call}");
        assert_eq!(bench.detail(&instance).await.instance.state, state);
        let list = revocations(&bench).await;
        assert_eq!(list.stop_of(&license), stop, "{call}");
        assert!(list.seq >= first);
    }
    assert!(revocations(&bench).await.seq > first);

    // Released is for good, and a second release is a success.
    let release = json!({"activity": "releaseInstance", "instanceId": instance});
    assert_eq!(bench.code(release).await, "000000");
    for call in [
        status("UNFREEZE"),
        refresh(&instance, "RENEWAL", "CS1", NOW + 9 * DAY),
        apply(&instance, "e-9", &device(1)),
    ] {
        assert_eq!(bench.code(call.clone()).await, "000003", "{call}");
    }
    assert_eq!(bench.call(new_instance("CS1")).await.instance_id, Some(instance));
}

#[tokio::test]
async fn the_list_changes_at_once_rises_and_forgets_what_is_over() {
    let bench = Bench::new().await;
    bench.offer("CS1", 1, |order| order.lines[0].expire_time = Some(NOW + 2 * DAY));
    let instance = bench.create("CS1").await;
    assert_eq!(bench.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let before = bench.desk.revocation_list().await.unwrap();
    let same = bench.desk.revocation_list().await.unwrap();
    assert_eq!((&before.document, &before.etag), (&same.document, &same.etag));
    let release = json!({"activity": "releaseInstance", "instanceId": instance});
    assert_eq!(bench.code(release).await, "000000");
    let after = bench.desk.revocation_list().await.unwrap();
    assert_ne!(before.etag, after.etag);
    let listed = revocations(&bench).await;
    assert_eq!(listed.len(), 1);

    // The clock stands still, and still the number rose; set back, it rises as well.
    bench.forward(-10 * DAY).await;
    let later = revocations(&bench).await;
    assert!(later.seq > listed.seq);
    // Over together with its grace of seven days.
    bench.forward(10 * DAY + 8 * DAY).await;
    assert_eq!(revocations(&bench).await.len(), 1);
    bench.forward(2 * DAY).await;
    assert_eq!(revocations(&bench).await.len(), 0);
}

#[tokio::test]
async fn the_buyer_reads_his_code() {
    let bench = Bench::bare().await;
    let mut ids = Vec::new();
    for i in 0..3 {
        let order = format!("CS{i}");
        ids.push(bench.call(new_instance(&order)).await.instance_id.unwrap());
    }
    let query = |ids: &str| json!({"activity": "queryInstance", "instanceId": ids});
    let answer = bench.call(query(&format!("{},unknown,{}", ids[0], ids[1]))).await;
    assert_eq!(answer.result_code.as_str(), "000000");
    let info = answer.info.unwrap();
    assert_eq!(info.len(), 2);
    let code = bench.detail(&ids[0]).await.instance.activation_code;
    let memo = info[0].app_info.memo.as_deref().unwrap();
    assert_eq!(memo, format!("激活码 / Activation code: {code}"));

    assert_eq!(bench.code(query("unknown")).await, "000003");
    assert_eq!(bench.code(query("")).await, "000002");
    assert_eq!(bench.code(query(&vec!["a"; 101].join(","))).await, "000002");
    let (signed, raw) = bench.sign(&query(&ids[0]));
    for _ in 0..2 {
        assert_eq!(bench.raw(&signed, &raw).await.result_code.as_str(), "000000");
    }
}
