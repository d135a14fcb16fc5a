//! Newer versions: what the list says, what an old or foreign list does not say, the package.

use license_core::{
    Code, issue,
    jws::DocType,
    release::{Notes, Release, ReleaseList},
    time::DAY,
    trust::document_digest,
};
use serde_json::Value;

use super::world::*;
use crate::EventType;

const PACKAGE: &str = "the bytes of version 2.1.0";

fn release(version: &str, url: &str) -> Release {
    Release {
        version: version.parse().unwrap(),
        date: NOW.plus(-DAY),
        url: url.to_owned(),
        len: PACKAGE.len() as u64,
        sha256: document_digest(PACKAGE),
        obliges: None,
        due: None,
        notes: Notes { zh: "更快".to_owned(), en: "faster".to_owned() },
    }
}

fn list(change: impl FnOnce(&mut ReleaseList)) -> ReleaseList {
    let mut list = ReleaseList {
        issuer: "licd".to_owned(),
        issued_at: NOW,
        product: "flowsim".to_owned(),
        channel: "stable".to_owned(),
        platform: "*".to_owned(),
        seq: 10,
        expires: NOW.plus(30 * DAY),
        min: None,
        releases: vec![release("2.1.0", "https://dl.example.com/flowsim.tar.gz")],
    };
    change(&mut list);
    list
}

fn signed(list: &ReleaseList) -> String {
    issue::seal(DocType::Release, list, &releasing()).unwrap()
}

impl Server {
    fn publishes(&self, document: String) {
        self.script(move |path, _| {
            Some(if path.starts_with("/v1/client/releases") {
                ok(document.clone())
            } else if path == "/package.bin" {
                ok(PACKAGE)
            } else {
                refused(404, Code::NotFound)
            })
        });
    }
}

fn notice(running: &Running) -> Value {
    assert_eq!(running.sdk.check_new_versions(), Code::Ok);
    running.next(EventType::UpgradeNotice)
}

#[test]
fn a_newer_version_is_told_with_its_notes() {
    let world = World::new();
    world.server.publishes(signed(&list(|_| {})));
    let online = world.online();
    let params = notice(&online);
    assert_eq!(params["available"], "true");
    assert_eq!(params["state"], "AVAILABLE");
    assert_eq!(params["version"], "2.1.0");
    assert_eq!(params["notes_zh"], "更快");
    assert_eq!(params["notes_en"], "faster");
    let asked = world.server.asked.lock().unwrap()[0].clone();
    for part in ["product=flowsim", "platform=linux-x86_64", "channel=stable"] {
        assert!(asked.contains(part), "{asked}");
    }
    online.end();
}

#[test]
fn each_state_is_told_and_only_what_may_be_used_is_offered() {
    let covered = |license: &mut license_core::license::License| {
        license.maintenance_until = Some(NOW.plus(-2 * DAY));
    };
    for (with_license, change, state, available, forced) in [
        (
            false,
            (|l: &mut ReleaseList| l.releases.clear()) as fn(&mut ReleaseList),
            "UP_TO_DATE",
            "false",
            false,
        ),
        (false, |l| l.releases[0].version = "2.0.0".parse().unwrap(), "UP_TO_DATE", "false", false),
        (false, |_| {}, "AVAILABLE", "true", false),
        (true, |_| {}, "AVAILABLE_NOT_LICENSED", "false", false),
        (
            false,
            |l| l.releases[0].obliges = Some("<2.1".parse().unwrap()),
            "REQUIRED_BY_DATE",
            "true",
            true,
        ),
        (
            true,
            |l| l.releases[0].obliges = Some("<2.1".parse().unwrap()),
            "AVAILABLE_NOT_LICENSED",
            "false",
            false,
        ),
        (false, |l| l.min = Some("2.0.5".parse().unwrap()), "UNSUPPORTED_VERSION", "true", false),
        (false, |l| l.platform = "linux-x86_64".to_owned(), "AVAILABLE", "true", false),
        (false, |l| l.platform = "windows-x86_64".to_owned(), "unknown", "false", false),
        (false, |l| l.channel = "beta".to_owned(), "unknown", "false", false),
        (false, |l| l.product = "other".to_owned(), "unknown", "false", false),
        (false, |l| l.expires = NOW.plus(-1), "unknown", "false", false),
    ] {
        let world = World::new();
        if with_license {
            world.keep(&license(DEVICE, covered));
        }
        world.server.publishes(signed(&list(change)));
        let online = world.online();
        let params = notice(&online);
        assert_eq!(
            (params["state"].as_str(), params["available"].as_str()),
            (Some(state), Some(available))
        );
        if forced {
            assert_eq!(online.next(EventType::Update), serde_json::json!({"fromForceWin": "true"}));
        }
        let offered = online.sdk.upgrade_notify(true);
        assert_eq!(offered == Code::Ok, available == "true", "{state}: {offered}");
        assert_eq!(online.sdk.upgrade_notify(false), Code::Ok);
        online.sdk.shut_out();
    }
}

