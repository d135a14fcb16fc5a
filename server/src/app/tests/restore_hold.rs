//! Backups, and what a server does that was restored from one.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use futures_util::TryStreamExt as _;
use serde_json::Value;
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::audit::verified;
use super::fake_marketplace::Trick;
use super::fixture::{DAY, Fixture, NOW, PATIENCE, apply, device, new_instance};
use crate::app::instances;
use crate::app::open;
use crate::app::products;
use crate::app::restore_hold;
use crate::app::signed_lists;
use crate::backup::{Backup, Refusal, Restore, backup, restore};
use crate::config::{Config, Database, Secret};
use crate::store::cluster::Cluster;
use crate::store::{Store, Table};

const PASSPHRASE: &str = "correct horse";

fn passphrase() -> Zeroizing<String> {
    Zeroizing::new(PASSPHRASE.to_owned())
}

impl Fixture {
    pub(super) async fn save(&self, with_keys: bool) -> PathBuf {
        let file = self.folder().join(format!("backup-{}", self.market.state().requests));
        let passphrase = with_keys.then(passphrase);
        let what = Backup { file: &file, force: true, passphrase };
        backup(&self.config, &self.environment, what, &mut |_| ()).await.unwrap();
        file
    }

    pub(super) async fn try_restore(&self, config: &Config, file: &Path) -> anyhow::Result<u64> {
        let what = Restore { file, passphrase: Some(passphrase()), without_keys: false };
        restore(config, &self.environment, what, &mut |_| ()).await.map(|done| done.rows)
    }

    /// The configuration of a fresh place, with a database of that kind.
    pub(super) fn elsewhere(&self, folder: &Path, database: Database) -> Config {
        let mut config = self.config.clone();
        config.data_dir = folder.join("data");
        config.database = database;
        config
    }

    /// Goes on in another place, where a backup was restored; what was here is gone.
    pub(super) async fn moved(self, config: Config, folder: TempDir) -> Self {
        let (environment, clock) = (self.environment.clone(), self.clock.clone());
        Self::open(config, folder, self.market.clone(), (environment, clock)).await.started()
    }
}

/// An empty database of each kind.
fn each_kind() -> Vec<Database> {
    let mut kinds = vec![Database::Sqlite];
    kinds.extend(
        Cluster::shared().map(|cluster| Database::Postgres(Secret::new(cluster.database()))),
    );
    kinds
}

/// Every row of every table.
async fn content(config: &Config) -> BTreeMap<String, Vec<Value>> {
    let mut snapshot = Store::snapshot(&config.database, &config.data_dir).await.unwrap();
    let mut all = BTreeMap::new();
    for table in snapshot.tables().await.unwrap() {
        let rows: Vec<String> = snapshot.rows(&table).try_collect().await.unwrap();
        let mut rows: Vec<Value> =
            rows.iter().map(|row| serde_json::from_str(&row.to_lowercase()).unwrap()).collect();
        rows.sort_by_key(ToString::to_string);
        all.insert(table.name, rows);
    }
    all
}

