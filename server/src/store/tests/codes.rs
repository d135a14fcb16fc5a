//! What every database must do with authorization codes and order notifications.

use super::suite::{fresh, instance};
use crate::store::Queue;
use crate::store::*;

fn code(code: &str, at: i64) -> CodeRow {
    CodeRow {
        code: code.to_owned(),
        state: CodeState::Activating,
        instance_id: None,
        used_since: at,
        activated_at: None,
        beaten_at: None,
        asking_until: at + 60,
        next_at: at,
        attempts: 1,
        unanswered: true,
        last_code: None,
        last_message: None,
        answer: None,
        created_at: at,
        changed_at: at,
    }
}

fn all() -> CodeQuery {
    CodeQuery { state: None, instance_id: None, after: None, limit: 100 }
}

#[tokio::test]
async fn codes_are_added_once_and_changed_as_a_whole() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    tx.add_instance(&instance("i")).await.unwrap();
    assert!(tx.add_code(&code("PL1", 100)).await.unwrap());
    assert!(!tx.add_code(&code("PL1", 200)).await.unwrap(), "the first one stays");
    assert!(tx.add_code(&code("pl1", 100)).await.unwrap(), "case matters");
    assert_eq!(tx.codes_activating().await.unwrap(), 2);

    let changed = CodeRow {
        state: CodeState::Active,
        instance_id: Some("i".to_owned()),
        activated_at: Some(150),
        beaten_at: Some(160),
        asking_until: 0,
        next_at: 7,
        attempts: 3,
        unanswered: false,
        last_code: Some("92020001".to_owned()),
        last_message: Some("拒绝".to_owned()),
        answer: Some("{\"a\":\"'\"}".to_owned()),
        changed_at: 170,
        ..code("PL1", 100)
    };
    tx.put_code(&changed).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.code("PL1").await.unwrap(), Some(changed));
    assert_eq!(tx.code("PL2").await.unwrap(), None);
    let names = async |tx: &mut dyn Tx, query: &CodeQuery| {
        let rows = tx.codes(query).await.unwrap();
        rows.into_iter().map(|row| row.code).collect::<Vec<_>>()
    };
    assert_eq!(names(&mut *tx, &all()).await, ["PL1", "pl1"]);
    let active = CodeQuery { state: Some(CodeState::Active), ..all() };
    assert_eq!(names(&mut *tx, &active).await, ["PL1"]);
    let of = CodeQuery { instance_id: Some("i".to_owned()), ..all() };
    assert_eq!(names(&mut *tx, &of).await, ["PL1"]);
    let after = CodeQuery { after: Some("PL1".to_owned()), limit: 1, ..all() };
    assert_eq!(names(&mut *tx, &after).await, ["pl1"]);
    assert_eq!(tx.codes_activating().await.unwrap(), 1);
}

#[tokio::test]
async fn what_was_never_answered_is_forgotten_in_small_steps() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    for (i, at) in [(1, 100), (2, 200), (3, 300)] {
        tx.add_code(&code(&format!("PL{i}"), at)).await.unwrap();
    }
    tx.add_code(&CodeRow { state: CodeState::Released, ..code("PL4", 1) }).await.unwrap();
    assert_eq!(tx.sweep_codes(300, 1).await.unwrap(), 1);
    assert_eq!(tx.code("PL1").await.unwrap(), None, "the oldest first");
    assert_eq!(tx.sweep_codes(300, 9).await.unwrap(), 1);
    assert_eq!(tx.sweep_codes(300, 9).await.unwrap(), 0);
    assert_eq!(tx.codes(&all()).await.unwrap().len(), 2);
    tx.remove_code("PL3").await.unwrap();
    assert_eq!(tx.code("PL3").await.unwrap(), None);
    tx.interrupt_codes().await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_only_product_of_some_goods_is_found_without_its_variant() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    let product = |id: &str| ProductRow {
        id: id.to_owned(),
        name: id.to_owned(),
        terms: "{}".to_owned(),
        applied_at: 1,
    };
    let goods = |names: &[(&str, &str)]| -> Vec<(String, String)> {
        names.iter().map(|(goods, sku)| ((*goods).to_owned(), (*sku).to_owned())).collect()
    };
    tx.put_product(&product("p"), &goods(&[("one", "a"), ("one", "b"), ("two", "a")]))
        .await
        .unwrap();
    tx.put_product(&product("q"), &goods(&[("two", "b")])).await.unwrap();
    assert_eq!(tx.product_of_any_sku("one").await.unwrap().as_deref(), Some("p"));
    assert_eq!(tx.product_of_any_sku("two").await.unwrap(), None, "there are two");
    assert_eq!(tx.product_of_any_sku("three").await.unwrap(), None);
    tx.rollback().await;
}

#[tokio::test]
async fn notifications_are_kept_once_and_taken_by_one() {
    let (_folder, store) = fresh().await;
    let mut tx = store.write().await.unwrap();
    for (order, at) in [("a", 100), ("b", 110), ("a", 120)] {
        tx.put_notice(order, "1", at).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(store.read().await.unwrap().next_due(Queue::Notices).await.unwrap(), Some(100));

    let mut tx = store.write().await.unwrap();
    assert!(tx.claim_notices(99, 9, 160).await.unwrap().is_empty());
    let taken = tx.claim_notices(100, 9, 160).await.unwrap();
    assert_eq!(taken.len(), 1);
    let first = &taken[0];
    assert_eq!((first.order_id.as_str(), first.attempts), ("a", 1));
    assert_eq!((first.received_at, first.repeated_at), (100, 120));
    assert!(tx.claim_notices(100, 9, 160).await.unwrap().is_empty(), "it is taken");
    // Repeated while it is being read, it keeps its place.
    tx.put_notice("a", "1", 130).await.unwrap();
    assert!(tx.claim_notices(109, 9, 160).await.unwrap().is_empty());

    let read = NoticeRow {
        state: NoticeState::Read,
        last_code: Some("MKT.0000".to_owned()),
        last_message: Some("好".to_owned()),
        read_at: Some(140),
        order_type: Some("RENEW".to_owned()),
        market_product: Some("mp".to_owned()),
        sku: Some("s".to_owned()),
        quantity: Some(7),
        expires: Some(900),
        repeated_at: 130,
        ..first.clone()
    };
    tx.put_notice_read(&read).await.unwrap();
    tx.commit().await.unwrap();
    let query = NoticeQuery { order_id: None, state: None, limit: 9 };
    let mut tx = store.read().await.unwrap();
    let listed = tx.notices(&query).await.unwrap();
    assert_eq!(listed.iter().map(|row| row.order_id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(listed[1], read);
    let failed = NoticeQuery { state: Some(NoticeState::Failed), ..query.clone() };
    assert!(tx.notices(&failed).await.unwrap().is_empty());
    let of = NoticeQuery { order_id: Some("a".to_owned()), ..query };
    assert_eq!(tx.notices(&of).await.unwrap().len(), 1);
    drop(tx);

    // Notified again, its order is read again.
    let mut tx = store.write().await.unwrap();
    tx.put_notice("a", "1", 500).await.unwrap();
    let taken = tx.claim_notices(500, 9, 600).await.unwrap();
    assert_eq!(taken.len(), 2);
    assert!(taken.iter().any(|row| row.order_id == "a" && row.attempts == 1));
    tx.rollback().await;
}
