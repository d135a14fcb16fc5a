//! `licd` as a process: what it prints, how it refuses, how it stops.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use koogallery::signature::{AccessKey, Presented};
use serde_json::{Value, json};

#[path = "../src/store/cluster.rs"]
mod cluster;

fn licd(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_licd"));
    command.current_dir(folder).env_clear().env("LANG", "C.UTF-8").stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    licd(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A serving `licd`, stopped at the end whatever happens.
struct Serving {
    child: Child,
    lines: Vec<Value>,
    listen: String,
    admin: Option<String>,
    /// What it went on to log.
    log: Arc<Mutex<String>>,
}

impl Serving {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_with(folder, arguments, &[])
    }

    fn start_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let own = arguments.iter().any(|argument| argument.starts_with("--admin-listen"));
        let admin = if own { &[][..] } else { &["--admin-listen", "127.0.0.1:0"] };
        let mut child = licd(folder)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(admin)
            .args(arguments)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = Vec::new();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let ready = loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap() == 0 {
                let mut error = String::new();
                child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
                panic!("licd stopped: {error}");
            }
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            lines.push(line.clone());
            if line.get("listen").is_some() {
                break line;
            }
        };
        // Kept open and read, so that the log never fills the pipe.
        let log = Arc::new(Mutex::new(String::new()));
        let written = Arc::clone(&log);
        std::thread::spawn(move || {
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|length| length > 0) {
                written.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        let listen = ready["listen"].as_str().unwrap().to_owned();
        let admin = ready["admin_listen"].as_str().map(str::to_owned);
        Self { child, lines, listen, admin, log }
    }

    fn terminate(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn fetch(url: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\
         Content-Type: application/json\r\n{headers}\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn status(url: &str, path: &str, token: &str) -> u16 {
    fetch(url, "GET", path, &format!("Authorization: Bearer {token}\r\n"), "").0
}

#[test]
fn the_first_start_makes_what_it_needs_and_says_so_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Serving::start(folder.path(), &[]);
    let welcome = first.lines.iter().find(|line| line.get("admin_token_file").is_some()).unwrap();
    assert_eq!(welcome["data_dir"], "./licd-data");
    let data = folder.path().join("licd-data");
    let token = std::fs::read_to_string(data.join("admin-token")).unwrap();
    let token = token.trim();
    assert!(token.starts_with("licd_"), "{token}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let bits = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(bits(&data), 0o700);
        for secret in ["admin-token", "issuing-key.pem", "release-key.pem"] {
            assert_eq!(bits(&data.join(secret)), 0o600, "{secret}");
        }
    }
    let admin = first.admin.clone().unwrap();
    assert_eq!(status(&admin, "/api/v1/tokens", token), 200);
    assert_eq!(status(&admin, "/api/v1/tokens", "licd_wrong"), 401);
    assert_eq!(status(&first.listen, "/readyz", ""), 200);
    let ready = first.lines.last().unwrap()["message"].as_str().unwrap().to_owned();
    assert!(ready.starts_with("licd is ready: http://127.0.0.1:"), "{ready}");
    assert!(ready.contains(&first.listen) && ready.contains(&admin), "{ready}");
    assert!(!ready.contains(":0 "), "{ready}");
    assert_eq!(first.terminate(), Some(0));

    let again = Serving::start(folder.path(), &["--admin-listen="]);
    assert!(again.lines.iter().all(|line| line.get("admin_token_file").is_none()));
    assert_eq!(again.admin, None);
    assert!(again.lines.last().unwrap()["admin_listen"].is_null());
}

#[test]
fn stops_within_ten_seconds_although_a_client_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let mut serving = Serving::start(folder.path(), &[]);
    let address = serving.listen.strip_prefix("http://").unwrap();
    let mut hanging = TcpStream::connect(address).unwrap();
    hanging
        .write_all(b"POST /koogallery HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let started = Instant::now();
    assert_eq!(serving.terminate(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[cfg(unix)]
#[test]
fn a_second_signal_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut serving = Serving::start(folder.path(), &[]);
    let address = serving.listen.strip_prefix("http://").unwrap();
    let mut hanging = TcpStream::connect(address).unwrap();
    hanging
        .write_all(b"POST /koogallery HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let id = serving.child.id().to_string();
    let started = Instant::now();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(serving.terminate(), Some(1));
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(folder.path(), &["serve", "--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.starts_with(&format!("licd: cannot listen on {address}")), "{error}");
    assert!(error.contains("another program listens there") && error.contains("--listen"));
    assert!(!folder.path().join("licd-data").exists());
    // The log collector reads of it too, as one JSON line.
    let line: Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
    assert_eq!(line["level"], "ERROR");
}

#[test]
fn a_second_licd_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Serving::start(folder.path(), &[]);
    let output =
        run(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains("licd-data") && error.contains("another licd"), "{error}");
    assert_eq!(status(&first.listen, "/readyz", ""), 200);
    assert_eq!(first.terminate(), Some(0));
}

#[test]
fn a_data_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let output = run(
        folder.path(),
        &["serve", "--data-dir", "file/data", "--listen", "127.0.0.1:0", "--admin-listen="],
    );
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.starts_with("licd: ") && error.contains("file/data"), "{error}");
    assert!(!error.contains("panicked") && !error.contains("backtrace"), "{error}");
}

#[test]
fn a_wrong_configuration_is_exit_code_2_with_every_fault() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("licd.toml"), "issuer = 7\n[http]\nlistne = \"x\"\n")
        .unwrap();
    for arguments in [
        &["serve", "--config", "licd.toml"][..],
        &["migrate", "--config", "licd.toml"],
        &["config", "check", "--config", "licd.toml"],
        &["token", "create", "--role", "viewer", "--name", "x", "--config", "licd.toml"],
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(
            text(&output.stderr).lines().filter(|line| !line.starts_with('{')).collect::<Vec<_>>(),
            [
                "licd: the configuration cannot be used:",
                "  http.listne in licd.toml: there is no such key; did you mean http.listen?",
                "  issuer in licd.toml: 7 is not a text in quotes; write issuer = \"licd\"",
            ],
            "{arguments:?}"
        );
    }
    for arguments in [&["serve", "--nonsense"][..], &["token", "create"], &["no-such-command"]] {
        assert_eq!(run(folder.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
    assert!(!folder.path().join("licd-data").exists());
}

#[test]
fn config_check_shows_what_is_in_force_and_warns() {
    let folder = tempfile::tempdir().unwrap();
    let output = licd(folder.path())
        .args(["config", "check"])
        .env("LICD_KOOGALLERY__ACCESS_KEY", "an-access-key-of-ours")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let shown = text(&output.stdout);
    assert!(shown.contains("access_key = \"(set)\"") && shown.contains("# environment"), "{shown}");
    assert!(!shown.contains("an-access-key-of-ours"), "{shown}");
    let error = text(&output.stderr);
    assert!(error.contains("warning: koogallery.ak and sk are empty"), "{error}");
    assert!(!error.contains("answered 000001"), "{error}");
    assert!(!folder.path().join("licd-data").exists());
}

#[test]
fn tokens_can_be_made_beside_a_serving_licd() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    let output =
        run(folder.path(), &["token", "create", "--role", "viewer", "--name", "dashboard"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let token = text(&output.stdout);
    let token = token.trim();
    let admin = serving.admin.as_deref().unwrap();
    assert_eq!(status(admin, "/api/v1/products", token), 200);
    assert_eq!(status(admin, "/api/v1/tokens", token), 403);
}

#[test]
fn migrate_prepares_a_folder_that_serve_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["migrate"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("./licd-data"));
    let serving = Serving::start(folder.path(), &[]);
    assert_eq!(status(&serving.listen, "/readyz", ""), 200);
}

#[expect(clippy::disallowed_methods, reason = "the process under test reads the wall clock")]
fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// Plays the marketplace: the query that was signed, and the answer.
fn new_instance(listen: &str, key: &str) -> (String, Value) {
    let call = json!({
        "activity": "newInstance", "orderId": "CS2211181819LOG",
        "orderLineId": "CS2211181819LOG-000001", "businessId": "b-1",
    });
    let key = AccessKey::new(key).unwrap();
    let body = call.to_string();
    let query = Presented::sign(&key, body.as_bytes(), "nonce-of-a-call", now_ms()).to_query();
    let (_, answer) = fetch(listen, "POST", &format!("/koogallery?{query}"), "", &body);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["resultCode"], "000000", "{answer}");
    (query, answer)
}

#[test]
fn stops_within_ten_seconds_although_the_marketplace_hangs() {
    const KEY: &str = "an-access-key-of-the-console";
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut serving = Serving::start_with(
        folder.path(),
        &[],
        &[
            ("LICD_KOOGALLERY__ACCESS_KEY", KEY),
            ("LICD_KOOGALLERY__AK", "an-ak"),
            ("LICD_KOOGALLERY__SK", "an-sk"),
            ("LICD_KOOGALLERY__BASE_URL", &url),
        ],
    );
    new_instance(&serving.listen, KEY);
    // The question about the order was asked, and is never answered.
    let (_asked, _) = silent.accept().unwrap();
    let started = Instant::now();
    assert_eq!(serving.terminate(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

/// docs/LOGGING.md, "What is never logged".
#[test]
fn the_log_of_a_whole_run_holds_no_secret_and_nothing_of_a_customer() {
    const KEY: &str = "an-access-key-of-the-console";
    const SK: &str = "a-secret-key-of-the-account";
    const SERIAL: &str = "S4EVNX0M123456";
    let folder = tempfile::tempdir().unwrap();
    let mut serving = Serving::start_with(
        folder.path(),
        &[],
        &[
            ("LICD_LOG", "debug"),
            ("LICD_KOOGALLERY__ACCESS_KEY", KEY),
            ("LICD_KOOGALLERY__AK", "AKEXAMPLE0123456789A"),
            ("LICD_KOOGALLERY__SK", SK),
            ("LICD_KOOGALLERY__BASE_URL", "http://127.0.0.1:9"),
        ],
    );
    let admin = serving.admin.clone().unwrap();
    let token = std::fs::read_to_string(folder.path().join("licd-data/admin-token")).unwrap();
    let bearer = format!("Authorization: Bearer {}\r\n", token.trim());

    let (query, answer) = new_instance(&serving.listen, KEY);
    let id = answer["instanceId"].as_str().unwrap();

    let (_, instances) = fetch(&admin, "GET", "/api/v1/instances", &bearer, "");
    let instances: Value = serde_json::from_str(&instances).unwrap();
    let code = instances[0]["activation_code"].as_str().unwrap().to_owned();
    let dev_info = format!("00:1b:44:11:3a:b7|{SERIAL}|BOARD-77|BFEBFBFF000906EA");
    let wanted = json!({
        "product": "flowsim", "activation_code": code, "dev_info": dev_info, "nonce": "n-1",
    });
    let forwarded = "X-Forwarded-For: 198.51.100.77\r\n";
    fetch(&serving.listen, "POST", "/v1/client/licenses", forwarded, &wanted.to_string());
    fetch(&serving.listen, "GET", "/path-of-a-stranger?with=a-query", "", "");
    fetch(&admin, "GET", "/api/v1/tokens", "Authorization: Bearer licd_not-a-token\r\n", "");
    assert_eq!(serving.terminate(), Some(0));
    std::thread::sleep(Duration::from_millis(200));

    let log = serving.log.lock().unwrap().clone();
    assert!(log.contains("newInstance") && log.contains("answered a request"), "{log}");
    assert!(log.contains("\"stopped\""), "{log}");
    let plain_code = code.replace('-', "");
    let signature = query.split('&').next().unwrap().split('=').nth(1).unwrap();
    for secret in [
        KEY,
        SK,
        "AKEXAMPLE",
        token.trim(),
        "licd_not-a-token",
        &code,
        &plain_code,
        SERIAL,
        "00:1b:44",
        "198.51.100.77",
        "path-of-a-stranger",
        "a-query",
        "nonce-of-a-call",
        signature,
    ] {
        assert!(!log.contains(secret), "{secret} stands in the log: {log}");
    }
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
    assert!(!id.is_empty());
}

#[test]
fn help_teaches() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, part) in [
        (&["--help"][..], "Exit codes: 0"),
        (&["serve", "--help"], "http://127.0.0.1:8470"),
        (&["token", "create", "--help"], "operator also applies products"),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains(part), "{}", text(&output.stdout));
    }
}

/// Where an address with its password is kept.
fn database_file(folder: &Path, url: &str) -> String {
    let path = folder.join("database-url");
    std::fs::write(&path, format!("{url}\n")).unwrap();
    path.display().to_string()
}

#[test]
fn several_licd_share_one_postgresql() {
    let Some(cluster) = cluster::Cluster::shared() else {
        return eprintln!("LICD_TEST_POSTGRES=skip: this was left out");
    };
    let folder = tempfile::tempdir().unwrap();
    let file = database_file(folder.path(), &cluster.database());
    let database = [("LICD_DATABASE_FILE", file.as_str())];
    let migrated = licd(folder.path()).arg("migrate").envs(database).output().unwrap();
    assert_eq!(migrated.status.code(), Some(0), "{}", text(&migrated.stderr));
    assert!(text(&migrated.stderr).contains("postgres://"), "{}", text(&migrated.stderr));

    let first = Serving::start_with(folder.path(), &["--data-dir", "one"], &database);
    let mut second = Serving::start_with(folder.path(), &["--data-dir", "two"], &database);
    assert!(!folder.path().join("one/licd.db").exists());
    // The one that filled the database has it.
    let token = std::fs::read_to_string(folder.path().join("licd-data/admin-token")).unwrap();
    for serving in [&first, &second] {
        assert_eq!(status(serving.admin.as_ref().unwrap(), "/api/v1/tokens", token.trim()), 200);
        assert_eq!(status(&serving.listen, "/readyz", ""), 200);
    }
    assert!(!folder.path().join("one/admin-token").exists());
    assert!(!folder.path().join("two/admin-token").exists());
    let jwks = |serving: &Serving| -> Vec<String> {
        let (_, body) = fetch(&serving.listen, "GET", "/.well-known/jwks.json", "", "");
        let jwks: Value = serde_json::from_str(&body).unwrap();
        let mut kids: Vec<_> = jwks["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect();
        kids.sort();
        kids
    };
    assert_eq!(jwks(&first).len(), 6);
    assert_eq!(jwks(&first), jwks(&second));

    drop(first);
    assert_eq!(status(&second.listen, "/readyz", ""), 200);
    let made = licd(folder.path())
        .args(["token", "create", "--role", "viewer", "--name", "x", "--data-dir", "two"])
        .envs(database)
        .output()
        .unwrap();
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let admin = second.admin.clone().unwrap();
    assert_eq!(status(&admin, "/api/v1/products", text(&made.stdout).trim()), 200);
    assert_eq!(second.terminate(), Some(0));
}

#[test]
fn the_password_of_the_database_is_never_shown() {
    const URL: &str = "postgres://licd:hunter2@127.0.0.1:1/licd?application_name=x";
    let folder = tempfile::tempdir().unwrap();
    let shown =
        licd(folder.path()).args(["config", "check"]).env("LICD_DATABASE", URL).output().unwrap();
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
    let line = "database = \"postgres://licd:(set)@127.0.0.1:1/licd\"";
    assert!(text(&shown.stdout).contains(line), "{}", text(&shown.stdout));
    let mut outputs = vec![shown];
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0", "--admin-listen="][..],
        &["migrate"],
        &["token", "create", "--role", "viewer", "--name", "x"],
    ] {
        let output = licd(folder.path())
            .args(arguments)
            .env("LICD_DATABASE", URL)
            .env("LICD_LOG", "trace")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let error = text(&output.stderr);
        assert!(
            error.contains("postgres://licd:(set)@127.0.0.1:1/licd cannot be opened"),
            "{error}"
        );
        outputs.push(output);
    }
    for output in outputs {
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(!all.contains("hunter2"), "{all}");
    }
    for wrong in [
        "mysql://u:hunter2@h/db",
        "postgres://u:hunter2/x@h/db",
        "postgres://u@h/db?sslpassword=hunter2",
        "postgres://u@h/db?password=a?hunter2&x@h/db",
    ] {
        let output = run(folder.path(), &["serve", "--database", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        assert!(!text(&output.stderr).contains("hunter2"), "{}", text(&output.stderr));
    }
}

/// Something listens there, and it is no database.
#[test]
fn a_start_that_waits_for_its_database_is_stopped() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("postgres://licd@{}/licd", silent.local_addr().unwrap());
    let mut child = licd(folder.path())
        .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen=", "--database", &url])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // From here on it waits for an answer.
    let _waits = silent.accept().unwrap();
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
