//! What every database behind [`Tx`] must do: run for each of them.

use std::collections::BTreeSet;

use super::POSTGRES;
use crate::config::{Database, Secret};
use crate::store::Queue;
use crate::store::cluster::Cluster;
use crate::store::*;

/// A fresh database, and a folder that must outlive it.
pub(super) async fn fresh() -> (tempfile::TempDir, Store) {
    let folder = tempfile::TempDir::new().unwrap();
    let mut database = Database::Sqlite;
    if POSTGRES {
        match Cluster::shared() {
            Some(cluster) => database = Database::Postgres(Secret::new(cluster.database())),
            None => eprintln!("LICD_TEST_POSTGRES=skip: this ran on SQLite once more"),
        }
    }
    let store = Store::open(&database, folder.path()).await.unwrap();
    (folder, store)
}

/// Ends at once, so that others may take over.
pub(super) fn lease() -> Lease {
    Lease { owner: "server".to_owned(), seconds: -1 }
}

pub(super) fn instance(id: &str) -> Instance {
    Instance {
        id: id.to_owned(),
        order_id: format!("order-{id}"),
        line_id: "1".to_owned(),
        activation_code: format!("code-{id}"),
        state: InstanceState::Active,
        created_at: 100,
        changed_at: 100,
        market_product: None,
        sku: None,
        product: None,
        quantity: None,
        period: None,
        charging: None,
        trial: None,
        customer: None,
        expires: None,
        expires_set: false,
        machines_used: 0,
        judge_due: false,
        first_edition: false,
    }
}

fn terms(quantity: i64) -> Terms {
    Terms {
        market_product: Some("mp".to_owned()),
        sku: Some("sku".to_owned()),
        product: None,
        quantity,
        period: true,
        charging: Some("PERIOD".to_owned()),
        trial: false,
        customer: Some("某某科技".to_owned()),
        expires: Some(9_000),
    }
}

pub(super) fn license(id: &str, instance: &str, machine: Option<&str>) -> LicenseRow {
    LicenseRow {
        id: id.to_owned(),
        instance_id: instance.to_owned(),
        machine_id: machine.map(str::to_owned),
        event_id: None,
        product: "p".to_owned(),
        issued_at: 100,
        not_before: None,
        expires: Some(1000),
        grace: 50,
        terms: vec![1, 2, 3],
        document: format!("document of {id}"),
        state: LicenseState::Active,
        reason: None,
        changed_at: 100,
    }
}

pub(super) fn upload(id: &str, license: &str, event: &str) -> UploadRow {
    UploadRow {
        id: id.to_owned(),
        event_id: event.to_owned(),
        instance_id: "i".to_owned(),
        license_id: license.to_owned(),
        file: Some(vec![0, 255, 1]),
        state: UploadState::Queued,
        attempts: 0,
        unanswered: false,
        next_at: 100,
        last_code: None,
        last_message: None,
        queued_at: 100,
        finished_at: None,
        lease_owner: None,
    }
}

/// What was taken, without what is sent.
pub(super) fn rows(parcels: Vec<Parcel>) -> Vec<UploadRow> {
    parcels.into_iter().map(|parcel| parcel.row).collect()
}

pub(super) fn application(event: &str, fingerprint: u8, at: i64) -> Application {
    Application {
        event_id: event.to_owned(),
        fingerprint: vec![fingerprint; 32],
        instance_id: "i".to_owned(),
        state: ApplicationState::Waiting,
        code: None,
        device: Some("|D||".to_owned()),
        not_before: Some(1),
        expires: None,
        license_id: None,
        received_at: at,
    }
}

pub(super) fn machine(id: &str, instance: &str) -> Machine {
    Machine {
        id: id.to_owned(),
        instance_id: instance.to_owned(),
        binding: "{}".to_owned(),
        by_code: true,
        enrolled_at: 100,
        freed_at: None,
    }
}

#[tokio::test]
async fn commits_are_seen_and_everything_else_is_not() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    assert!(tx.add_instance(&instance("i")).await.unwrap());
    let mut view = store.read().await.unwrap();
    assert_eq!(view.instance("i").await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(view.instance("i").await.unwrap(), None, "a view does not move");
    drop(view);
    assert!(store.read().await.unwrap().instance("i").await.unwrap().is_some());

    for rolled_back in [true, false] {
        let mut tx = store.write().await.unwrap();
        assert!(tx.add_instance(&instance("j")).await.unwrap());
        if rolled_back {
            tx.rollback().await;
        } else {
            drop(tx);
        }
        let mut view = store.read().await.unwrap();
        assert_eq!(view.instance("j").await.unwrap(), None);
    }
}

#[tokio::test]
async fn writers_wait_for_each_other_and_never_fail() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i")).await.unwrap();
    tx.commit().await.unwrap();
    let writers: Vec<_> = (0..40)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut tx = store.write().await?;
                let found = tx.instance("i").await?.unwrap();
                tokio::task::yield_now().await;
                if found.machines_used < 20 {
                    tx.add_machines_used("i", 1).await?;
                }
                tx.commit().await
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    let mut view = store.read().await.unwrap();
    assert_eq!(view.instance("i").await.unwrap().unwrap().machines_used, 20);
}