#[tokio::test]
async fn every_row_goes_into_either_kind_of_database() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 30).await;
    for i in 0..12 {
        assert_eq!(fixture.code(apply(&instance, &format!("e-{i}"), &device(i))).await, "000004");
    }
    fixture.uploads(12).await;
    signed_lists::revocation_list(&fixture.app).await.unwrap();
    for _ in 0..PATIENCE {
        let waiting = fixture.app.store.read().await.unwrap().count_uploads().await.unwrap();
        if waiting == (0, 0, 0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let file = fixture.save(false).await;
    let mut before = content(&fixture.config).await;
    assert_eq!(before["licenses"].len(), 12);
    assert!(before.len() > 15, "{:?}", before.keys());
    for database in each_kind() {
        let folder = TempDir::new().unwrap();
        let config = fixture.elsewhere(folder.path(), database);
        let rows = fixture.try_restore(&config, &file).await.unwrap();
        let mut after = content(&config).await;
        let note = |rows: &Value| rows[0] == "restored";
        let meta = after.get_mut("meta").unwrap();
        assert_eq!(meta.iter().filter(|row| note(row)).count(), 1);
        meta.retain(|row| !note(row));
        // That every list is signed anew, with a number ahead, is what a restore changes.
        for (all, ahead) in [(&mut before, 0), (&mut after, 1_000_000)] {
            for list in all.get_mut("lists").unwrap() {
                let list = list.as_array_mut().unwrap();
                list.remove(7);
                list[4] = (list[4].as_i64().unwrap() - ahead).into();
            }
            all.get_mut("lists").unwrap().dedup();
        }
        assert_eq!(rows, before.values().map(|rows| rows.len() as u64).sum::<u64>());
        for (table, rows) in &before {
            assert_eq!(rows, &after[table], "{table} in {}", config.database);
        }
        assert_eq!(before.len(), after.len());
        before = content(&fixture.config).await;
    }
}

#[tokio::test]
async fn uploads_wait_until_the_restore_is_confirmed() {
    for database in each_kind() {
        let fixture = Fixture::new().await;
        let instance = fixture.buy("CS1", 30).await;
        let seq = |document: &str| -> i64 {
            use base64::Engine as _;
            let part = document.split('.').nth(1).unwrap();
            let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
            serde_json::from_slice::<Value>(&bytes).unwrap()["seq"].as_i64().unwrap()
        };
        signed_lists::revocation_list(&fixture.app).await.unwrap();
        fixture.market.state().always = Some(Trick::HangUp);
        assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
        fixture.market_until(|state| !state.uploads.is_empty()).await;
        let file = fixture.save(true).await;

        // What happens after the backup is lost, and readers have seen a later list.
        assert_eq!(fixture.code(apply(&instance, "e-2", &device(2))).await, "000004");
        fixture.forward(3600).await;
        let freeze = serde_json::json!({
            "activity": "updateInstanceStatus", "instanceId": instance, "status": "FREEZE"
        });
        assert_eq!(fixture.code(freeze).await, "000000");
        let seen = seq(&signed_lists::revocation_list(&fixture.app).await.unwrap().document);
        let keys = fixture.app.jwks().await;

        let folder = TempDir::new().unwrap();
        let config = fixture.elsewhere(folder.path(), database);
        fixture.try_restore(&config, &file).await.unwrap();
        fixture.forward(5).await;
        fixture.market.state().always = None;
        let sent = fixture.market.uploads().len();
        let fixture = fixture.crash().await.moved(config, folder).await;
        assert_eq!(fixture.app.jwks().await, keys, "the keys came along");
        let list = signed_lists::revocation_list(&fixture.app).await.unwrap();
        assert!(seq(&list.document) > seen, "{} after {seen}", seq(&list.document));

        // A new application is served as ever, and its license waits as well.
        fixture.offer("CS2", 1, |_| ());
        let second = fixture.create("CS2").await;
        let mut again = apply(&instance, "e-2", &device(2));
        again["effectiveTime"] = serde_json::json!(koogallery::time::spaced(fixture.now()));
        assert_eq!(fixture.code(again).await, "000004");
        fixture.forward(600).await;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(fixture.market.uploads().len(), sent, "nothing is sent before the confirmation");
        let view = restore_hold::state(&fixture.app).await.unwrap();
        assert!(view.uploads_wait);
        assert_eq!(view.backup_at.unwrap().as_secs(), NOW);
        assert_ne!(second, instance);

        let view = restore_hold::confirm(&fixture.app).await.unwrap();
        assert!(!view.uploads_wait && view.backup_at.is_none());
        let links = fixture.links().await;
        let confirmed = |entry: &BTreeMap<String, String>| entry["action"] == "restore.confirm";
        assert!(links.iter().flat_map(|link| &link.entries).any(confirmed));
        fixture.market_until(|state| state.uploads.len() >= sent + 2).await;
        let first = fixture.market.uploads();
        let of = |event: &str| -> Vec<_> {
            first.iter().filter(|(name, _)| name == event).map(|(_, content)| content).collect()
        };
        assert!(of("e-1").windows(2).all(|pair| pair[0] == pair[1]), "the same bytes as before");
        assert!(of("e-1").len() >= 2);
        let fixture = fixture.crash().await;
        assert!(!restore_hold::state(&fixture.app,).await.unwrap().uploads_wait);
    }
}

#[tokio::test]
async fn what_was_on_its_way_may_have_arrived() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 30).await;
    let fixture = fixture.crash().await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let file = fixture.save(true).await;
    let folder = TempDir::new().unwrap();
    let config = fixture.elsewhere(folder.path(), Database::Sqlite);
    fixture.try_restore(&config, &file).await.unwrap();
    fixture.market.state().always = Some(Trick::Refuse(200, "91381034"));
    let fixture = fixture.crash().await.moved(config, folder).await;
    // It was sent by nobody here, and yet: the license that was restored keeps its event.
    restore_hold::confirm(&fixture.app).await.unwrap();
    fixture.upload_is("unclear").await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(2))).await, "000002");
}