#[test]
fn a_license_that_is_refused_still_tells_what_was_bought() {
    let world = World::new();
    world
        .server
        .publishes(signed(&list(|l| l.releases[0].obliges = Some("<2.1".parse().unwrap()))));
    let over = license(DEVICE, |license| {
        license.maintenance_until = Some(NOW.plus(-2 * DAY));
        license.expires = Some(NOW.plus(-DAY));
        license.grace_secs = 0;
    });
    // Kept by the machine, and opened by the program that keeps nothing of it.
    for opened in [false, true] {
        let online = if opened {
            let online = world.online();
            assert_eq!(online.sdk.open_license(&[&sealed(&over)]).code(), Code::LicenseExpired);
            online
        } else {
            world.keep(&over);
            world.online()
        };
        let params = notice(&online);
        assert_eq!(params["state"], "AVAILABLE_NOT_LICENSED");
        assert_eq!(params["available"], "false");
        assert_eq!(online.sdk.upgrade_notify(true), Code::UpgradeNotOffered);
        online.end();
        std::fs::remove_file(world.state("license.lic")).unwrap_or_default();
    }
}

#[test]
fn a_list_that_no_release_key_signed_says_nothing() {
    let world = World::new();
    for seed in [1, 9] {
        let document = issue::seal(DocType::Release, &list(|_| {}), &key(seed)).unwrap();
        world.server.publishes(document);
        let online = world.online();
        let params = notice(&online);
        assert_eq!(
            (params["available"].as_str(), params["state"].as_str()),
            (Some("false"), Some("unknown"))
        );
        online.end();
    }
    assert_eq!(world.read("releases.jws"), None);
}

#[test]
fn without_network_nothing_is_known_and_nobody_is_bothered() {
    let world = World::new();
    let offline = world.start(world.offline());
    assert_eq!(notice(&offline), serde_json::json!({"available": "false", "state": "unknown"}));
    assert_eq!(offline.sdk.upgrade_notify(true), Code::UpgradeNotOffered);
    offline.end();
}

#[test]
fn the_list_of_the_day_answers_without_the_server_and_an_older_one_does_not() {
    let world = World::new();
    world.server.publishes(signed(&list(|_| {})));
    let online = world.online();
    notice(&online);
    notice(&online);
    assert_eq!(world.server.count("/v1/client/releases"), 1);
    online.end();

    for (now, state) in
        [(NOW.plus(DAY - 1), "AVAILABLE"), (NOW.plus(DAY), "unknown"), (NOW.plus(-1), "unknown")]
    {
        world.set(now);
        let offline = world.start(world.offline());
        assert_eq!(notice(&offline)["state"], state, "{now}");
        offline.end();
    }
}

