//! Full disks, folders in use, keys that cannot be used.

use license_core::Code;

use super::audit::verified;
use super::fixture::{Fixture, apply, device, new_instance};
use crate::app::open;
use crate::app::tokens;
use crate::app::write_probe;
use crate::config::Problems;
use crate::environment::Environment;
use crate::keys::signing::Keyring;
use crate::store::Store;

fn environment(fixture: &Fixture) -> Environment {
    fixture.app.context.environment.clone()
}

#[tokio::test]
async fn a_full_disk_fails_cleanly_and_service_resumes() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1000).await;
    // PostgreSQL's disk is filled by nobody here.
    let Store::Sqlite(sqlite) = &fixture.app.store else { return };
    sqlite.limit_pages(sqlite.pages().await + 2);
    let mut accepted = 0;
    let mut failed = None;
    for i in 0..300 {
        match fixture.code(apply(&instance, &format!("e-{i}"), &device(i))).await {
            "000004" => accepted += 1,
            "000005" => {
                failed = Some(i);
                break;
            }
            other => panic!("{other}"),
        }
    }
    let failed = failed.expect("the disk never became full");
    let error = fixture.ask(&instance, &device(999)).await.unwrap_err();
    assert_eq!((error.code, error.status), (Code::ServiceUnavailable, 503));
    assert_eq!(fixture.detail(&instance).await.licenses.len(), accepted);
    // A load balancer sends the calls elsewhere until there is room, and a probe cannot be fooled
    // by commands that write nothing.
    let cause = fixture.app.ready().await.unwrap_err();
    assert!(cause.contains("full"), "{cause}");
    fixture.app.writer.write(crate::app::retention::Sweep).await.unwrap();
    write_probe::probe(&fixture.app).await;
    assert!(fixture.app.ready().await.is_err());

    sqlite.limit_pages(0);
    write_probe::probe(&fixture.app).await;
    assert_eq!(fixture.app.ready().await, Ok(()));
    assert_eq!(fixture.app.store.read().await.unwrap().meta("probe").await.unwrap(), None);
    for i in [failed, failed + 1] {
        assert_eq!(fixture.code(apply(&instance, &format!("e-{i}"), &device(i))).await, "000004");
    }
    fixture.uploads(accepted + 2).await;
    let detail = fixture.detail(&instance).await;
    assert_eq!(detail.licenses.len(), accepted + 2);
    assert_eq!(detail.instance.machines.used as usize, accepted + 2);
    // What did not fit left nothing half, neither in the file nor in the audit chain.
    assert_eq!(sqlite.integrity().await, "ok");
    let links = fixture.links().await;
    assert!(!verified(&links).chains.is_empty());
    let accepts = links.iter().flat_map(|link| &link.entries);
    let accepts = accepts.filter(|entry| entry["action"] == "application.accept").count();
    assert_eq!(accepts, accepted + 2);
}

#[tokio::test]
async fn one_process_a_folder() {
    let fixture = Fixture::bare().await;
    let error = open::open(&fixture.config, environment(&fixture)).await.err().unwrap();
    let text = format!("{error:#}");
    assert!(text.contains("another licd"), "{text}");
    assert!(text.contains(&fixture.folder().display().to_string()), "{text}");

    // A token can be made beside it.
    let beside = open::open_beside(&fixture.config, environment(&fixture)).await.unwrap();
    let made = tokens::create(&beside, crate::store::Role::Viewer, "报表").await.unwrap();
    let role = tokens::caller(&fixture.app, &made.token).await.unwrap();
    assert_eq!(role.map(|(_, role)| role), Some(crate::store::Role::Viewer));
}

#[tokio::test]
async fn keys_that_cannot_be_used_say_why() {
    let fixture = Fixture::bare().await;
    let open = async |change: &dyn Fn(&mut crate::config::Config)| {
        let folder = tempfile::TempDir::new().unwrap();
        let mut config = fixture.config.clone();
        config.data_dir = folder.path().to_owned();
        change(&mut config);
        let checked = Keyring::check(&config);
        let opened = open::open(&config, environment(&fixture)).await;
        let refused = opened.err();
        assert_eq!(checked.is_err(), refused.is_some(), "`licd config check` knows it before");
        let Some(error) = refused else { return String::new() };
        assert!(error.downcast_ref::<Problems>().is_some(), "it ends with exit code 2: {error:#}");
        format!("{error:#}")
    };
    let issuing = fixture.folder().join("issuing-key.pem");
    let passphrase = fixture.folder().join("passphrase");
    std::fs::write(&passphrase, "correct horse\n").unwrap();
    let garbage = fixture.folder().join("garbage.pem");
    std::fs::write(&garbage, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        .unwrap();

    assert_eq!(open(&|config| config.keys.issuing = Some(issuing.clone())).await, "");
    let text = open(&|config| config.keys.issuing = Some("/nowhere/key.pem".into())).await;
    assert!(text.contains("/nowhere/key.pem cannot be read"), "{text}");
    let text = open(&|config| config.keys.issuing = Some(garbage.clone())).await;
    assert!(text.contains("cannot be used"), "{text}");
    // An issuing key never signs releases.
    let text = open(&|config| config.keys.release = Some(issuing.clone())).await;
    assert!(text.contains("another purpose"), "{text}");
    let same = |config: &mut crate::config::Config| {
        let pem = std::fs::read_to_string(&issuing).unwrap();
        let bare = config.data_dir.join("bare.pem");
        // Without the lines in front, which say what it was made for.
        std::fs::write(&bare, &pem[pem.find("-----BEGIN").unwrap()..]).unwrap();
        config.keys.issuing = Some(bare.clone());
        config.keys.release = Some(bare);
    };
    let text = open(&same).await;
    assert!(text.contains("the same key"), "{text}");
}

#[tokio::test]
async fn a_passphrase_encrypts_what_is_made() {
    let folder = tempfile::TempDir::new().unwrap();
    let passphrase = folder.path().join("passphrase");
    std::fs::write(&passphrase, "correct horse\n").unwrap();
    let with = passphrase.clone();
    let fixture = Fixture::bare_with(|config| config.keys.passphrase_file = Some(with)).await;
    let pem = std::fs::read_to_string(fixture.folder().join("issuing-key.pem")).unwrap();
    assert!(pem.contains("BEGIN ENCRYPTED PRIVATE KEY"), "{pem}");
    let fixture = fixture.crash().await;
    assert_eq!(fixture.code(new_instance("CS1")).await, "000000");

    let mut config = fixture.config.clone();
    config.keys.passphrase_file = None;
    let environment = environment(&fixture);
    drop(fixture.app);
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let error = open::open(&config, environment.clone()).await.err().unwrap();
    assert!(format!("{error:#}").contains("passphrase_file"), "{error:#}");
    std::fs::write(&passphrase, "wrong\n").unwrap();
    config.keys.passphrase_file = Some(passphrase);
    let error = open::open(&config, environment).await.err().unwrap();
    assert!(format!("{error:#}").contains("does not open"), "{error:#}");
}
