//! What both databases have alike, and how versions are told apart.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::config::{Database, Secret};
use crate::store::cluster::Cluster;
use crate::store::{
    Footprint, ListKey, ListRow, Queue, Store, StoreError, UploadRow, postgres, sqlite,
};

/// A fresh database of each kind, and a folder that must outlive them.
async fn each() -> (TempDir, Vec<(Database, Store)>) {
    let folder = TempDir::new().unwrap();
    let mut databases = vec![Database::Sqlite];
    match Cluster::shared() {
        Some(cluster) => databases.push(Database::Postgres(Secret::new(cluster.database()))),
        None => eprintln!("LICD_TEST_POSTGRES=skip: this ran on SQLite alone"),
    }
    let mut stores = Vec::new();
    for database in databases {
        let store = Store::open(&database, folder.path()).await.unwrap();
        stores.push((database, store));
    }
    (folder, stores)
}

async fn execute(database: &Database, folder: &TempDir, sql: &str) {
    match database {
        Database::Sqlite => {
            let path = folder.path().join("licd.db");
            let mut connection =
                SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
            sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        }
        Database::Postgres(url) => {
            let mut connection = PgConnection::connect(url.expose()).await.unwrap();
            sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        }
    }
}

/// Table, position, name, type, whether it is never NULL.
type Column = (String, i64, String, String, bool);

#[tokio::test]
async fn tables_and_columns_are_the_same() {
    let (folder, stores) = each().await;
    let [_, (Database::Postgres(url), _)] = &stores[..] else { return };
    let path = folder.path().join("licd.db");
    let mut lite =
        SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let mut postgres = PgConnection::connect(url.expose()).await.unwrap();
    let ours: Vec<Column> = sqlx::query_as(
        "SELECT tables.name, cid + 1, columns.name, columns.type, \"notnull\" <> 0 \
         FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns \
         WHERE tables.type = 'table' AND tables.name NOT LIKE '%sqlx%' \
         AND tables.name NOT LIKE 'sqlite_%' ORDER BY 1, 2",
    )
    .fetch_all(&mut lite)
    .await
    .unwrap();
    let theirs: Vec<Column> = sqlx::query_as(
        // A column that was dropped leaves its number behind.
        "SELECT table_name::text, row_number() OVER (PARTITION BY table_name \
         ORDER BY ordinal_position), column_name::text, data_type::text, \
         is_nullable = 'NO' FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name NOT LIKE '%sqlx%' \
         ORDER BY table_name COLLATE \"C\", 2",
    )
    .fetch_all(&mut postgres)
    .await
    .unwrap();
    assert!(ours.len() > 100, "{ours:?}");
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let fits = match ours.3.as_str() {
            "INTEGER" => ["bigint", "boolean"].contains(&theirs.3.as_str()),
            "TEXT" => theirs.3 == "text",
            "BLOB" => theirs.3 == "bytea",
            _ => false,
        };
        let same = (&ours.0, ours.1, &ours.2, ours.4) == (&theirs.0, theirs.1, &theirs.2, theirs.4);
        assert!(fits && same, "SQLite has {ours:?}, PostgreSQL has {theirs:?}");
    }
}

#[test]
fn migrations_have_the_same_numbers_and_names() {
    let names = |migrator: &'static sqlx::migrate::Migrator| -> BTreeSet<(i64, &str)> {
        migrator.iter().map(|step| (step.version, &*step.description)).collect()
    };
    assert_eq!(names(&sqlite::MIGRATOR), names(&postgres::MIGRATOR));
}

#[tokio::test]
async fn a_database_that_is_newer_is_refused() {
    let (folder, stores) = each().await;
    for (database, store) in stores {
        store.close().await;
        let success = if database == Database::Sqlite { "1" } else { "TRUE" };
        let row = format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
             execution_time) VALUES (9000, 'of the future', {success}, '', 0)"
        );
        execute(&database, &folder, &row).await;
        for opened in [
            Store::open(&database, folder.path()).await,
            Store::open_beside(&database, folder.path()).await,
        ] {
            let error = opened.map(|_| ()).unwrap_err();
            assert!(matches!(&error, StoreError::Version(_)), "{error:?}");
            let text = error.to_string();
            assert!(text.contains("version 9000") && text.contains("newer licd"), "{text}");
        }
    }
}