fn code(refused: &anyhow::Error) -> &'static str {
    refused.downcast_ref::<Refusal>().map_or_else(|| panic!("{refused:#}"), |r| r.code)
}

fn rewritten(file: &Path, change: impl FnOnce(String) -> String) -> Vec<u8> {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(change(text).as_bytes()).unwrap();
    out.finish().unwrap()
}

#[tokio::test]
async fn what_cannot_be_restored_is_refused_and_changes_nothing() {
    let fixture = Fixture::new().await;
    fixture.buy("CS1", 30).await;
    let good = fixture.save(true).await;
    let bytes = std::fs::read(&good).unwrap();
    let bad = fixture.folder().join("bad");
    let flip = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        bytes
    };
    let newer = |text: String| {
        let known = Store::newest_version();
        text.replacen(&format!("\"schema\":{known}"), &format!("\"schema\":{}", known + 1), 1)
    };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "BACKUP_UNKNOWN"),
        (b"some text".to_vec(), "BACKUP_UNKNOWN"),
        (rewritten(&good, |_| "{\"other\":1}\n".to_owned()), "BACKUP_UNKNOWN"),
        (bytes[..bytes.len() / 2].to_vec(), "BACKUP_DAMAGED"),
        (bytes[..bytes.len() - 1].to_vec(), "BACKUP_DAMAGED"),
        (flip(bytes.len() / 2), "BACKUP_DAMAGED"),
        (rewritten(&good, |text| text.replacen("\"CS1\"", "\"CS2\"", 1)), "BACKUP_DAMAGED"),
        (rewritten(&good, |text| text + "[1]\n"), "BACKUP_DAMAGED"),
        (rewritten(&good, newer), "BACKUP_NEWER"),
        (
            rewritten(&good, |text| text.replacen("\"licd_backup\":1", "\"licd_backup\":2", 1)),
            "BACKUP_NEWER",
        ),
    ];
    let folder = TempDir::new().unwrap();
    let config = fixture.elsewhere(folder.path(), Database::Sqlite);
    for (i, (bytes, expected)) in cases.iter().enumerate() {
        std::fs::write(&bad, bytes).unwrap();
        let refused = fixture.try_restore(&config, &bad).await.unwrap_err();
        assert_eq!(code(&refused), *expected, "case {i}: {refused:#}");
        assert!(!config.data_dir.exists(), "case {i}");
    }
    // Which keys are there is not the question where the database is in use.
    let used = TempDir::new().unwrap();
    let used = fixture.elsewhere(used.path(), Database::Sqlite);
    fixture.try_restore(&used, &good).await.unwrap();
    let other = Fixture::bare().await;
    for key in ["issuing-key.pem", "release-key.pem"] {
        std::fs::copy(other.folder().join(key), used.data_dir.join(key)).unwrap();
    }
    let refused = fixture.try_restore(&used, &good).await.unwrap_err();
    assert_eq!(code(&refused), "DATABASE_NOT_EMPTY");
    // The database in use is not empty, and neither is the one that was just restored.
    let beside = Config { data_dir: folder.path().join("other"), ..fixture.config.clone() };
    let refused = match &fixture.config.database {
        Database::Postgres(_) => fixture.try_restore(&beside, &good).await.unwrap_err(),
        Database::Sqlite => {
            let refused = fixture.try_restore(&fixture.config, &good).await.unwrap_err();
            assert!(refused.to_string().contains("another licd"), "{refused:#}");
            fixture.try_restore(&config, &good).await.unwrap();
            fixture.try_restore(&config, &good).await.unwrap_err()
        }
    };
    assert_eq!(code(&refused), "DATABASE_NOT_EMPTY");
    // Somebody else's tables.
    let foreign = fixture.elsewhere(&folder.path().join("foreign"), Database::Sqlite);
    std::fs::create_dir_all(&foreign.data_dir).unwrap();
    let path = foreign.data_dir.join("licd.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("CREATE TABLE theirs (x INTEGER)").execute(&mut other).await.unwrap();
    let refused = fixture.try_restore(&foreign, &good).await.unwrap_err();
    assert_eq!(code(&refused), "DATABASE_NOT_EMPTY");
    assert!(refused.to_string().contains("theirs"), "{refused:#}");
}

