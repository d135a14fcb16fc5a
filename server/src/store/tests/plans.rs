//! How PostgreSQL finds rows.

use super::suite::{application, fresh, instance, lease, license, machine, upload};
use crate::store::*;

#[tokio::test]
async fn rows_are_found_by_an_index_however_new_a_table_is() {
    let (_folder, store) = fresh().await;
    let Store::Postgres(postgres) = &store else { return };
    let mut tx = store.write().await.unwrap();
    assert!(tx.add_instance(&instance("i")).await.unwrap());
    tx.commit().await.unwrap();
    // More often than PostgreSQL plans a statement anew before it keeps a plan.
    for number in 0..20 {
        let id = |kind: &str| format!("{kind}-{number:03}");
        let mut locks = Footprint::default();
        locks.application(&id("e"), "i", &[id("d")]);
        locks.upload(&id("u"));
        let mut tx = store.write().await.unwrap();
        tx.prepare(&locks).await.unwrap();
        tx.add_machine(&machine(&id("m"), "i"), &[id("d")]).await.unwrap();
        tx.add_license(&license(&id("l"), "i", Some(&id("m")))).await.unwrap();
        tx.add_upload(&upload(&id("u"), &id("l"), &id("e"))).await.unwrap();
        tx.put_application(&application(&id("e"), 1, 100)).await.unwrap();
        tx.add_machines_used("i", 1).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.write().await.unwrap();
        assert_eq!(tx.claim_uploads(1000, 16, &lease()).await.unwrap().len(), 1);
        tx.commit().await.unwrap();
    }
    store.close().await;
    let read = postgres.read_through().await;
    for table in ["instances", "applications", "machines", "machine_digests", "licenses", "uploads"]
    {
        let rows = read.iter().find(|(name, _)| name == table);
        assert_eq!(rows.map(|(_, rows)| *rows), Some(0), "{table}: {read:?}");
    }
}