#[tokio::test]
async fn instances_are_unique_by_id_order_line_and_code() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    assert!(tx.add_instance(&instance("i")).await.unwrap());
    for twin in [
        Instance { order_id: "x".into(), activation_code: "x".into(), ..instance("i") },
        Instance { id: "j".into(), activation_code: "x".into(), ..instance("i") },
        Instance { id: "j".into(), order_id: "x".into(), ..instance("i") },
    ] {
        assert!(!tx.add_instance(&twin).await.unwrap());
    }
    let found = tx.instance_of_order("order-i", "1").await.unwrap().unwrap();
    assert_eq!(found, instance("i"));
    assert_eq!(tx.instance_of_order("order-i", "2").await.unwrap(), None);
    assert_eq!(tx.instance_of_code("code-i").await.unwrap().unwrap().id, "i");
    assert_eq!(tx.instance_of_code("CODE-I").await.unwrap(), None);

    tx.put_instance_terms("i", &terms(3), 200).await.unwrap();
    let read = tx.instance("i").await.unwrap().unwrap();
    assert_eq!((read.quantity, read.expires, read.period), (Some(3), Some(9_000), Some(true)));
    tx.put_instance_expiry("i", 500, 201).await.unwrap();
    tx.put_instance_terms("i", &terms(4), 202).await.unwrap();
    let read = tx.instance("i").await.unwrap().unwrap();
    assert_eq!((read.quantity, read.expires, read.changed_at), (Some(4), Some(500), 202));
    tx.put_instance_state("i", InstanceState::Frozen, 203).await.unwrap();
    assert_eq!(tx.instance("i").await.unwrap().unwrap().state, InstanceState::Frozen);
}

#[tokio::test]
async fn goods_go_to_whoever_names_them_best() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    for (id, sku) in [("a", "sku"), ("b", "other")] {
        let mut one = instance(id);
        one.market_product = Some("mp".into());
        one.sku = Some(sku.into());
        tx.add_instance(&one).await.unwrap();
    }
    let product = |id: &str| ProductRow {
        id: id.to_owned(),
        name: id.to_owned(),
        terms: "{}".to_owned(),
        applied_at: 1,
    };
    let all = [("mp".to_owned(), String::new())];
    let exact = [("mp".to_owned(), "sku".to_owned())];
    tx.put_product(&product("exact"), &exact).await.unwrap();
    tx.put_product(&product("all"), &all).await.unwrap();
    assert_eq!(tx.claim_instances("mp", "", "all").await.unwrap(), 1);
    assert_eq!(tx.claim_instances("mp", "sku", "exact").await.unwrap(), 1);
    assert_eq!(tx.instance("a").await.unwrap().unwrap().product.as_deref(), Some("exact"));
    assert_eq!(tx.instance("b").await.unwrap().unwrap().product.as_deref(), Some("all"));
    assert_eq!(tx.instances_to_judge(10).await.unwrap(), ["a", "b"]);
    tx.put_judge_due("a", false).await.unwrap();
    assert_eq!(tx.instances_to_judge(10).await.unwrap(), ["b"]);
    assert_eq!(tx.product_of_goods("mp", "sku").await.unwrap().as_deref(), Some("exact"));
    assert_eq!(tx.product_of_goods("mp", "").await.unwrap().as_deref(), Some("all"));
    assert_eq!(tx.product_of_goods("mp", "none").await.unwrap(), None);

    // Without a variant they go to the only product that any variant is.
    for (id, sku) in [("c", None), ("d", Some("")), ("e", Some("third"))] {
        let mut one = instance(id);
        one.market_product = Some("variants".into());
        one.sku = sku.map(Into::into);
        tx.add_instance(&one).await.unwrap();
    }
    for (id, sku, claimed) in [("only", "first", 2), ("late", "second", 0), ("only", "first", 0)] {
        let goods = [("variants".to_owned(), sku.to_owned())];
        tx.put_product(&product(id), &goods).await.unwrap();
        assert_eq!(tx.claim_instances("variants", sku, id).await.unwrap(), claimed, "{id}");
    }
    for (id, owner) in [("c", Some("only")), ("d", Some("only")), ("e", None)] {
        assert_eq!(tx.instance(id).await.unwrap().unwrap().product.as_deref(), owner, "{id}");
    }
    for id in ["only", "late"] {
        tx.put_product(&product(id), &[]).await.unwrap();
    }

    // Applied again without its goods it keeps what it has.
    tx.put_product(&product("exact"), &[]).await.unwrap();
    assert_eq!(tx.product_of_goods("mp", "sku").await.unwrap(), None);
    assert_eq!(tx.instance("a").await.unwrap().unwrap().product.as_deref(), Some("exact"));
    let ids = |rows: Vec<ProductRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(tx.products(None, 1).await.unwrap()), ["all"]);
    assert_eq!(ids(tx.products(Some("all"), 9).await.unwrap()), ["exact", "late", "only"]);
    assert_eq!(tx.product("exact").await.unwrap(), Some(product("exact")));
}