/// The backup as a licd of that version would have written it: without what came later, and with
/// what went.
async fn as_of(file: &Path, version: i64) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let folder = TempDir::new().unwrap();
    let mut old = Store::restore_target(&Database::Sqlite, folder.path(), version).await.unwrap();
    let old = old.tables().await.unwrap();
    rewritten(file, |text| {
        let mut lines = text.lines();
        let mut header: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        header["schema"] = version.into();
        let mut body = format!("{header}\n");
        let (mut tables, mut rows) = (0, 0);
        // Where the columns that the table had are now; none: there was no such table.
        let mut known: Option<Vec<Option<usize>>> = None;
        for line in lines {
            let mark: Value = serde_json::from_str(line).unwrap();
            if let Some(row) = mark.as_array() {
                let Some(known) = &known else { continue };
                // What went was a digest.
                let value = |at: &Option<usize>| at.map_or("00".into(), |at| row[at].clone());
                let row: Value = known.iter().map(value).collect();
                body.push_str(&row.to_string());
                body.push('\n');
                rows += 1;
            } else if mark.get("table").is_some() {
                let Table { name, columns } = serde_json::from_value(mark).unwrap();
                let then = old.iter().find(|table| table.name == name);
                let now = |column: &str| columns.iter().position(|one| one.name == column);
                known = then.map(|then| then.columns.iter().map(|one| now(&one.name)).collect());
                if let Some(then) = then {
                    body += &(serde_json::to_string(then).unwrap() + "\n");
                    tables += 1;
                }
            }
        }
        assert_eq!(tables, old.len(), "a table has another name by now");
        let sha256 = hex::encode(Sha256::digest(&body));
        let end = serde_json::json!({ "end": { "tables": tables, "rows": rows, "sha256": sha256 }});
        format!("{body}{end}\n")
    })
}

#[tokio::test]
async fn a_backup_of_an_older_version_is_brought_to_this_ones_tables() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 30).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    fixture.upload_is("delivered").await;
    let license = fixture.detail(&instance).await.licenses[0].license_id.clone();
    let good = fixture.save(true).await;
    // Before V1, the kit, alerts and the audit chain; before the chain alone; before columns went.
    for version in [3, 6, 9] {
        let old = fixture.folder().join(format!("version-{version}"));
        std::fs::write(&old, as_of(&good, version).await).unwrap();
        for database in each_kind() {
            let folder = TempDir::new().unwrap();
            let config = fixture.elsewhere(folder.path(), database);
            fixture.try_restore(&config, &old).await.unwrap();
            let snapshot = Store::snapshot(&config.database, &config.data_dir).await.unwrap();
            assert_eq!(snapshot.schema(), Store::newest_version(), "{}", config.database);
            drop(snapshot);
            let known = content(&config).await;
            assert!(version > 6 || known["audit"].is_empty(), "no chain came along");

            // Everything is known and goes on, and leaves links in a chain that verifies.
            let elsewhere = (fixture.environment.clone(), fixture.clock.clone());
            let market = fixture.market.clone();
            let later = Fixture::open(config, folder, market, elsewhere).await.started();
            let detail = later.detail(&instance).await;
            assert_eq!(detail.licenses.len(), 1);
            assert_eq!(detail.licenses[0].license_id, license);
            assert_eq!(later.code(apply(&instance, "e-2", &device(2))).await, "000004");
            assert_eq!(later.detail(&instance).await.licenses.len(), 2);
            assert!(!verified(&later.links().await).chains.is_empty());
        }
    }
}