#[tokio::test]
async fn one_that_is_older_is_only_used_after_migrating() {
    let (folder, stores) = each().await;
    for (database, store) in stores {
        store.close().await;
        execute(&database, &folder, "DELETE FROM _sqlx_migrations").await;
        let error = Store::open_beside(&database, folder.path()).await.map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("run `licd migrate`"), "{error}");
    }
}

#[tokio::test]
async fn an_address_without_a_database_says_so_without_its_password() {
    let url = Secret::new("postgres://licd:hunter2@127.0.0.1:1/licd");
    let database = Database::Postgres(url);
    let error = Store::open(&database, "/".as_ref()).await.map(|_| ()).unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!format!("{error:?} {error} {database} {database:?}").contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn a_database_that_says_nothing_is_not_waited_for() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://licd@{}/licd", silent.local_addr().unwrap());
    let database = Database::Postgres(Secret::new(url));
    let folder = TempDir::new().unwrap();
    let begun = tokio::time::Instant::now();
    let opened = [
        Store::open(&database, folder.path()).await.map(|_| ()),
        Store::open_beside(&database, folder.path()).await.map(|_| ()),
        Store::is_made(&database, folder.path()).await.map(|_| ()),
        Store::snapshot(&database, folder.path()).await.map(|_| ()),
    ];
    for opened in opened {
        let error = opened.unwrap_err();
        assert!(matches!(&error, StoreError::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains("nothing was said within 10 s"), "{error}");
    }
    assert!(begun.elapsed().as_secs() < 60);
}

#[tokio::test]
async fn servers_that_migrate_together_take_turns() {
    let Some(cluster) = Cluster::shared() else {
        return eprintln!("LICD_TEST_POSTGRES=skip: this was left out");
    };
    let database = Database::Postgres(Secret::new(cluster.database()));
    let open = || async { Store::open(&database, "/".as_ref()).await.map(|_| ()) };
    let (a, b, c) = tokio::join!(open(), open(), open());
    assert_eq!([a, b, c], [Ok(()), Ok(()), Ok(())]);
}

#[tokio::test]
async fn a_list_is_signed_by_one_after_the_other() {
    let (_folder, stores) = each().await;
    for (database, store) in stores {
        let key = ListKey::revocation();
        let mut tx = store.write().await.unwrap();
        let mut row = tx.list_to_sign(&key).await.unwrap().unwrap_or(ListRow {
            seq: 0,
            document: String::new(),
            issued_at: 0,
            stale: true,
            elsewhere: false,
        });
        assert!(row.document.is_empty() && row.stale, "{database}");
        row.seq = 7;
        row.stale = false;
        tx.put_list(&key, &row).await.unwrap();
        let other = store.clone();
        let waiting = tokio::spawn(async move {
            let mut tx = other.write().await.unwrap();
            let seen = tx.list_to_sign(&ListKey::revocation()).await.unwrap().unwrap();
            tx.mark_list(&ListKey::revocation()).await.unwrap();
            tx.commit().await.unwrap();
            seen.seq
        });
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert!(!waiting.is_finished(), "{database}: two sign at once");
        tx.commit().await.unwrap();
        assert_eq!(waiting.await.unwrap(), 7, "{database}");
        let stale = store.read().await.unwrap().list(&key).await.unwrap().unwrap();
        assert!(stale.stale && stale.seq == 7, "{database}");
    }
}

#[tokio::test]
async fn a_name_is_locked_until_the_end_and_products_keep_everybody_out() {
    let (_folder, stores) = each().await;
    for (database, store) in stores {
        let mut name = Footprint::default();
        name.name("order", "CS1");
        let mut another = Footprint::default();
        another.name("order", "CS2");
        let products = Footprint { products: true, ..Footprint::default() };
        for (held, wanted, waits) in [
            (&name, &name, true),
            (&name, &another, database == Database::Sqlite),
            (&products, &another, true),
            (&name, &products, true),
        ] {
            let mut tx = store.write().await.unwrap();
            tx.prepare(held).await.unwrap();
            let (other, wanted) = (store.clone(), wanted.clone());
            let second = tokio::spawn(async move {
                let mut tx = other.write().await.unwrap();
                tx.prepare(&wanted).await.unwrap();
                tx.commit().await.unwrap();
            });
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
            assert_eq!(!second.is_finished(), waits, "{database}: {held:?}");
            tx.rollback().await;
            second.await.unwrap();
        }
    }
}

/// 0010 makes a table of SQLite anew.
#[tokio::test]
async fn uploads_of_an_older_database_are_all_there_after_migrating() {
    let mut databases = vec![Database::Sqlite];
    match Cluster::shared() {
        Some(cluster) => databases.push(Database::Postgres(Secret::new(cluster.database()))),
        None => eprintln!("LICD_TEST_POSTGRES=skip: this ran on SQLite alone"),
    }
    let place = TempDir::new().unwrap();
    for database in databases {
        drop(Store::restore_target(&database, place.path(), 9).await.unwrap());
        let (no, bytes) =
            if database == Database::Sqlite { ("0", "x'0102'") } else { ("FALSE", r"'\x0102'") };
        let mut old = vec![format!(
            "INSERT INTO instances (id, order_id, line_id, activation_code, state, created_at, \
             changed_at, expires_set, machines_used, judge_due) \
             VALUES ('i', 'o', '1', 'c', 'active', 1, 1, {no}, 0, {no})"
        )];
        let states = ["queued", "sending", "delivered", "failed", "unclear", "cancelled"];
        for state in states {
            old.push(format!(
                "INSERT INTO licenses (id, instance_id, product, issued_at, grace, terms, document, \
                 state, changed_at) VALUES ('{state}', 'i', 'p', 1, 0, {bytes}, 'text', 'active', 1)"
            ));
            old.push(format!(
                "INSERT INTO uploads (id, event_id, instance_id, license_id, sha256, file, state, \
                 attempts, unanswered, next_at, last_code, last_message, queued_at, finished_at, \
                 lease_owner, lease_until) VALUES ('u-{state}', 'e-{state}', 'i', '{state}', \
                 {bytes}, {bytes}, '{state}', 3, {no}, 4, 'MKT.1', 'm', 5, 6, 's', 7)"
            ));
        }
        for sql in old {
            execute(&database, &place, &sql).await;
        }
        let store = Store::open(&database, place.path()).await.unwrap();
        let mut view = store.read().await.unwrap();
        for state in states {
            let row = view.upload(&format!("u-{state}")).await.unwrap().unwrap();
            let expected = UploadRow {
                id: format!("u-{state}"),
                event_id: format!("e-{state}"),
                instance_id: "i".to_owned(),
                license_id: state.to_owned(),
                file: Some(vec![1, 2]),
                state: state.parse().unwrap(),
                attempts: 3,
                unanswered: false,
                next_at: 4,
                last_code: Some("MKT.1".to_owned()),
                last_message: Some("m".to_owned()),
                queued_at: 5,
                finished_at: Some(6),
                lease_owner: Some("s".to_owned()),
            };
            assert_eq!(row, expected, "{database}");
        }
        assert_eq!(view.in_flight(Queue::Uploads).await.unwrap(), 1);
        assert_eq!(view.next_due(Queue::Uploads).await.unwrap(), Some(4));
    }
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_told_from_a_database_that_is_away() {
    let Some(cluster) = Cluster::shared() else { return };
    let mut connection = PgConnection::connect(&cluster.database()).await.unwrap();
    sqlx::raw_sql("SET statement_timeout = '20ms'").execute(&mut connection).await.unwrap();
    let error = sqlx::raw_sql("SELECT pg_sleep(5)").execute(&mut connection).await.unwrap_err();
    assert!(matches!(StoreError::from(error), StoreError::Slow(_)));
}