#[tokio::test]
async fn instances_are_listed_by_what_is_asked_for() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    for id in ["a", "b", "c"] {
        tx.add_instance(&instance(id)).await.unwrap();
    }
    tx.put_instance_state("b", InstanceState::Released, 1).await.unwrap();
    let all = InstanceQuery { order_id: None, product: None, state: None, after: None, limit: 10 };
    for (query, expected) in [
        (all.clone(), vec!["a", "b", "c"]),
        (InstanceQuery { limit: 2, ..all.clone() }, vec!["a", "b"]),
        (InstanceQuery { after: Some("a".into()), ..all.clone() }, vec!["b", "c"]),
        (InstanceQuery { state: Some(InstanceState::Released), ..all.clone() }, vec!["b"]),
        (InstanceQuery { order_id: Some("order-c".into()), ..all.clone() }, vec!["c"]),
        (InstanceQuery { product: Some("none".into()), ..all }, vec![]),
    ] {
        let ids: Vec<_> = tx.instances(&query).await.unwrap().into_iter().map(|i| i.id).collect();
        assert_eq!(ids, expected, "{query:?}");
    }
}

#[tokio::test]
async fn test_instances_live_apart() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    assert!(tx.add_test_instance("t", "o", "1", 5).await.unwrap());
    assert!(!tx.add_test_instance("u", "o", "1", 5).await.unwrap());
    assert!(tx.is_test_instance("t").await.unwrap());
    assert!(!tx.is_test_instance("i").await.unwrap());
    assert_eq!(tx.test_instance_of_order("o", "1").await.unwrap().as_deref(), Some("t"));
    assert_eq!(tx.instance("t").await.unwrap(), None);
}

#[tokio::test]
async fn nonces_count_once_and_are_swept_in_steps() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    for i in 0..5_u8 {
        assert!(tx.add_nonce(&[i], 100 + i64::from(i)).await.unwrap());
        assert!(!tx.add_nonce(&[i], 900).await.unwrap());
    }
    assert_eq!(tx.sweep_nonces(103, 2).await.unwrap(), 2);
    assert_eq!(tx.sweep_nonces(103, 2).await.unwrap(), 1);
    assert_eq!(tx.sweep_nonces(103, 2).await.unwrap(), 0);
    assert!(tx.add_nonce(&[0], 900).await.unwrap());
    assert!(!tx.add_nonce(&[3], 900).await.unwrap());
}

#[tokio::test]
async fn orders_are_taken_once_postponed_and_read() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i")).await.unwrap();
    tx.queue_order("i", "o", "1", "NEW", 100).await.unwrap();
    tx.queue_order("i", "p", "1", "RENEWAL", 101).await.unwrap();
    assert_eq!(tx.next_due(Queue::Orders).await.unwrap(), Some(100));
    assert_eq!(tx.claim_orders(99, 9, &lease()).await.unwrap(), []);
    let first = tx.claim_orders(100, 9, &lease()).await.unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].attempts, first[0].state), (1, OrderState::Reading));
    assert_eq!(tx.claim_orders(100, 9, &lease()).await.unwrap(), []);
    // A re-send does not take it out of the hands of whoever reads it.
    assert!(!tx.queue_order("i", "o", "1", "NEW", 100).await.unwrap());
    assert_eq!(tx.claim_orders(100, 9, &lease()).await.unwrap(), []);

    tx.postpone_order(first[0].id, 150, "MKT.0999", "busy").await.unwrap();
    assert_eq!(tx.orders_queued().await.unwrap(), 2);
    let again = tx.claim_orders(200, 9, &lease()).await.unwrap();
    assert_eq!(again.len(), 2);
    let new = again.iter().find(|order| order.scene == "NEW").unwrap();
    assert_eq!((new.attempts, new.last_code.as_deref()), (2, Some("MKT.0999")));
    assert_eq!(tx.requeue(Queue::Orders, &[]).await.unwrap(), 2);
    assert_eq!(tx.claim_orders(200, 1, &lease()).await.unwrap().len(), 1);
    let pending = tx.pending_orders(&["j", "i"]).await.unwrap();
    let states: Vec<_> = pending.iter().map(|order| order.state).collect();
    assert!(states.contains(&OrderState::Queued) && states.contains(&OrderState::Reading));
    assert!(pending.is_sorted_by_key(|order| order.id) && pending.len() == 2);
    assert!(tx.pending_orders(&["j"]).await.unwrap().is_empty());
    assert_eq!(tx.claim_orders(200, 1, &lease()).await.unwrap().len(), 1);

    assert_eq!(tx.order_in_force("i").await.unwrap(), None);
    for (order, quantity) in again.iter().zip([1, 5]) {
        let quantity = if order.scene == "NEW" { 1 } else { quantity };
        tx.put_order_read(order.id, &terms(quantity), true, 300).await.unwrap();
    }
    let force = tx.order_in_force("i").await.unwrap().unwrap();
    assert_eq!((force.order_id.as_str(), force.quantity), ("p", Some(5)));
    assert_eq!((force.last_code, force.read_at), (None, Some(300)));
    // While it is read again its terms stay.
    tx.queue_order("i", "p", "1", "RENEWAL", 400).await.unwrap();
    assert_eq!(tx.order_in_force("i").await.unwrap().unwrap().order_id, "p");
    assert!(tx.refund_order("i", "p").await.unwrap());
    assert!(!tx.refund_order("i", "p").await.unwrap());
    assert!(!tx.refund_order("i", "o").await.unwrap(), "the purchase itself is never refunded so");
    assert_eq!(tx.order_in_force("i").await.unwrap().unwrap().order_id, "o");
    assert!(!tx.queue_order("i", "p", "1", "RENEWAL", 500).await.unwrap());
    assert_eq!(tx.order(force.id).await.unwrap().unwrap().state, OrderState::Refunded);

    tx.queue_order("i", "q", "1", "UNSUBSCRIBE_RENEWAL_PERIOD", 500).await.unwrap();
    let refund = tx.claim_orders(500, 9, &lease()).await.unwrap();
    tx.put_order_read(refund[0].id, &terms(99), false, 501).await.unwrap();
    assert_eq!(tx.order_in_force("i").await.unwrap().unwrap().order_id, "o");
    assert_eq!(tx.orders_of("i").await.unwrap().len(), 3);
    assert!(tx.pending_orders(&["i"]).await.unwrap().is_empty());
}