#[tokio::test]
async fn a_damaged_file_that_is_found_late_leaves_the_database_empty() {
    let fixture = Fixture::new().await;
    fixture.buy("CS1", 30).await;
    let good = fixture.save(true).await;
    // A whole table is gone, and the checksum is made anew: only the catalog can tell.
    let text = rewritten(&good, |text| {
        use sha2::{Digest as _, Sha256};
        let mut lines: Vec<&str> = text.lines().collect();
        let end: Value = serde_json::from_str(lines.pop().unwrap()).unwrap();
        let at = lines.iter().position(|line| line.starts_with("{\"table\":\"nonces\"")).unwrap();
        let next = lines[at + 1..].iter().position(|line| line.starts_with('{')).unwrap();
        lines.drain(at..=at + next);
        let body = lines.join("\n") + "\n";
        let rows = lines.iter().filter(|line| line.starts_with('[')).count();
        let tables = end["end"]["tables"].as_u64().unwrap() - 1;
        let sha256 = hex::encode(Sha256::digest(&body));
        let end = serde_json::json!({ "end": { "tables": tables, "rows": rows, "sha256": sha256 }});
        format!("{body}{end}\n")
    });
    let bad = fixture.folder().join("bad");
    std::fs::write(&bad, text).unwrap();
    for database in each_kind() {
        let folder = TempDir::new().unwrap();
        let config = fixture.elsewhere(folder.path(), database);
        let refused = fixture.try_restore(&config, &bad).await.unwrap_err();
        assert_eq!(code(&refused), "BACKUP_DAMAGED");
        assert!(refused.to_string().contains("nonces is missing"), "{refused:#}");
        assert!(content(&config).await.values().all(Vec::is_empty));
        // So the good one can still be restored into it.
        fixture.try_restore(&config, &good).await.unwrap();
    }
}

