//! What the first edition's calls need: instances by their order alone, an end that is lifted, a
//! license by what it answers.

use super::suite::{fresh, instance, license};
use crate::store::{InstanceState, LicenseState};

#[tokio::test]
async fn instances_are_found_by_their_order_oldest_first() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    for (id, line, at) in [("b", "2", 100), ("a", "1", 200), ("c", "", 100)] {
        let mut row = instance(id);
        (row.order_id, row.line_id, row.created_at) = ("CS1".to_owned(), line.to_owned(), at);
        assert!(tx.add_instance(&row).await.unwrap());
    }
    tx.add_instance(&instance("other")).await.unwrap();
    let found = tx.instances_of_order("CS1").await.unwrap();
    assert_eq!(found.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["b", "c", "a"]);
    assert!(tx.instances_of_order("CS2").await.unwrap().is_empty());

    tx.put_instance_line("c", "3").await.unwrap();
    assert_eq!(tx.instance_of_order("CS1", "3").await.unwrap().unwrap().id, "c");
    assert!(tx.instance_of_order("CS1", "").await.unwrap().is_none());
}

#[tokio::test]
async fn an_end_is_lifted_unless_there_was_another_reason() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i")).await.unwrap();
    assert!(!tx.lift_expiry("i", 101).await.unwrap());
    assert!(tx.expire_instance("i", 102).await.unwrap());
    assert!(!tx.expire_instance("i", 103).await.unwrap(), "it is frozen already");
    let row = tx.instance("i").await.unwrap().unwrap();
    assert_eq!((row.state, row.changed_at), (InstanceState::Frozen, 102));
    assert!(tx.lift_expiry("i", 104).await.unwrap());
    assert!(!tx.lift_expiry("i", 105).await.unwrap());
    let row = tx.instance("i").await.unwrap().unwrap();
    assert_eq!((row.state, row.changed_at), (InstanceState::Active, 104));

    assert!(tx.expire_instance("i", 106).await.unwrap());
    tx.put_instance_state("i", InstanceState::Frozen, 107).await.unwrap();
    assert!(!tx.lift_expiry("i", 108).await.unwrap(), "frozen for another reason, too");
    let row = tx.instance("i").await.unwrap().unwrap();
    assert_eq!((row.state, row.changed_at), (InstanceState::Frozen, 106));
    tx.put_instance_state("i", InstanceState::Released, 109).await.unwrap();
    assert!(
        !tx.expire_instance("i", 110).await.unwrap() && !tx.lift_expiry("i", 111).await.unwrap()
    );
    assert!(!tx.expire_instance("none", 112).await.unwrap());
}

#[tokio::test]
async fn a_license_is_found_by_what_it_answers() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    for id in ["i", "j"] {
        tx.add_instance(&instance(id)).await.unwrap();
    }
    for (id, of, event) in [("a", "i", "e"), ("b", "i", "e"), ("c", "i", "f"), ("d", "j", "e")] {
        let mut row = license(id, of, None);
        row.event_id = Some(event.to_owned());
        tx.add_license(&row).await.unwrap();
    }
    tx.put_license_state("a", LicenseState::Revoked, Some("release"), 200).await.unwrap();
    let found = tx.license_of_event("i", "e").await.unwrap().unwrap();
    assert_eq!(found.id, "a", "the first one, revoked or not");
    assert_eq!(tx.license_of_event("j", "e").await.unwrap().unwrap().id, "d");
    assert!(tx.license_of_event("j", "f").await.unwrap().is_none());
}