#[tokio::test]
async fn applications_are_kept_by_event_and_fingerprint() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i")).await.unwrap();
    for (event, fingerprint, at) in [("b", 1, 10), ("a", 1, 11), ("c", 1, 10), ("a", 2, 12)] {
        tx.put_application(&application(event, fingerprint, at)).await.unwrap();
    }
    assert_eq!(tx.applications_of_event("a").await.unwrap().len(), 2);
    let first = tx.kept_applications("i", None, 2).await.unwrap();
    let events = |rows: &[Application]| -> Vec<String> {
        rows.iter().map(|row| row.event_id.clone()).collect()
    };
    assert_eq!(events(&first), ["b", "c"]);
    let after = Cursor { received_at: 10, event_id: "c".into() };
    assert_eq!(events(&tx.kept_applications("i", Some(&after), 9).await.unwrap()), ["a", "a"]);
    let mut served = first[0].clone();
    served.state = ApplicationState::Served;
    served.device = None;
    served.license_id = Some("l".into());
    tx.put_application(&served).await.unwrap();
    assert_eq!(tx.applications_of_event("b").await.unwrap(), [served]);
    let mut held = first[1].clone();
    held.state = ApplicationState::Held;
    held.code = Some("000900".into());
    tx.put_application(&held).await.unwrap();
    assert_eq!(tx.count_kept().await.unwrap(), (2, 1));
    let waits = Wait { instance_id: "i".into(), kept: 3, since: 10 };
    assert_eq!(tx.waits_of(&["j", "i"]).await.unwrap(), [waits]);
    assert!(tx.waits_of(&["j"]).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_application_stands_while_nothing_is_to_be_judged() {
    use ApplicationState::{Held, Served, Superseded, Waiting};

    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i")).await.unwrap();
    for (event, state) in [("a", Waiting), ("b", Held), ("c", Served), ("d", Superseded)] {
        let row = Application { state, ..application(event, 1, 10) };
        tx.put_application(&row).await.unwrap();
    }
    tx.commit().await.unwrap();
    let standing = async |events: &[&str]| {
        let found = store.read().await.unwrap().accepted_applications(events).await.unwrap();
        assert!(found.iter().all(|row| row.instance == "i" && row.fingerprint == [1; 32]));
        let mut events: Vec<String> = found.into_iter().map(|row| row.event).collect();
        events.sort();
        events
    };
    assert_eq!(standing(&["a", "b", "c", "d", "e", "c"]).await, ["a", "c"]);
    assert!(standing(&[]).await.is_empty());

    let is = async |state, judge_due| {
        let mut tx = store.write().await.unwrap();
        tx.put_instance_state("i", state, 20).await.unwrap();
        tx.put_judge_due("i", judge_due).await.unwrap();
        tx.commit().await.unwrap();
    };
    for (state, judge_due) in [(InstanceState::Active, true), (InstanceState::Released, false)] {
        is(state, judge_due).await;
        assert!(standing(&["a", "c"]).await.is_empty(), "{state:?}, {judge_due}");
    }
    is(InstanceState::Frozen, false).await;
    assert_eq!(standing(&["a", "c"]).await, ["a", "c"], "its first answer stands");
}

#[tokio::test]
async fn machines_are_found_by_any_part() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    for id in ["i", "j"] {
        tx.add_instance(&instance(id)).await.unwrap();
    }
    let digests = |list: &[&str]| list.iter().map(|d| (*d).to_owned()).collect::<Vec<_>>();
    tx.add_machine(&machine("m", "i"), &digests(&["x", "y", "y"])).await.unwrap();
    tx.add_machine(&machine("n", "i"), &digests(&["y", "z", "w"])).await.unwrap();
    tx.add_machine(&machine("o", "j"), &digests(&["x", "y", "z"])).await.unwrap();
    let ids = async |tx: &mut Box<dyn Tx>, list: &[&str]| {
        let found = tx.machines_like("i", &digests(list)).await.unwrap();
        found.into_iter().map(|machine| machine.id).collect::<Vec<_>>()
    };
    let all = MachineQuery { instance_id: None, after: None, limit: 9 };
    for (query, listed) in [
        (all.clone(), vec!["m", "n", "o"]),
        (MachineQuery { limit: 1, ..all.clone() }, vec!["m"]),
        (MachineQuery { after: Some("m".into()), ..all.clone() }, vec!["n", "o"]),
        (MachineQuery { instance_id: Some("i".into()), ..all.clone() }, vec!["m", "n"]),
        (
            MachineQuery { instance_id: Some("i".into()), after: Some("m".into()), ..all.clone() },
            vec!["n"],
        ),
        (MachineQuery { instance_id: Some("nobody".into()), ..all.clone() }, vec![]),
    ] {
        let found = tx.machines(&query).await.unwrap();
        assert_eq!(found.iter().map(|m| m.id.as_str()).collect::<Vec<_>>(), listed, "{query:?}");
    }
    assert_eq!(tx.machine("m").await.unwrap(), Some(machine("m", "i")));
    assert_eq!(tx.machine("nobody").await.unwrap(), None);
    assert_eq!(ids(&mut tx, &["y", "z"]).await, ["n", "m"]);
    assert_eq!(ids(&mut tx, &["x"]).await, ["m"]);
    assert!(ids(&mut tx, &["none"]).await.is_empty());
    assert!(ids(&mut tx, &[]).await.is_empty());
    assert!(tx.free_machine("m", 200).await.unwrap());
    assert!(!tx.free_machine("m", 201).await.unwrap());
    assert!(ids(&mut tx, &["x"]).await.is_empty());
    assert_eq!(tx.machines(&all).await.unwrap().len(), 2, "a free one holds no place");
    assert_eq!(tx.machine("m").await.unwrap().unwrap().freed_at, Some(200));
    assert_eq!(tx.newest_by_code("i", 2).await.unwrap(), Some(100));
    assert_eq!(tx.newest_by_code("i", 3).await.unwrap(), None);
    assert_eq!(tx.newest_by_code("nobody", 1).await.unwrap(), None);
}