#[test]
fn an_older_list_is_not_taken_for_news() {
    let world = World::new();
    world.server.publishes(signed(&list(|_| {})));
    let online = world.online();
    notice(&online);
    online.end();
    world.set(NOW.plus(2 * DAY));
    world.server.publishes(signed(&list(|list| {
        list.seq = 9;
        list.releases.clear();
    })));
    let online = world.online();
    assert_eq!(notice(&online)["state"], "unknown", "not `up to date`");
    world.server.publishes(signed(&list(|list| {
        list.seq = 11;
        list.releases.clear();
    })));
    assert_eq!(notice(&online)["state"], "UP_TO_DATE");
    online.end();
}

/// Publishes one package and accepts it.
fn accepted(world: &World, change: impl FnOnce(&mut Release)) -> Value {
    let url = format!("{}/package.bin", world.server.url);
    let mut one = release("2.1.0", &url);
    change(&mut one);
    world.server.publishes(signed(&list(|list| list.releases = vec![one])));
    let online = world.online();
    assert_eq!(notice(&online)["available"], "true");
    assert_eq!(online.sdk.upgrade_notify(true), Code::Ok);
    let params = online.next(EventType::Update);
    assert_eq!(params["fromForceWin"], "false");
    online.end();
    params
}

#[test]
fn an_accepted_upgrade_is_fetched_and_checked() {
    let world = World::new();
    let params = accepted(&world, |_| {});
    assert_eq!(params["Status"], "success");
    assert_eq!(params["version"], "2.1.0");
    let path = params["path"].as_str().unwrap();
    assert!(std::path::Path::new(path).is_absolute());
    assert_eq!(std::fs::read_to_string(path).unwrap(), PACKAGE);
    assert_eq!(names(&world.state("updates")).len(), 1);

    assert_eq!(accepted(&world, |_| {})["path"], path);
    assert_eq!(world.server.count("/package.bin"), 1, "it lies there already");
    std::fs::write(path, "changed meanwhile").unwrap();
    assert_eq!(accepted(&world, |_| {})["path"], path);
    assert_eq!(std::fs::read_to_string(path).unwrap(), PACKAGE);
}

#[test]
fn a_package_from_a_folder_is_checked_as_well() {
    let world = World::new();
    let shared = world.root.path().join("共享 folder");
    std::fs::create_dir_all(&shared).unwrap();
    let package = shared.join("安装.bin");
    std::fs::write(&package, PACKAGE).unwrap();
    let params = accepted(&world, |release| release.url = package.display().to_string());
    assert_eq!(std::fs::read_to_string(params["path"].as_str().unwrap()).unwrap(), PACKAGE);
    std::fs::write(&package, PACKAGE.replace("2.1.0", "2.1.1")).unwrap();
    let world = World::new();
    let params = accepted(&world, |release| release.url = package.display().to_string());
    assert_eq!(params["ErrorCode"], "PACKAGE_DAMAGED");
}

#[test]
fn any_other_package_is_refused_and_leaves_nothing() {
    for (change, code) in [
        (
            (|r: &mut Release| r.sha256 = document_digest("another")) as fn(&mut Release),
            "PACKAGE_DAMAGED",
        ),
        (|r| r.len -= 1, "PACKAGE_DAMAGED"),
        (|r| r.len += 1, "PACKAGE_DAMAGED"),
        (|r| r.url = "http://dl.example.com/flowsim.tar.gz".to_owned(), "PACKAGE_DAMAGED"),
        (|r| r.url = "relative/path".to_owned(), "PACKAGE_DAMAGED"),
        (|r| r.url = "/no/such/package".to_owned(), "SERVER_UNREACHABLE"),
        (|r| r.url = r.url.replace("package.bin", "gone.bin"), "SERVER_UNREACHABLE"),
    ] {
        let world = World::new();
        let params = accepted(&world, change);
        assert_eq!(params["Status"], "failed");
        assert_eq!(params["ErrorCode"], code, "{params}");
        assert_eq!(names(&world.state("updates")), Vec::<String>::new());
    }
}

#[test]
fn a_version_is_needed_to_compare() {
    let world = World::new();
    let config = crate::Config { version: String::new(), ..world.offline() };
    let offline = world.start(config);
    assert_eq!(offline.sdk.check_new_versions(), Code::ConfigInvalid);
    offline.end();
}
