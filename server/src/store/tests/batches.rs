//! What is read ahead and written together must be what one by one would give.

use super::suite::{application, fresh, instance, license, machine, rows, upload};
use crate::store::*;

fn digests(list: &[&str]) -> Vec<String> {
    list.iter().map(|digest| (*digest).to_owned()).collect()
}

/// Names `events` of instance `i`, all with the same digests.
fn locks(events: &[&str], found_by: &[&str]) -> Footprint {
    let mut locks = Footprint::default();
    for event in events {
        locks.application(event, "i", &digests(found_by));
    }
    locks
}

async fn with_instances(store: &Store) {
    let mut tx = store.write().await.unwrap();
    for id in ["i", "j"] {
        assert!(tx.add_instance(&instance(id)).await.unwrap());
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_batch_sees_what_it_adds_before_anything_is_written() {
    let (_folder, store) = fresh().await;
    with_instances(&store).await;
    let mut tx = store.write().await.unwrap();
    tx.prepare(&locks(&["e", "f"], &["x", "y"])).await.unwrap();

    assert_eq!(tx.instance("i").await.unwrap().unwrap().machines_used, 0);
    assert!(tx.applications_of_event("e").await.unwrap().is_empty());
    assert!(tx.machines_like("i", &digests(&["x", "y"])).await.unwrap().is_empty());
    tx.add_machine(&machine("m", "i"), &digests(&["x", "z", "z"])).await.unwrap();
    tx.add_machines_used("i", 1).await.unwrap();
    tx.put_application(&application("e", 1, 100)).await.unwrap();

    // The next request of the same batch.
    assert_eq!(tx.instance("i").await.unwrap().unwrap().machines_used, 1);
    let found = tx.machines_like("i", &digests(&["x", "y"])).await.unwrap();
    assert_eq!(found, [machine("m", "i")]);
    assert_eq!(tx.applications_of_event("e").await.unwrap(), [application("e", 1, 100)]);
    assert!(tx.applications_of_event("f").await.unwrap().is_empty());
    // What nobody named is looked up, and sees it as well.
    let found = tx.machines_like("i", &digests(&["z"])).await.unwrap();
    assert_eq!(found, [machine("m", "i")]);
    assert_eq!(tx.newest_by_code("i", 1).await.unwrap(), Some(100));
    assert!(tx.instance("j").await.unwrap().is_some());
    assert!(tx.instance("k").await.unwrap().is_none());
    tx.commit().await.unwrap();

    let mut view = store.read().await.unwrap();
    assert_eq!(view.instance("i").await.unwrap().unwrap().machines_used, 1);
    assert_eq!(view.applications_of_event("e").await.unwrap(), [application("e", 1, 100)]);
}

#[tokio::test]
async fn doubles_of_a_batch_are_one_row() {
    let (_folder, store) = fresh().await;
    with_instances(&store).await;
    let mut tx = store.write().await.unwrap();
    // Three copies of one request, as a marketplace in a hurry sends them.
    tx.prepare(&locks(&["e", "e", "e"], &["x"])).await.unwrap();
    tx.add_machine(&machine("m", "i"), &digests(&["x"])).await.unwrap();
    tx.add_license(&license("l", "i", Some("m"))).await.unwrap();
    tx.add_upload(&upload("u", "l", "e")).await.unwrap();
    tx.add_upload(&upload("v", "l", "e")).await.unwrap();
    for state in [ApplicationState::Waiting, ApplicationState::Held, ApplicationState::Superseded] {
        tx.put_application(&Application { state, ..application("e", 1, 100) }).await.unwrap();
    }
    tx.add_machines_used("i", 2).await.unwrap();
    tx.add_machines_used("i", -1).await.unwrap();
    tx.commit().await.unwrap();

    let mut view = store.read().await.unwrap();
    let kept = view.applications_of_event("e").await.unwrap();
    let [kept] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!(kept.state, ApplicationState::Superseded);
    assert!(view.upload("u").await.unwrap().is_some());
    assert!(view.upload("v").await.unwrap().is_none(), "the same license for the same event");
    assert_eq!(view.instance("i").await.unwrap().unwrap().machines_used, 1);

    // Read ahead by two requests at once, a machine is found once, and found by both.
    let mut tx = store.write().await.unwrap();
    tx.prepare(&locks(&["f", "g"], &["x"])).await.unwrap();
    let found = tx.machines_like("i", &digests(&["x", "x"])).await.unwrap();
    assert_eq!(found, [machine("m", "i")]);
    tx.rollback().await;
}

#[tokio::test]
async fn what_was_read_ahead_gives_way_to_what_is_written() {
    let (_folder, store) = fresh().await;
    with_instances(&store).await;
    let mut tx = store.write().await.unwrap();
    let mut locks = locks(&["e"], &["x"]);
    locks.code("code-j".to_owned());
    locks.code("none".to_owned());
    tx.prepare(&locks).await.unwrap();
    assert_eq!(tx.instance_of_code("code-j").await.unwrap().unwrap().id, "j");
    assert!(tx.instance_of_code("none").await.unwrap().is_none());
    tx.add_machine(&machine("m", "i"), &digests(&["x"])).await.unwrap();
    tx.put_instance_state("i", InstanceState::Frozen, 300).await.unwrap();
    assert_eq!(tx.instance("i").await.unwrap().unwrap().state, InstanceState::Frozen);
    assert!(tx.free_machine("m", 400).await.unwrap());
    assert!(tx.machines_like("i", &digests(&["x"])).await.unwrap().is_empty());
    tx.rollback().await;

    let mut view = store.read().await.unwrap();
    assert_eq!(view.instance("i").await.unwrap().unwrap().state, InstanceState::Active);
    assert!(view.machines_like("i", &digests(&["x"])).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_batch_of_any_length_fits() {
    let (_folder, store) = fresh().await;
    with_instances(&store).await;
    let mut tx = store.write().await.unwrap();
    tx.prepare(&locks(&["e"], &[])).await.unwrap();
    for number in 0..1000 {
        let id = format!("l{number:04}");
        tx.add_license(&license(&id, "i", None)).await.unwrap();
        tx.add_upload(&upload(&id, &id, &id)).await.unwrap();
        tx.put_application(&application(&id, 1, 100)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut view = store.read().await.unwrap();
    assert_eq!(view.waits_of(&["i"]).await.unwrap()[0].kept, 1000);
    assert_eq!(view.count_uploads().await.unwrap(), (1000, 0, 0));
}

#[tokio::test]
async fn a_row_that_cannot_be_written_fails_the_transaction() {
    let (_folder, store) = fresh().await;
    with_instances(&store).await;
    let mut tx = store.write().await.unwrap();
    tx.put_application(&application("e", 1, 100)).await.unwrap();
    tx.add_license(&license("l", "nobody's", None)).await.unwrap();
    assert!(matches!(tx.commit().await, Err(StoreError::Broken(_))));
    let mut view = store.read().await.unwrap();
    assert!(view.applications_of_event("e").await.unwrap().is_empty());
    // The writer's connection is as good as new.
    let mut tx = store.write().await.unwrap();
    tx.put_application(&application("e", 1, 100)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn with_uploads(store: &Store, taken: i64) {
    with_instances(store).await;
    let mut tx = store.write().await.unwrap();
    tx.add_license(&license("l", "i", None)).await.unwrap();
    for (id, event) in [("a", "e"), ("b", "f"), ("c", "g")] {
        tx.add_upload(&UploadRow { file: None, ..upload(id, "l", event) }).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = store.write().await.unwrap();
    let parcels = tx.claim_uploads(100, taken, &Lease::of("server")).await.unwrap();
    assert_eq!(i64::try_from(parcels.len()), Ok(taken));
    assert!(parcels.iter().all(|parcel| parcel.text.as_deref() == Some("document of l")));
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn uploads_of_a_batch_end_together() {
    let (_folder, store) = fresh().await;
    with_uploads(&store, 3).await;
    let mut tx = store.write().await.unwrap();
    let mut locks = Footprint::default();
    for id in ["a", "b", "nobody"] {
        locks.upload(id);
    }
    tx.prepare(&locks).await.unwrap();
    assert_eq!(tx.upload("nobody").await.unwrap(), None);
    let a = tx.upload("a").await.unwrap().unwrap();
    assert_eq!((a.state, a.lease_owner.as_deref()), (UploadState::Sending, Some("server")));
    let a =
        UploadRow { state: UploadState::Delivered, finished_at: Some(120), lease_owner: None, ..a };
    tx.put_upload(&a).await.unwrap();
    let b = tx.upload("b").await.unwrap().unwrap();
    let b = UploadRow { state: UploadState::Queued, next_at: 50, lease_owner: None, ..b };
    tx.put_upload(&b).await.unwrap();
    // The last word counts, and was heard by all that follow.
    let said = Some("不是有效的事件".to_owned());
    let b = UploadRow { state: UploadState::Failed, last_message: said, unanswered: true, ..b };
    tx.put_upload(&b).await.unwrap();
    assert_eq!(tx.upload("b").await.unwrap().as_ref(), Some(&b));
    assert_eq!(rows(tx.claim_uploads(100, 9, &Lease::of("server")).await.unwrap()), []);
    tx.commit().await.unwrap();

    let mut view = store.read().await.unwrap();
    assert_eq!(view.upload("a").await.unwrap(), Some(a));
    assert_eq!(view.upload("b").await.unwrap(), Some(b));
    assert_eq!(view.upload("c").await.unwrap().unwrap().state, UploadState::Sending);
}

#[tokio::test]
async fn what_is_taken_is_known_to_the_batch() {
    let (_folder, store) = fresh().await;
    with_uploads(&store, 2).await;
    let mut tx = store.write().await.unwrap();
    let mut locks = Footprint::default();
    locks.upload("c");
    tx.prepare(&locks).await.unwrap();
    let taken = rows(tx.claim_uploads(100, 9, &Lease::of("server")).await.unwrap());
    assert_eq!(taken.len(), 1);
    assert_eq!(tx.upload("c").await.unwrap().as_ref(), Some(&taken[0]));
}

#[tokio::test]
async fn nothing_is_taken_until_a_restore_is_confirmed() {
    let (_folder, store) = fresh().await;
    with_uploads(&store, 1).await;
    let mut tx = store.write().await.unwrap();
    tx.put_meta("restored", Some(b"{}")).await.unwrap();
    assert_eq!(rows(tx.claim_uploads(100, 9, &Lease::of("server")).await.unwrap()), []);
    tx.put_meta("restored", None).await.unwrap();
    assert_eq!(tx.claim_uploads(100, 9, &Lease::of("server")).await.unwrap().len(), 2);
}

#[tokio::test]
async fn rows_that_do_not_fit_spoil_the_batch_whenever_they_are_written() {
    let (_folder, store) = fresh().await;
    with_instances(&store).await;
    for bad in [0, 7, 8, 60, 99] {
        let mut tx = store.write().await.unwrap();
        let mut told = Ok(());
        for number in 0..100 {
            // The same id twice.
            let number = if number == bad { (bad + 1) % 100 } else { number };
            told = tx.add_license(&license(&format!("l{number:03}"), "i", None)).await;
            if told.is_err() {
                break;
            }
        }
        let told = match told {
            Ok(()) => tx.commit().await,
            Err(error) => {
                tx.rollback().await;
                Err(error)
            }
        };
        assert!(told.is_err(), "{bad}");
        let mut view = store.read().await.unwrap();
        assert_eq!(view.license("l050").await.unwrap(), None, "{bad}");
    }
    // Given up in the middle of writing: nothing of it stays, and the next one can write.
    let mut tx = store.write().await.unwrap();
    for number in 0..100 {
        tx.add_license(&license(&format!("l{number:03}"), "i", None)).await.unwrap();
    }
    drop(tx);
    let mut tx = store.write().await.unwrap();
    assert_eq!(tx.license("l050").await.unwrap(), None);
    tx.add_license(&license("l050", "i", None)).await.unwrap();
    tx.commit().await.unwrap();
}