#[tokio::test]
async fn licenses_are_stopped_and_let_go_for_their_reason() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i")).await.unwrap();
    tx.add_machine(&machine("m", "i"), &[]).await.unwrap();
    for (id, machine) in [("a", Some("m")), ("b", Some("m")), ("c", None), ("d", None)] {
        tx.add_license(&license(id, "i", machine)).await.unwrap();
    }
    assert_eq!(tx.license("a").await.unwrap(), Some(license("a", "i", Some("m"))));
    let in_force = tx.licenses_in_force("i", Some("m"), &[1, 2, 3]).await.unwrap();
    assert_eq!(in_force.iter().map(|l| l.id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(tx.licenses_in_force("i", None, &[1, 2, 3]).await.unwrap().len(), 2);
    assert!(tx.licenses_in_force("i", None, &[9]).await.unwrap().is_empty());
    assert_eq!(tx.machine_licenses("m").await.unwrap(), 2);

    tx.put_license_state("d", LicenseState::Suspended, Some("operator"), 150).await.unwrap();
    assert!(tx.is_suspended("i", None).await.unwrap());
    assert!(!tx.is_suspended("i", Some("m")).await.unwrap());
    assert_eq!(tx.freeze_licenses("i", 200).await.unwrap(), 3);
    assert_eq!(tx.listed_licenses(200).await.unwrap().len(), 4);
    assert!(!tx.is_suspended("i", Some("m")).await.unwrap(), "frozen by the marketplace");
    assert_eq!(tx.unfreeze_licenses("i", 201).await.unwrap(), 3);
    let listed = tx.listed_licenses(201).await.unwrap();
    assert_eq!(listed, [("d".to_owned(), LicenseState::Suspended)]);
    tx.put_license_state("a", LicenseState::Revoked, Some("superseded"), 202).await.unwrap();
    assert_eq!(tx.machine_licenses("m").await.unwrap(), 1);
    tx.put_license_state("b", LicenseState::Suspended, Some("operator"), 202).await.unwrap();
    assert!(tx.is_suspended("i", Some("m")).await.unwrap());
    assert!(!tx.is_suspended("j", Some("m")).await.unwrap());
    assert_eq!(tx.newest_returned("i", 1).await.unwrap(), None);
    assert_eq!(tx.revoke_machine("m", "returned", 202).await.unwrap(), 1);
    assert_eq!(tx.revoke_machine("m", "operator", 203).await.unwrap(), 0);
    assert_eq!(tx.newest_returned("i", 1).await.unwrap(), Some(202));
    assert_eq!(tx.newest_returned("i", 2).await.unwrap(), None);
    assert_eq!(tx.newest_returned("j", 1).await.unwrap(), None);
    assert!(!tx.is_suspended("i", Some("m")).await.unwrap());
    assert_eq!(tx.machine_licenses("m").await.unwrap(), 0);
    assert_eq!(tx.release_licenses("i", 203).await.unwrap(), 2);
    assert_eq!(tx.release_licenses("i", 204).await.unwrap(), 0);
    assert_eq!(tx.unfreeze_licenses("i", 205).await.unwrap(), 0);
    let a = tx.license("a").await.unwrap().unwrap();
    assert_eq!((a.reason.as_deref(), a.changed_at), (Some("superseded"), 202));
    // Over at 1000, with 50 of grace.
    assert_eq!(tx.listed_licenses(1050).await.unwrap().len(), 4);
    assert_eq!(tx.listed_licenses(1051).await.unwrap(), []);
    let all = LicenseQuery {
        instance_id: None,
        machine_id: None,
        product: None,
        state: None,
        after: None,
        limit: 9,
    };
    for (query, count) in [
        (all.clone(), 4),
        (LicenseQuery { after: Some("b".into()), ..all.clone() }, 2),
        (LicenseQuery { state: Some(LicenseState::Active), ..all.clone() }, 0),
        (LicenseQuery { product: Some("p".into()), limit: 3, ..all.clone() }, 3),
        (LicenseQuery { machine_id: Some("m".into()), ..all.clone() }, 2),
        (LicenseQuery { instance_id: Some("j".into()), ..all }, 0),
    ] {
        assert_eq!(tx.licenses(&query).await.unwrap().len(), count, "{query:?}");
    }
}

#[tokio::test]
async fn uploads_are_queued_once_by_content_and_taken_once() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i")).await.unwrap();
    tx.add_license(&license("l", "i", None)).await.unwrap();
    tx.add_upload(&upload("a", "l", "e")).await.unwrap();
    tx.add_upload(&upload("b", "l", "e")).await.unwrap();
    tx.add_upload(&UploadRow { next_at: 101, ..upload("c", "l", "f") }).await.unwrap();
    assert_eq!(tx.upload("a").await.unwrap(), Some(upload("a", "l", "e")));
    assert_eq!(tx.upload("b").await.unwrap(), None);
    assert_eq!(tx.upload_of_license("l").await.unwrap().unwrap().id, "a");
    assert_eq!(tx.next_due(Queue::Uploads).await.unwrap(), Some(100));

    let taken = rows(tx.claim_uploads(100, 9, &lease()).await.unwrap());
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].attempts, taken[0].state), (1, UploadState::Sending));
    assert_eq!(rows(tx.claim_uploads(100, 9, &lease()).await.unwrap()), []);
    assert_eq!(tx.requeue(Queue::Uploads, &[]).await.unwrap(), 1);
    let again = rows(tx.claim_uploads(200, 1, &lease()).await.unwrap()).remove(0);
    assert!(again.unanswered && again.attempts == 2 && again.id == "a");

    let done = UploadRow {
        state: UploadState::Unclear,
        last_code: Some("91381034".into()),
        last_message: Some("no".into()),
        finished_at: Some(300),
        lease_owner: None,
        ..again
    };
    tx.put_upload(&done).await.unwrap();
    assert_eq!(tx.upload("a").await.unwrap(), Some(done));
    assert_eq!(tx.count_uploads().await.unwrap(), (1, 0, 1));
    let all = UploadQuery { state: None, instance_id: None, after: None, limit: 9 };
    for (query, count) in [
        (all.clone(), 2),
        (UploadQuery { state: Some(UploadState::Queued), ..all.clone() }, 1),
        (UploadQuery { after: Some("a".into()), ..all.clone() }, 1),
        (UploadQuery { instance_id: Some("j".into()), ..all }, 0),
    ] {
        assert_eq!(tx.uploads(&query).await.unwrap().len(), count, "{query:?}");
    }
}