#[tokio::test]
async fn keys_go_along_with_a_passphrase_only() {
    let fixture = Fixture::new().await;
    let pem = std::fs::read_to_string(fixture.folder().join("issuing-key.pem")).unwrap();
    let (with, without) = (fixture.save(true).await, fixture.folder().join("without"));
    let what = Backup { file: &without, force: false, passphrase: None };
    backup(&fixture.config, &fixture.environment, what, &mut |_| ()).await.unwrap();
    for (file, keys) in [(&with, true), (&without, false)] {
        let mut text = String::new();
        GzDecoder::new(std::fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text.contains("ENCRYPTED PRIVATE KEY"), keys);
        assert!(!text.contains("BEGIN PRIVATE KEY"));
        assert_eq!(text.matches("PRIVATE KEY").count(), if keys { 4 } else { 0 });
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
    let folder = TempDir::new().unwrap();
    let attempt = async |place: &str, file: &Path, words: Option<&str>, without_keys| {
        let config = fixture.elsewhere(&folder.path().join(place), Database::Sqlite);
        let passphrase = words.map(|words| Zeroizing::new(words.to_owned()));
        let what = Restore { file, passphrase, without_keys };
        restore(&config, &fixture.environment, what, &mut |_| ()).await.map(|done| done.keys.len())
    };
    let refused = attempt("a", &with, None, false).await.unwrap_err();
    assert_eq!(code(&refused), "PASSPHRASE_NEEDED");
    let refused = attempt("a", &with, Some("wrong"), false).await.unwrap_err();
    assert_eq!(code(&refused), "PASSPHRASE_WRONG");
    assert_eq!(attempt("a", &with, Some(PASSPHRASE), false).await.unwrap(), 2);
    let restored = folder.path().join("a/data/issuing-key.pem");
    assert_eq!(std::fs::read_to_string(&restored).unwrap(), pem);
    assert_eq!(attempt("b", &with, None, true).await.unwrap(), 0);
    assert!(!folder.path().join("b/data/issuing-key.pem").exists());
    assert_eq!(attempt("c", &without, None, false).await.unwrap(), 0);

    // Keys that are there are never replaced: the same stay, others are refused.
    let put = |place: &str, key: &Path| {
        let data = folder.path().join(place).join("data");
        std::fs::create_dir_all(&data).unwrap();
        std::fs::copy(key, data.join("issuing-key.pem")).unwrap();
    };
    put("d", &restored);
    assert_eq!(attempt("d", &with, Some(PASSPHRASE), false).await.unwrap(), 1);
    let other = Fixture::bare().await;
    let foreign = other.folder().join("release-key.pem");
    let theirs = std::fs::read_to_string(&foreign).unwrap().replace("release", "license");
    std::fs::write(&foreign, theirs).unwrap();
    for file in [&with, &without] {
        put("e", &foreign);
        let refused = attempt("e", file, Some(PASSPHRASE), false).await.unwrap_err();
        assert_eq!(code(&refused), "KEYS_DIFFER");
        assert!(!folder.path().join("e/data/licd.db").exists());
    }
    assert_eq!(attempt("e", &with, None, true).await.unwrap(), 0);
}

#[tokio::test]
async fn a_file_that_is_there_is_not_replaced_by_accident() {
    let fixture = Fixture::bare().await;
    let file = fixture.folder().join("mine");
    std::fs::write(&file, "mine").unwrap();
    let what = |force| Backup { file: &file, force, passphrase: None };
    for force in [false, true] {
        let refused = backup(&fixture.config, &fixture.environment, what(force), &mut |_| ()).await;
        assert_eq!(code(&refused.err().unwrap()), "FILE_EXISTS");
        assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    }
    // What is easily named by mistake.
    for name in ["licd.db", "issuing-key.pem", "admin-token"] {
        let path = fixture.folder().join(name);
        let Ok(before) = std::fs::read(&path) else { continue };
        let what = Backup { file: &path, force: true, passphrase: None };
        let refused = backup(&fixture.config, &fixture.environment, what, &mut |_| ()).await;
        assert_eq!(code(&refused.err().unwrap()), "FILE_EXISTS", "{name}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{name}");
    }
    // An empty file, as scripts make them, and an earlier backup.
    std::fs::write(&file, "").unwrap();
    for _ in 0..2 {
        backup(&fixture.config, &fixture.environment, what(true), &mut |_| ()).await.unwrap();
    }
    let refused = backup(&fixture.config, &fixture.environment, what(false), &mut |_| ()).await;
    assert_eq!(code(&refused.err().unwrap()), "FILE_EXISTS");
    let nowhere = fixture.folder().join("no/such/folder");
    let what = Backup { file: &nowhere, force: false, passphrase: None };
    assert!(backup(&fixture.config, &fixture.environment, what, &mut |_| ()).await.is_err());
    let left = std::fs::read_dir(fixture.folder()).unwrap().flatten();
    let left: Vec<_> = left.filter(|e| e.path().extension().is_some_and(|x| x == "part")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_folder_that_has_served_does_not_begin_anew_with_an_empty_database() {
    let fixture = Fixture::bare().await;
    for database in each_kind() {
        let folder = TempDir::new().unwrap();
        let config = fixture.elsewhere(folder.path(), database);
        std::fs::create_dir_all(&config.data_dir).unwrap();
        let id = "server-id";
        std::fs::copy(fixture.folder().join(id), config.data_dir.join(id)).unwrap();
        let refused = open::open(&config, fixture.environment.clone()).await.err().unwrap();
        let text = format!("{refused:#}");
        assert!(text.contains("has served before") && text.contains("licd restore"), "{text}");
        assert!(!config.data_dir.join("issuing-key.pem").exists(), "nothing was made");

        let file = fixture.save(true).await;
        fixture.try_restore(&config, &file).await.unwrap();
        std::fs::remove_file(file).unwrap();
        open::open(&config, fixture.environment.clone()).await.unwrap();
    }
}

#[tokio::test]
async fn a_backup_is_one_moment_while_others_write() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1000).await;
    let (file, writes) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            fixture.save(true).await
        },
        async {
            let mut accepted = 0;
            for i in 0..60 {
                let code = fixture.code(apply(&instance, &format!("e-{i}"), &device(i))).await;
                accepted += usize::from(code == "000004");
            }
            accepted
        }
    );
    assert_eq!(writes, 60, "a backup holds up nobody");
    let folder = TempDir::new().unwrap();
    let config = fixture.elsewhere(folder.path(), Database::Sqlite);
    fixture.try_restore(&config, &file).await.unwrap();
    let content = content(&config).await;
    let licenses = content["licenses"].len();
    assert!(licenses <= 60);
    // Every place that is taken has its machine, license, application and upload, or none.
    assert_eq!(content["machines"].len(), licenses);
    assert_eq!(content["uploads"].len(), licenses);
    assert_eq!(content["applications"].len(), licenses);
    let again = fixture.call(new_instance("CS1")).await.instance_id;
    assert_eq!(again.as_deref(), Some(instance.as_str()));
}

