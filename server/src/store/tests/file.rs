//! What SQLite alone promises.

use crate::config::Database;
use crate::store::{Store, StoreError};

async fn sqlite() -> (tempfile::TempDir, Store) {
    let folder = tempfile::TempDir::new().unwrap();
    let store = Store::open(&Database::Sqlite, folder.path()).await.unwrap();
    (folder, store)
}

#[tokio::test]
async fn what_is_written_is_on_the_disk() {
    let (folder, store) = sqlite().await;
    let Store::Sqlite(sqlite) = &store else { panic!("it is SQLite") };
    assert_eq!(sqlite.pragma("journal_mode").await, "wal");
    assert_eq!(sqlite.pragma("synchronous").await, "2");
    assert_eq!(sqlite.pragma("foreign_keys").await, "1");
    let mut tx = store.write().await.unwrap();
    tx.put_meta("a", Some(b"1")).await.unwrap();
    tx.commit().await.unwrap();
    // The file and its log as they are, without anything being closed.
    let copy = tempfile::TempDir::new().unwrap();
    for name in ["licd.db", "licd.db-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let copied = Store::open(&Database::Sqlite, copy.path()).await.unwrap();
    let found = copied.read().await.unwrap().meta("a").await.unwrap();
    assert_eq!(found.as_deref(), Some(&b"1"[..]));
}

#[tokio::test]
async fn a_full_disk_is_an_error_of_its_own_and_passes() {
    let (_folder, store) = sqlite().await;
    let Store::Sqlite(sqlite) = &store else { panic!("it is SQLite") };
    sqlite.limit_pages(sqlite.pages().await + 1);
    let big = vec![7; 200_000];
    let error = loop {
        let mut tx = store.write().await.unwrap();
        let written = match tx.put_meta("big", Some(&big)).await {
            Ok(()) => tx.commit().await,
            Err(error) => {
                tx.rollback().await;
                Err(error)
            }
        };
        if let Err(error) = written {
            break error;
        }
    };
    assert!(matches!(error, StoreError::Disk(_)), "{error:?}");
    sqlite.limit_pages(0);
    let mut tx = store.write().await.unwrap();
    tx.put_meta("big", Some(&big)).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_log_that_a_long_view_made_is_given_back() {
    const MOST: u64 = 70 * 1024 * 1024;

    let (folder, store) = sqlite().await;
    let log = || std::fs::metadata(folder.path().join("licd.db-wal")).unwrap().len();
    let mut view = store.read().await.unwrap();
    view.meta("big").await.unwrap();
    // What is the same already is not written again.
    let write = async |filled| {
        let mut tx = store.write().await.unwrap();
        tx.put_meta("big", Some(&vec![filled; 4 << 20])).await.unwrap();
        tx.commit().await.unwrap();
    };
    for filled in 0..24 {
        write(filled).await;
    }
    assert!(log() > MOST, "what a view still sees is kept: {}", log());
    drop(view);
    for filled in 0..3 {
        write(filled).await;
    }
    assert!(log() < MOST, "{}", log());
}