#[tokio::test]
async fn what_is_held_is_not_taken_over() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i")).await.unwrap();
    tx.add_license(&license("l", "i", None)).await.unwrap();
    tx.add_upload(&upload("a", "l", "e")).await.unwrap();
    tx.add_upload(&upload("b", "l", "f")).await.unwrap();
    tx.queue_order("i", "o", "1", "NEW", 100).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.write().await.unwrap();
    let taken = rows(tx.claim_uploads(100, 9, &lease()).await.unwrap());
    assert_eq!(taken[0].lease_owner.as_deref(), Some("server"));
    let order = tx.claim_orders(100, 9, &lease()).await.unwrap().remove(0);
    assert_eq!(order.lease_owner.as_deref(), Some("server"));
    assert_eq!(tx.in_flight(Queue::Uploads).await.unwrap(), 2);
    assert_eq!(tx.in_flight(Queue::Orders).await.unwrap(), 1);
    // Held here, whatever became of the lease.
    let both = ["a".to_owned(), "b".to_owned()];
    assert_eq!(tx.requeue(Queue::Uploads, &both).await.unwrap(), 0);
    assert_eq!(tx.requeue(Queue::Orders, &[order.id.to_string()]).await.unwrap(), 0);
    if POSTGRES && store.is_shared() {
        // Held elsewhere, as long as the lease is renewed.
        let longer = Lease::of("server");
        tx.renew(Queue::Uploads, &both[..1], &longer).await.unwrap();
        tx.renew(Queue::Uploads, &both, &Lease::of("another")).await.unwrap();
        tx.renew(Queue::Orders, &[order.id.to_string()], &longer).await.unwrap();
        assert_eq!(tx.requeue(Queue::Orders, &[]).await.unwrap(), 0);
        assert_eq!(tx.requeue(Queue::Uploads, &[]).await.unwrap(), 1);
        assert_eq!(tx.upload("a").await.unwrap().unwrap().state, UploadState::Sending);
    } else {
        assert_eq!(tx.requeue(Queue::Uploads, &both[..1]).await.unwrap(), 1);
        assert_eq!(tx.requeue(Queue::Orders, &[]).await.unwrap(), 1);
    }
    let back = tx.upload("b").await.unwrap().unwrap();
    assert!(back.state == UploadState::Queued && back.unanswered);
}