/// Numbers run ahead of the clock for as long as it once was ahead itself.
#[tokio::test]
async fn lists_rise_after_a_restore_even_where_the_clock_was_ahead() {
    for database in each_kind() {
        let fixture = Fixture::new().await;
        let instance = fixture.buy("CS1", 30).await;
        fixture.jump(30 * DAY);
        let list = signed_lists::revocation_list(&fixture.app).await.unwrap().document;
        let keys = fixture.keys();
        let seq = |document: &str| {
            let now = license_core::Timestamp::from_secs(fixture.now());
            license_core::revocation::Revocations::open(document, &keys, now).unwrap().seq
        };
        let first = seq(&list);
        fixture.jump(-30 * DAY);
        let file = fixture.save(true).await;
        assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
        let mut seen = first;
        for status in ["FREEZE", "UNFREEZE", "FREEZE"] {
            let call = serde_json::json!({
                "activity": "updateInstanceStatus", "instanceId": instance, "status": status
            });
            assert_eq!(fixture.code(call).await, "000000");
            seen = seq(&signed_lists::revocation_list(&fixture.app).await.unwrap().document);
        }
        assert!(seen > first && first > u64::try_from(fixture.now()).unwrap());
        let folder = TempDir::new().unwrap();
        let config = fixture.elsewhere(folder.path(), database);
        fixture.try_restore(&config, &file).await.unwrap();
        let fixture = fixture.crash().await.moved(config, folder).await;
        let list = signed_lists::revocation_list(&fixture.app).await.unwrap().document;
        let now = license_core::Timestamp::from_secs(fixture.now());
        let list = license_core::revocation::Revocations::open(&list, &keys, now).unwrap();
        assert!(list.seq > seen, "{} after {seen}", list.seq);
    }
}

/// SQLite keeps a character that PostgreSQL refuses, and a customer moves from one to the other.
#[tokio::test]
async fn a_text_that_only_sqlite_keeps_does_not_stop_a_restore() {
    for database in each_kind() {
        let fixture = Fixture::bare_with(|config| config.database = Database::Sqlite).await;
        products::apply(&fixture.app, super::fixture::flowsim()).await.unwrap();
        assert_eq!(fixture.code(new_instance("CS1")).await, "000000");
        let mut tx = fixture.app.store.write().await.unwrap();
        let instance =
            instances::list(&fixture.app, &instances::InstanceFilter::default()).await.unwrap();
        let order = tx.claim_orders(i64::MAX, 1, &crate::store::Lease::of("test")).await.unwrap();
        tx.postpone_order(order[0].id, 0, "HTTP 502", "a\0b").await.unwrap();
        tx.commit().await.unwrap();
        let file = fixture.save(true).await;
        let folder = TempDir::new().unwrap();
        let config = fixture.elsewhere(folder.path(), database);
        fixture.try_restore(&config, &file).await.unwrap();
        let fixture = fixture.crash().await.moved(config, folder).await;
        assert_eq!(fixture.detail(&instance[0].instance_id).await.instance.order_id, "CS1");
    }
}
