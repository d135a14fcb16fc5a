//! A machine that is not as it should be: configuration, ports, folders, disks, a second server.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use license_tests::call::{self, Call};
use license_tests::program;
use license_tests::server::Site;
use license_tests::{KEY, time};

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn configuration_with_unknown_keys_names_the_nearest_known_one() {
    let site = Site::new();
    let file = site.folder().join("licd.toml");
    for (text, wrong, nearest) in [
        ("data_dri = \"x\"\n", "data_dri", "data_dir"),
        ("[http]\nlisen = \"127.0.0.1:0\"\n", "lisen", "listen"),
        ("[koogallery]\nacces_key = \"0123456789abcdef\"\n", "acces_key", "access_key"),
    ] {
        fs::write(&file, text).unwrap();
        let output = site.start_refused(&["--config", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        let said = said(&output);
        assert!(said.contains(wrong) && said.contains(nearest), "{said}");
    }
    let site = Site::new().with("LICD_HTTP__LISENT", "127.0.0.1:0");
    let output = site.start_refused(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("listen"), "{}", said(&output));
    assert!(!site.data_dir().exists(), "a clean state: nothing was made");
}

#[test]
fn configuration_with_bad_values_names_key_value_and_remedy() {
    for (variable, value, key) in [
        ("LICD_KOOGALLERY__ACCESS_KEY", "too-short", "access_key"),
        ("LICD_KOOGALLERY__BASE_URL", "http://mkt.example.com", "base_url"),
        ("LICD_DATABASE", "oracle://x", "database"),
        ("LICD_HTTP__LISTEN", "nowhere", "listen"),
        ("LICD_KOOGALLERY__KIT_ACCESS_KEY", KEY, "access_key"),
        ("LICD_KOOGALLERY__CLOCK_SKEW_SECONDS", "soon", "clock_skew_seconds"),
    ] {
        let site = Site::new().with(variable, value);
        let output = program::run(
            site.licd(&["config", "check", "--data-dir"]).arg(site.data_dir()),
            std::time::Duration::from_secs(30),
        );
        assert_eq!(output.status.code(), Some(2), "{variable}: {}", said(&output));
        let said = said(&output);
        assert!(said.to_lowercase().contains(key), "{variable}: {said}");
        let secret = variable.ends_with("ACCESS_KEY");
        assert!(!(secret && said.contains(value)), "{variable}: a secret is not repeated: {said}");
        // A URL may hold a password: it is named, not repeated.
        let named = secret || value.contains("://") || said.contains(value);
        assert!(named, "{variable}: {said}");
    }
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let site = Site::new();
    let output = program::run(
        site.licd(&["serve", "--listen", &address, "--admin-listen", "127.0.0.1:0", "--data-dir"])
            .arg(site.data_dir()),
        std::time::Duration::from_secs(30),
    );
    assert!(matches!(output.status.code(), Some(1 | 2)), "{}", said(&output));
    assert!(said(&output).contains(&address), "{}", said(&output));
    drop(taken);
    let _ = site.start();
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let site = Site::new();
    let server = site.start();
    let output = site.start_refused(&[]);
    assert!(matches!(output.status.code(), Some(1 | 2)), "{}", said(&output));
    let said = said(&output);
    assert!(said.contains(site.data_dir().file_name().unwrap().to_str().unwrap()), "{said}");
    assert_eq!(server.code(&call::new_instance("CS1")), "000000", "the first one goes on");
    server.kill();
    let server = site.start();
    assert_eq!(server.instances().len(), 1, "a crash leaves no lock behind");
}

#[test]
fn stopping_is_clean_and_quick() {
    let site = Site::new();
    let server = site.start();
    assert_eq!(server.code(&call::new_instance("CS1")), "000000");
    assert_eq!(server.stop().code(), Some(0));
    assert_eq!(site.start().instances().len(), 1);
}

#[test]
fn the_first_token_and_the_keys_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::new();
    let server = site.start();
    assert!(server.token.starts_with("licd_"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&site.data_dir().join("admin-token")), 0o600);
    assert_eq!(mode(&site.data_dir()), 0o700, "the database is inside");
    let mut keys = 0;
    for entry in fs::read_dir(site.data_dir()).unwrap() {
        let path = entry.unwrap().path();
        if fs::read_to_string(&path).is_ok_and(|text| text.contains("PRIVATE KEY")) {
            assert_eq!(mode(&path), 0o600, "{} is open to others", path.display());
            keys += 1;
        }
    }
    assert_eq!(keys, 2, "an issuing key and a release key");
    assert!(!server.output().contains(&server.token), "a token is never printed");
}

#[test]
fn a_lost_key_file_is_not_replaced_in_silence() {
    let site = Site::new();
    assert!(!site.start().output().contains("key_file_made"), "a first start loses nothing");
    fs::remove_file(site.data_dir().join("issuing-key.pem")).unwrap();
    let output = site.start().output();
    assert!(output.contains("key_file_made") && output.contains("issuing-key.pem"), "{output}");
}

/// Root writes everywhere, so the file system itself must be read-only.
#[test]
fn a_read_only_data_folder_is_named() {
    let Some(disk) = Disk::mount("ro-test", "size=4m") else { return };
    let data = disk.path.join("data");
    fs::create_dir(&data).unwrap();
    disk.remount("ro");
    let site = Site::new();
    let output = program::run(
        site.licd(&["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(&data),
        std::time::Duration::from_secs(30),
    );
    assert!(matches!(output.status.code(), Some(1 | 2)), "{}", said(&output));
    assert!(said(&output).contains(data.to_str().unwrap()), "{}", said(&output));
}

/// A call that cannot be committed is not accepted, and nothing is lost once there is room again.
#[test]
fn a_full_disk_accepts_nothing_and_recovers() {
    let Some(disk) = Disk::mount("full-test", "size=3m") else { return };
    let data = disk.path.join("data");
    let site = Site::new();
    let log = site.folder().join("log");
    let start = || {
        let file = fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut command = site.licd(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(["--admin-listen", "", "--data-dir"]).arg(&data);
        fs::write(&log, "").unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let running = program::Running(command.spawn().unwrap());
        let url = time::wait_for("licd is ready", time::SOON, || {
            let text = fs::read_to_string(&log).ok()?;
            text.lines().find_map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).ok()?;
                Some(line.get("listen")?.as_str()?.to_owned())
            })
        });
        (running, url)
    };
    let (mut running, url) = start();
    let buy = |order: &str| {
        let call = Call::new(call::new_instance(order).to_string());
        call.try_send(&url).unwrap().json()
    };
    let first = buy("CS-FIRST");
    assert_eq!(first["resultCode"], "000000");

    let filler = disk.path.join("filler");
    let _ = fs::write(&filler, vec![0; 8 << 20]);
    let mut refused = 0;
    let mut promised = Vec::new();
    for n in 0..400 {
        let order = format!("CS-FULL-{n}");
        let answer = buy(&order);
        match answer["resultCode"].as_str().unwrap() {
            "000000" => promised.push((order, answer["instanceId"].clone())),
            "000005" => refused += 1,
            other => panic!("{other}: {answer}"),
        }
        if refused >= 5 {
            break;
        }
    }
    assert!(refused >= 5, "the disk never was full: {} were accepted", promised.len());

    fs::remove_file(&filler).unwrap();
    assert_eq!(buy("CS-AFTER")["resultCode"], "000000", "there is room again");
    for (order, instance) in &promised {
        assert_eq!(buy(order)["instanceId"], *instance);
    }
    running.kill();
    let (_running, url) = start();
    let call = Call::new(call::new_instance("CS-FIRST").to_string());
    assert_eq!(call.try_send(&url).unwrap().json()["instanceId"], first["instanceId"]);
}

/// A small file system of our own.
struct Disk {
    path: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl Disk {
    /// `None`, said loudly, where mounting is not allowed: only root may.
    fn mount(name: &str, options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&path)
            .output()
            .is_ok_and(|output| output.status.success());
        if mounted {
            return Some(Self { path, _folder: folder });
        }
        eprintln!("SKIPPED: {name} needs a tmpfs of its own, and only root can mount one");
        None
    }

    fn remount(&self, how: &str) {
        let options = format!("remount,{how}");
        let status = Command::new("mount").args(["-o", &options]).arg(&self.path).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}