#[tokio::test]
async fn many_takers_share_the_queue() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i")).await.unwrap();
    tx.add_license(&license("l", "i", None)).await.unwrap();
    for i in 0..50 {
        let one = upload(&format!("u-{i:02}"), "l", &format!("e-{i}"));
        tx.add_upload(&one).await.unwrap();
    }
    tx.commit().await.unwrap();
    let takers: Vec<_> = (0..10)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let mut tx = store.write().await.unwrap();
                    let taken = rows(tx.claim_uploads(100, 3, &lease()).await.unwrap());
                    tx.commit().await.unwrap();
                    if taken.is_empty() {
                        return mine;
                    }
                    mine.extend(taken.into_iter().map(|upload| upload.id));
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for taker in takers {
        all.extend(taker.await.unwrap());
    }
    assert_eq!(all.len(), 50);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 50);
}

#[tokio::test]
async fn lists_releases_keys_tokens_and_facts_are_kept() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    let key = ListKey::release("p", "*", "stable");
    assert_eq!(tx.list(&key).await.unwrap(), None);
    tx.mark_list(&key).await.unwrap();
    let row = ListRow { seq: 5, document: "d".into(), issued_at: 1, stale: false, elsewhere: true };
    tx.put_list(&key, &row).await.unwrap();
    assert_eq!(tx.list(&ListKey::revocation()).await.unwrap(), None);
    tx.mark_list(&key).await.unwrap();
    assert_eq!(tx.list(&key).await.unwrap(), Some(ListRow { stale: true, ..row.clone() }));
    tx.put_list(&key, &ListRow { seq: 6, ..row.clone() }).await.unwrap();
    assert_eq!(tx.list(&key).await.unwrap(), Some(ListRow { seq: 6, ..row }));

    let release = |version: &str, entry: &str| ReleaseRow {
        product: "p".into(),
        platform: "*".into(),
        channel: "stable".into(),
        version: version.into(),
        entry: entry.into(),
        published_at: 1,
    };
    for (version, entry) in [("1.0.0", "a"), ("2.0.0", "b"), ("1.0.0", "c")] {
        tx.put_release(&release(version, entry)).await.unwrap();
    }
    let found = tx.releases(Some("p"), None, Some("stable")).await.unwrap();
    assert_eq!(found, [release("1.0.0", "c"), release("2.0.0", "b")]);
    assert!(tx.releases(None, Some("linux"), None).await.unwrap().is_empty());
    tx.clear_releases("p", "*", "stable").await.unwrap();
    assert!(tx.releases(None, None, None).await.unwrap().is_empty());

    tx.put_public_key("k", "{}", 1).await.unwrap();
    tx.put_public_key("k", "{1}", 2).await.unwrap();
    assert_eq!(tx.public_keys().await.unwrap(), [("k".to_owned(), "{1}".to_owned())]);

    let token = TokenRow {
        id: "t".into(),
        hash: vec![1; 32],
        name: "报表".into(),
        role: Role::Viewer,
        created_at: 1,
    };
    tx.add_token(&token).await.unwrap();
    assert_eq!(tx.token(&[1; 32]).await.unwrap(), Some(token.clone()));
    assert_eq!(tx.token(&[2; 32]).await.unwrap(), None);
    assert_eq!(tx.tokens().await.unwrap(), [token]);

    tx.put_meta("a", Some(&[0, 255])).await.unwrap();
    tx.put_meta("a", Some(&[1])).await.unwrap();
    assert_eq!(tx.meta("a").await.unwrap(), Some(vec![1]));
    tx.put_meta("a", None).await.unwrap();
    assert_eq!(tx.meta("a").await.unwrap(), None);
}

fn link(server: &str, seq: i64, at: i64) -> AuditRow {
    AuditRow {
        server: server.to_owned(),
        seq,
        at,
        entries: "[]".to_owned(),
        previous: vec![1; 32],
        hash: seq.to_be_bytes().repeat(4),
    }
}

