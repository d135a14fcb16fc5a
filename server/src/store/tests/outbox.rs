//! Usage, alerts and waiting: what every database behind [`Tx`] must do.

use super::POSTGRES;
use super::suite::{application, fresh, instance, lease, license, upload};
use crate::store::Queue;
use crate::store::*;

fn usage(id: &str, number: &str) -> UsageRow {
    UsageRow {
        id: id.to_owned(),
        metering_sn: number.to_owned(),
        instance_id: "i".to_owned(),
        usage_value: "1.5".to_owned(),
        begin_time: 10,
        end_time: 20,
        record_time: 30,
        product_id: None,
        package: Some("某某".to_owned()),
        state: UsageState::Queued,
        attempts: 0,
        unanswered: false,
        old_form: false,
        together: 1000,
        next_at: 100,
        last_code: None,
        last_message: None,
        queued_at: 100,
        finished_at: None,
        lease_owner: None,
        license_id: Some("l-1".to_owned()),
        number: Some("计数-1".to_owned()),
    }
}

fn ids(rows: &[UsageRow]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

async fn with_usage(count: usize) -> (tempfile::TempDir, Store) {
    let (folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i")).await.unwrap();
    for i in 0..count {
        assert!(tx.add_usage(&usage(&format!("u-{i}"), &format!("sn-{i}"))).await.unwrap());
    }
    tx.commit().await.unwrap();
    (folder, store)
}

#[tokio::test]
async fn a_number_is_queued_once() {
    let (_folder, store) = with_usage(1).await;
    let mut tx = store.write().await.unwrap();
    assert!(!tx.add_usage(&usage("u-9", "sn-0")).await.unwrap());
    assert!(!tx.add_usage(&usage("u-0", "sn-0")).await.unwrap());
    assert_eq!(tx.usage_of_number("sn-0").await.unwrap(), Some(usage("u-0", "sn-0")));
    assert_eq!(tx.usage_of_number("sn-9").await.unwrap(), None);
    assert_eq!(tx.usage_record("u-0").await.unwrap(), Some(usage("u-0", "sn-0")));
    assert_eq!(tx.count_usage().await.unwrap(), (1, 0, 0));
}

#[tokio::test]
async fn calls_hold_records_of_one_size() {
    let (_folder, store) = with_usage(5).await;
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.next_due(Queue::Usage).await.unwrap(), Some(100));
    assert_eq!(tx.next_usage_call(99).await.unwrap(), None);
    assert_eq!(tx.next_usage_call(100).await.unwrap(), Some(1000));
    let taken = tx.claim_usage(100, 1000, false, &lease()).await.unwrap();
    assert_eq!(ids(&taken), ["u-0", "u-1", "u-2", "u-3", "u-4"]);
    assert!(taken.iter().all(|row| row.state == UsageState::Sending && row.attempts == 1));
    assert_eq!(tx.in_flight(Queue::Usage).await.unwrap(), 5);
    assert_eq!(tx.claim_usage(100, 1000, false, &lease()).await.unwrap(), []);

    // Half of them in calls of two.
    let delay = UsageDelay {
        next_at: 200,
        code: "MKT.0101",
        message: "wrong",
        unanswered: false,
        together: Some(2),
    };
    let some: Vec<String> = ["u-0", "u-1", "u-2"].map(str::to_owned).to_vec();
    tx.postpone_usage(&some, &delay).await.unwrap();
    assert_eq!(tx.next_usage_call(200).await.unwrap(), Some(2));
    let taken = tx.claim_usage(200, 2, false, &lease()).await.unwrap();
    assert_eq!(ids(&taken), ["u-0", "u-1"]);
    assert_eq!(taken[0].last_code.as_deref(), Some("MKT.0101"));
    assert_eq!(taken[0].attempts, 2);
    let call = tx.usage_of_call(&some).await.unwrap();
    assert_eq!(ids(&call), ["u-0", "u-1", "u-2"], "another server may have put u-2 back");
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_may_have_been_counted_twice_is_unclear() {
    use UsageState::{Delivered, Unclear};

    let (_folder, store) = with_usage(4).await;
    let mut tx = store.write().await.unwrap();
    let all: Vec<String> = (0..4).map(|i| format!("u-{i}")).collect();
    // The first two were sent in the old form, and the first and the third got no answer.
    let taken = tx.claim_usage(100, 1000, false, &lease()).await.unwrap();
    assert_eq!(taken.len(), 4);
    let back = |unanswered| UsageDelay {
        next_at: 100,
        code: "NO_ANSWER",
        message: "",
        unanswered,
        together: None,
    };
    tx.postpone_usage(&all[..2], &back(false)).await.unwrap();
    tx.claim_usage(100, 1000, true, &lease()).await.unwrap();
    for i in [0, 2] {
        tx.postpone_usage(&all[i..=i], &back(true)).await.unwrap();
        tx.claim_usage(100, 1000, false, &lease()).await.unwrap();
    }
    tx.deliver_usage(&all, 300).await.unwrap();
    let rows = tx
        .usage_records(&UsageQuery { state: None, instance_id: None, after: None, limit: 10 })
        .await
        .unwrap();
    let states: Vec<UsageState> = rows.iter().map(|row| row.state).collect();
    assert_eq!(states, [Unclear, Delivered, Delivered, Delivered]);
    assert!(rows.iter().all(|row| row.finished_at == Some(300) && row.last_code.is_none()));
    assert_eq!(tx.count_usage().await.unwrap(), (0, 0, 1));
    let query = UsageQuery {
        state: Some(Delivered),
        instance_id: Some("i".to_owned()),
        after: Some("u-1".to_owned()),
        limit: 1,
    };
    assert_eq!(ids(&tx.usage_records(&query).await.unwrap()), ["u-2"]);
}

#[tokio::test]
async fn usage_of_a_server_that_died_is_taken_over() {
    let (_folder, store) = with_usage(2).await;
    let mut tx = store.write().await.unwrap();
    tx.claim_usage(100, 1000, false, &lease()).await.unwrap();
    let held = vec!["u-0".to_owned()];
    assert_eq!(tx.requeue(Queue::Usage, &held).await.unwrap(), 1);
    let back = tx.usage_record("u-1").await.unwrap().unwrap();
    assert_eq!((back.state, back.unanswered), (UsageState::Queued, true));
    let long = Lease { owner: "server".to_owned(), seconds: 1000 };
    tx.renew(Queue::Usage, &held, &long).await.unwrap();
    assert_eq!(tx.requeue(Queue::Usage, &held).await.unwrap(), 0);
    let mut row = tx.usage_record("u-0").await.unwrap().unwrap();
    row.state = UsageState::Failed;
    row.last_code = Some("MKT.9004".to_owned());
    row.finished_at = Some(7);
    tx.put_usage(&row).await.unwrap();
    row.lease_owner = None;
    assert_eq!(tx.usage_record("u-0").await.unwrap(), Some(row));
    tx.commit().await.unwrap();
}

fn alert(id: &str, subject: &str, at: i64) -> AlertRow {
    AlertRow {
        id: id.to_owned(),
        alert: "storm".to_owned(),
        subject: subject.to_owned(),
        level: "warn".to_owned(),
        message: "words 告警".to_owned(),
        fields: "{}".to_owned(),
        at,
        again: 0,
    }
}

#[tokio::test]
async fn the_same_alert_is_counted_and_not_added() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    assert!(tx.add_alert(&alert("a-1", "x", 1000), 500).await.unwrap());
    assert!(!tx.add_alert(&alert("a-2", "x", 1100), 600).await.unwrap());
    assert!(tx.add_alert(&alert("a-3", "y", 1100), 600).await.unwrap());
    assert!(tx.add_alert(&alert("a-4", "x", 1500), 1000).await.unwrap(), "longer ago");
    assert_eq!(tx.alert("a-1").await.unwrap().unwrap().again, 1);
    assert_eq!(tx.alert("a-2").await.unwrap(), None);
    let query = |alert: Option<&str>, after: Option<&str>| AlertQuery {
        alert: alert.map(str::to_owned),
        after: after.map(str::to_owned),
        limit: 2,
    };
    let found = tx.alerts(&query(Some("storm"), Some("a-1"))).await.unwrap();
    assert_eq!(found, [alert("a-3", "y", 1100), alert("a-4", "x", 1500)]);
    assert_eq!(tx.alerts(&query(Some("calm"), None)).await.unwrap(), []);
    tx.add_delivery("a-1", AlertTarget::Webhook, 1000).await.unwrap();
    assert_eq!(tx.sweep_alerts(1050, 10).await.unwrap(), 1);
    assert_eq!(tx.alert("a-1").await.unwrap(), None);
    assert_eq!(tx.deliveries_of(&["a-1", "a-2"]).await.unwrap(), []);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn deliveries_are_taken_by_their_target() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_alert(&alert("a-1", "", 100), 0).await.unwrap();
    tx.add_delivery("a-1", AlertTarget::Webhook, 100).await.unwrap();
    tx.add_delivery("a-1", AlertTarget::Command, 100).await.unwrap();
    let command = [AlertTarget::Command];
    assert_eq!(tx.next_delivery(&[]).await.unwrap(), None);
    assert_eq!(tx.next_delivery(&command).await.unwrap(), Some(100));
    assert_eq!(tx.claim_deliveries(99, 9, &command, &lease()).await.unwrap(), []);
    let taken = tx.claim_deliveries(100, 9, &command, &lease()).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].target, taken[0].attempts), (AlertTarget::Command, 1));
    assert_eq!(tx.in_flight(Queue::AlertDeliveries).await.unwrap(), 1);

    assert_eq!(tx.requeue(Queue::AlertDeliveries, &[taken[0].id.clone()]).await.unwrap(), 0);
    assert_eq!(tx.requeue(Queue::AlertDeliveries, &[]).await.unwrap(), 1);
    let taken = tx.claim_deliveries(100, 1, &command, &lease()).await.unwrap();
    assert_eq!(taken[0].attempts, 2);
    let long = Lease { owner: "server".to_owned(), seconds: 1000 };
    tx.renew(Queue::AlertDeliveries, &[taken[0].id.clone()], &long).await.unwrap();
    let mut row = tx.delivery(&taken[0].id).await.unwrap().unwrap();
    row.state = DeliveryState::Failed;
    row.last_error = Some("exit code 1".to_owned());
    row.finished_at = Some(200);
    tx.put_delivery(&row).await.unwrap();
    let [one, other] = &tx.deliveries_of(&["a-1"]).await.unwrap()[..] else { panic!("two") };
    assert_eq!((one.target, one.state), (AlertTarget::Command, DeliveryState::Failed));
    assert_eq!((other.target, other.state), (AlertTarget::Webhook, DeliveryState::Queued));
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn orders_that_were_not_read_are_found_once() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    // One of the first edition has more time, and is paid back last although it came first.
    for (id, at, first_edition) in
        [("i-0", 900, true), ("i-1", 1000, false), ("i-2", 2000, false), ("i-3", 3000, false)]
    {
        let row = Instance { created_at: at, first_edition, ..instance(id) };
        tx.add_instance(&row).await.unwrap();
        tx.queue_order(id, &row.order_id, "1", "NEW", at).await.unwrap();
    }
    assert_eq!(tx.unread_orders(3600).await.unwrap(), (4, Some(1000)));
    let near = |id: &str, at| (id.to_owned(), at, false);
    let found = tx.refunds_nearing(2000, 3600, 60, 10).await.unwrap();
    assert_eq!(found, [near("i-1", 1000), near("i-2", 2000)]);
    assert!(tx.add_refund_warning("i-1", 60, 5000).await.unwrap());
    assert!(!tx.add_refund_warning("i-1", 60, 5000).await.unwrap());
    assert_eq!(tx.refunds_nearing(2000, 3600, 60, 10).await.unwrap(), [near("i-2", 2000)]);
    assert_eq!(tx.refunds_nearing(2000, 3600, 30, 1).await.unwrap(), [near("i-1", 1000)]);

    tx.put_instance_state("i-1", InstanceState::Released, 6000).await.unwrap();
    assert_eq!(tx.unread_orders(3600).await.unwrap(), (3, Some(2000)));
    assert_eq!(tx.refunds_nearing(4499, 3600, 10, 10).await.unwrap().len(), 2);
    let all = tx.refunds_nearing(4500, 3600, 10, 10).await.unwrap();
    assert_eq!(all[0], ("i-0".to_owned(), 900, true));
    assert_eq!(all.len(), 3);
    assert_eq!(tx.longest_wait().await.unwrap(), None);
    assert!(tx.waits_of(&["i-2"]).await.unwrap().is_empty());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_buyer_waits_for_what_was_kept() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i-1")).await.unwrap();
    let mut application = Application {
        event_id: "e-1".to_owned(),
        fingerprint: vec![1],
        instance_id: "i-1".to_owned(),
        state: ApplicationState::Held,
        code: Some("000900".to_owned()),
        device: None,
        not_before: None,
        expires: None,
        license_id: None,
        received_at: 500,
    };
    tx.put_application(&application).await.unwrap();
    let waits = Wait { instance_id: "i-1".into(), kept: 1, since: 500 };
    assert_eq!(tx.waits_of(&["i-1", "i-2"]).await.unwrap(), [waits]);
    assert_eq!(tx.longest_wait().await.unwrap(), Some(500));
    application.state = ApplicationState::Superseded;
    tx.put_application(&application).await.unwrap();
    assert!(tx.waits_of(&["i-1"]).await.unwrap().is_empty());
    assert_eq!(tx.longest_wait().await.unwrap(), None);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_buyer_waits_for_what_did_not_arrive() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i")).await.unwrap();
    // Nobody waits for the oldest one any more.
    for (id, event, at) in [("l-1", "e-1", 100), ("l-2", "e-2", 200), ("l-3", "e-3", 300)] {
        tx.add_license(&license(id, "i", None)).await.unwrap();
        tx.add_upload(&upload(&id.replace('l', "u"), id, event)).await.unwrap();
        let served = Application {
            state: ApplicationState::Served,
            license_id: Some(id.to_owned()),
            ..application(event, 1, at)
        };
        tx.put_application(&served).await.unwrap();
    }
    tx.put_license_state("l-1", LicenseState::Revoked, Some("operator"), 400).await.unwrap();
    let since = |since| Wait { instance_id: "i".into(), kept: 0, since };
    assert_eq!(tx.waits_of(&["i"]).await.unwrap(), [since(200)]);
    for (id, left) in [("u-2", vec![since(300)]), ("u-3", Vec::new())] {
        let mut done = tx.upload(id).await.unwrap().unwrap();
        done.state = UploadState::Delivered;
        tx.put_upload(&done).await.unwrap();
        assert_eq!(tx.waits_of(&["i"]).await.unwrap(), left);
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_waits_for_a_clock_that_was_ahead_is_due_in_every_queue() {
    let (_folder, store) = with_usage(2).await;
    let mut tx = store.write().await.unwrap();
    let delay = |next_at| UsageDelay {
        next_at,
        code: "NO_ANSWER",
        message: "",
        unanswered: false,
        together: None,
    };
    tx.postpone_usage(&["u-0".to_owned()], &delay(10_000)).await.unwrap();
    tx.postpone_usage(&["u-1".to_owned()], &delay(300)).await.unwrap();
    tx.add_alert(&alert("a-1", "x", 100), 0).await.unwrap();
    tx.add_delivery("a-1", AlertTarget::Webhook, 10_000).await.unwrap();
    assert_eq!(clamp_all(&mut *tx, 100, 400).await, 2);
    assert_eq!(tx.next_due(Queue::Usage).await.unwrap(), Some(100));
    assert_eq!(tx.next_delivery(&[AlertTarget::Webhook]).await.unwrap(), Some(100));
    assert_eq!(clamp_all(&mut *tx, 100, 400).await, 0);
}

#[tokio::test]
async fn an_alert_of_a_clock_that_was_ahead_silences_nothing() {
    let (_folder, store) = with_usage(0).await;
    let mut tx = store.write().await.unwrap();
    assert!(tx.add_alert(&alert("a-1", "x", 10_000), 0).await.unwrap());
    assert!(tx.add_alert(&alert("a-2", "x", 5_000), 1_000).await.unwrap());
    // Two servers' clocks differ a little.
    assert!(!tx.add_alert(&alert("a-3", "x", 4_999), 1_000).await.unwrap());
}

#[tokio::test]
async fn servers_that_forget_alerts_at_once_take_different_ones() {
    if !POSTGRES {
        return; // One server has the file.
    }
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    for number in 0..4 {
        let id = format!("a-{number}");
        assert!(tx.add_alert(&alert(&id, &id, number), 0).await.unwrap());
        tx.add_delivery(&id, AlertTarget::Webhook, 0).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (mut one, mut other) = (store.write().await.unwrap(), store.write().await.unwrap());
    assert_eq!(one.sweep_alerts(100, 2).await.unwrap(), 2);
    assert_eq!(other.sweep_alerts(100, 3).await.unwrap(), 2);
    other.commit().await.unwrap();
    one.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.next_delivery(&[AlertTarget::Webhook]).await.unwrap(), None);
}

#[tokio::test]
async fn no_lease_holds_anything_for_longer_than_two_minutes() {
    let (_folder, store) = with_usage(2).await;
    // SQLite has one server, which holds no lease against itself.
    let Store::Postgres(postgres) = &store else { return };
    let lease = Lease::of("server");
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.claim_usage(100, 1000, false, &lease).await.unwrap().len(), 2);
    tx.add_alert(&alert("a-1", "x", 100), 0).await.unwrap();
    tx.add_delivery("a-1", AlertTarget::Webhook, 100).await.unwrap();
    let targets = [AlertTarget::Webhook];
    assert_eq!(tx.claim_deliveries(100, 1, &targets, &lease).await.unwrap().len(), 1);
    assert_eq!(tx.requeue(Queue::Usage, &[]).await.unwrap(), 0);
    assert_eq!(tx.requeue(Queue::AlertDeliveries, &[]).await.unwrap(), 0);
    tx.commit().await.unwrap();
    // Far ahead of the database's clock: that one was set back.
    postgres.put_leases(4_000_000_000).await;
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.requeue(Queue::Usage, &[]).await.unwrap(), 2);
    assert_eq!(tx.requeue(Queue::AlertDeliveries, &[]).await.unwrap(), 1);
    tx.rollback().await;
}

async fn clamp_all(tx: &mut dyn Tx, now: i64, latest: i64) -> u64 {
    let mut count = 0;
    for queue in Queue::ALL {
        count += tx.clamp_due(queue, now, latest).await.unwrap();
    }
    count
}