#[tokio::test]
async fn links_are_added_once_and_found_by_server_and_time() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.audit_head("a").await.unwrap(), None);
    assert_eq!(tx.audit_servers().await.unwrap(), Vec::<String>::new());
    // The clock of `a` was set back once.
    for (seq, at) in [(1, 10), (2, 20), (3, 12), (4, 30)] {
        tx.add_link(link("a", seq, at)).await.unwrap();
    }
    tx.add_link(link("b", 7, 5)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write().await.unwrap();
    tx.add_link(link("a", 4, 99)).await.unwrap();
    assert!(matches!(tx.commit().await, Err(StoreError::Contended(_))));
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.audit_head("a").await.unwrap(), Some((4, link("a", 4, 30).hash)));
    assert_eq!(tx.audit_servers().await.unwrap(), ["a", "b"]);
    let whole =
        AuditQuery { server: "a".to_owned(), after: 0, since: None, until: None, limit: 10 };
    for (query, found) in [
        (whole.clone(), &[1, 2, 3, 4][..]),
        (AuditQuery { after: 2, ..whole.clone() }, &[3, 4]),
        (AuditQuery { limit: 2, ..whole.clone() }, &[1, 2]),
        (AuditQuery { since: Some(12), ..whole.clone() }, &[2, 3, 4]),
        (AuditQuery { since: Some(12), until: Some(20), ..whole.clone() }, &[3]),
        (AuditQuery { since: Some(31), ..whole.clone() }, &[]),
        (AuditQuery { server: "b".to_owned(), ..whole.clone() }, &[7]),
    ] {
        let links = tx.links(&query).await.unwrap();
        assert_eq!(links.iter().map(|link| link.seq).collect::<Vec<_>>(), found, "{query:?}");
    }
    assert_eq!(tx.links(&whole).await.unwrap()[3], link("a", 4, 30));
}

#[tokio::test]
async fn chains_are_swept_from_their_beginning_and_never_to_their_end() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    // The clock was set back between 2 and 3: what is newer keeps those behind it.
    for (seq, at) in [(1, 10), (2, 90), (3, 12), (4, 13)] {
        tx.add_link(link("a", seq, at)).await.unwrap();
    }
    tx.add_link(link("b", 1, 10)).await.unwrap();
    assert!(tx.sweep_turn().await.unwrap());
    assert_eq!(tx.sweep_links("a", 50, 10).await.unwrap(), 1);
    assert_eq!(tx.sweep_links("a", 50, 10).await.unwrap(), 0);
    assert_eq!(tx.sweep_links("a", 100, 1).await.unwrap(), 1);
    assert_eq!(tx.sweep_links("a", 100, 10).await.unwrap(), 1);
    assert_eq!(tx.sweep_links("a", 100, 10).await.unwrap(), 0);
    assert_eq!(tx.sweep_links("b", 100, 10).await.unwrap(), 0);
    assert_eq!(tx.audit_head("a").await.unwrap().map(|(seq, _)| seq), Some(4));
}

#[tokio::test]
async fn finished_uploads_are_swept_first_their_bytes_then_they_themselves() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i")).await.unwrap();
    let states = [
        UploadState::Delivered,
        UploadState::Cancelled,
        UploadState::Failed,
        UploadState::Unclear,
        UploadState::Queued,
        UploadState::Delivered,
    ];
    for (n, state) in states.into_iter().enumerate() {
        let id = format!("l{n}");
        tx.add_license(&license(&id, "i", None)).await.unwrap();
        let mut row = upload(&format!("u{n}"), &id, &format!("e{n}"));
        tx.add_upload(&row).await.unwrap();
        row.state = state;
        row.finished_at = Some(100 + i64::try_from(n).unwrap());
        tx.put_upload(&row).await.unwrap();
    }
    assert_eq!(tx.sweep_files(105, 1).await.unwrap(), 1);
    assert_eq!(tx.sweep_files(105, 9).await.unwrap(), 1);
    assert_eq!(tx.sweep_files(105, 9).await.unwrap(), 0);
    let file = |row: Option<UploadRow>| row.unwrap().file;
    assert_eq!(file(tx.upload("u0").await.unwrap()), None);
    assert!(file(tx.upload("u2").await.unwrap()).is_some());
    assert!(file(tx.upload("u5").await.unwrap()).is_some());
    assert_eq!(tx.sweep_uploads(105, 9).await.unwrap(), 2);
    assert_eq!(tx.sweep_uploads(105, 9).await.unwrap(), 0);
    for (id, left) in [("u0", false), ("u1", false), ("u2", true), ("u3", true), ("u5", true)] {
        assert_eq!(tx.upload(id).await.unwrap().is_some(), left, "{id}");
    }
}

#[tokio::test]
async fn an_activation_code_is_changed_also_in_what_was_read_ahead() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i")).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.write().await.unwrap();
    let mut locks = Footprint::default();
    locks.code("code-i".to_owned());
    locks.instance("i");
    tx.prepare(&locks).await.unwrap();
    assert!(tx.instance_of_code("code-i").await.unwrap().is_some());
    tx.put_activation_code("i", "new").await.unwrap();
    assert!(tx.instance_of_code("code-i").await.unwrap().is_none());
    assert_eq!(tx.instance_of_code("new").await.unwrap().unwrap().id, "i");
    assert_eq!(tx.instance("i").await.unwrap().unwrap().activation_code, "new");
}
