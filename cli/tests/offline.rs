//! Keys, licenses and trust through the binary, where exact output is not the point.

#![expect(clippy::unwrap_used, reason = "a surprise in here is the failure of the test")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::{self, JoinHandle};

use serde_json::Value;
use tempfile::TempDir;

const ISSUE: &[&str] = &["issue", "--key", "a.key", "--product", "flowsim", "--customer", "𠮷野家"];

const MACHINE: &str = "04:7C:16:5E:E3:5D|S4EVNX0R123456|PF2ABCDE|BFEBFBFF00090672";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A folder of its own to work in.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_licctl"));
        command.args(args).current_dir(self.0.path()).env("LC_ALL", "C").stdin(Stdio::null());
        command.env_remove("LICCTL_PASSPHRASE_FILE");
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs what has to succeed and gives its standard output.
    fn done(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn json(&self, args: &[&str]) -> (i32, Value) {
        let output = self.run(&[args, &["--json"]].concat());
        let value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{args:?}: {error}: {}", text(&output.stderr)));
        (output.status.code().unwrap(), value)
    }

    fn fed(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }

    /// An unencrypted issuing key and its JWKS.
    fn with_key(self) -> Self {
        self.done(&["key", "generate", "--out", "a.key", "--issuer", "FlowSim", "--no-passphrase"]);
        let jwks = self.done(&["key", "export", "--key", "a.key"]);
        std::fs::write(self.path("trust.json"), jwks).unwrap();
        self
    }

    fn issued(&self, more: &[&str]) -> String {
        self.done(&[ISSUE, more].concat())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn what_is_issued_verifies_on_its_machine_alone() {
    let desk = Desk::new().with_key();
    desk.issued(&["--dev-info", MACHINE, "--expires", "2099-11-20", "--out", "c.lic"]);
    assert!(desk.read("c.lic").contains("Valid until: 2099-11-20\n-----BEGIN LICENSE-----\n"));

    let verify = ["verify", "c.lic", "--trust", "trust.json"];
    let (code, answer) = desk.json(&[&verify[..], &["--dev-info", MACHINE]].concat());
    assert_eq!(
        (code, &answer["code"], &answer["warnings"]),
        (0, &"OK".into(), &Value::Array(vec![]))
    );
    assert_eq!(answer["claims"]["cus"], "𠮷野家");
    assert_eq!(answer["claims"]["exp"], 4_098_902_399_i64, "2099-11-20T23:59:59Z");
    assert_eq!(answer["claims"]["sub"], answer["claims"]["jti"]);

    let (code, answer) = desk.json(&[&verify[..], &["--dev-info", "|D9|B9|"]].concat());
    assert_eq!((code, &answer["code"]), (1, &"MACHINE_MISMATCH".into()));
    for (at, expected) in [("2099-11-20T23:59:58Z", 0), ("2099-11-20T23:59:59Z", 1)] {
        assert_eq!(desk.json(&[&verify[..], &["--at", at]].concat()).0, expected, "{at}");
    }
}

#[test]
fn every_form_and_every_way_in() {
    let desk = Desk::new().with_key();
    let string = desk.issued(&["--unbound", "--days", "30"]);
    assert!(string.starts_with("eyJ") && string.trim_end().lines().count() == 1);
    assert!(string.trim_end().len() <= 1024);
    assert!(desk.issued(&["--unbound", "--form", "file"]).contains("-----BEGIN LICENSE-----"));
    desk.issued(&["--unbound", "--form", "string", "--out", "odd.lic"]);
    assert!(desk.read("odd.lic").starts_with("eyJ"), "--form wins over the name");

    desk.done(&["verify", string.trim(), "--trust", "trust.json"]);
    let wrapped = format!("Dear customer,\r\n\r\n{}\r\n\t{}\r\n", &string[..90], &string[90..]);
    for input in [string.clone().into_bytes(), wrapped.into_bytes()] {
        let output = desk.fed(&["verify", "-", "--trust", "trust.json"], &input);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    let cut =
        desk.fed(&["verify", "-", "--trust", "trust.json", "--json"], &string.as_bytes()[..200]);
    assert_eq!(cut.status.code(), Some(1));
    assert!(text(&cut.stdout).contains("LICENSE_MALFORMED"));
}

#[test]
fn a_device_text_is_read_from_standard_input_in_any_encoding() {
    let desk = Desk::new().with_key();
    let args = [ISSUE, &["--days", "30", "--dev-info", "-", "--out", "c.lic"]].concat();
    let utf16: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(MACHINE.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    for input in [MACHINE.as_bytes().to_vec(), utf16] {
        let output = desk.fed(&args, &input);
        assert!(output.status.success(), "{}", text(&output.stderr));
        desk.done(&["verify", "c.lic", "--trust", "trust.json", "--dev-info", MACHINE]);
    }
    let output = desk.fed(&args, b"\xff\xfeX");
    assert_eq!(output.status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn a_private_key_is_its_owners_and_is_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;

    let desk = Desk::new().with_key();
    let mode = std::fs::metadata(desk.path("a.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = desk.read("a.key");
    let (code, answer) = desk.json(&["key", "generate", "--out", "a.key", "--no-passphrase"]);
    assert_eq!((code, &answer["code"]), (2, &"CONFLICT".into()));
    assert_eq!(desk.read("a.key"), before);
}

#[test]
fn an_encrypted_key_opens_with_its_passphrase_alone() {
    let desk = Desk::new();
    std::fs::write(desk.path("right"), "correct horse\r\n").unwrap();
    std::fs::write(desk.path("wrong"), "correct house\n").unwrap();
    let made =
        desk.done(&["key", "generate", "--out", "a.key", "--passphrase-file", "right", "--json"]);
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(made["encrypted"], true);
    assert!(desk.read("a.key").contains("-----BEGIN ENCRYPTED PRIVATE KEY-----"));

    let show = |file| desk.json(&["key", "show", "--key", "a.key", "--passphrase-file", file]);
    let (code, shown) = show("right");
    assert_eq!((code, &shown["kid"]), (0, &made["kid"]));
    assert_eq!(show("wrong").0, 2);
    let output = desk.run(&["key", "show", "--key", "a.key"]);
    assert_eq!(output.status.code(), Some(2), "nobody is there to be asked");

    let mut by_environment = desk.command(&["key", "show", "--key", "a.key"]);
    let output = by_environment.env("LICCTL_PASSPHRASE_FILE", "right").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn a_kits_key_is_made_shown_and_signs_nothing() {
    let desk = Desk::new();
    std::fs::write(desk.path("right"), "correct horse\n").unwrap();
    let args = ["key", "generate", "--alg", "rsa3072", "--out", "kit.pem"];
    let made = desk.done(&[&args[..], &["--passphrase-file", "right", "--json"]].concat());
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!((&made["bits"], &made["encrypted"]), (&3072.into(), &true.into()));
    let pem = made["public_key_pem"].as_str().unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    assert_eq!(made["public_key"], base64.as_str());
    let file = desk.read("kit.pem");
    assert!(file.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{file}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = std::fs::metadata(desk.path("kit.pem")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }

    let show = ["key", "show", "--key", "kit.pem", "--passphrase-file", "right"];
    let (code, shown) = desk.json(&show);
    assert_eq!((code, &shown["public_key"]), (0, &made["public_key"]));
    let shown = desk.done(&show);
    assert!(shown.contains(&base64) && shown.contains(pem.trim()), "{shown}");

    let issue = ["issue", "--key", "kit.pem", "--product", "p", "--customer", "c", "--unbound"];
    let (code, answer) = desk.json(&issue);
    assert_eq!((code, &answer["code"]), (1, &"KEY_NOT_ALLOWED".into()));
    let (code, answer) = desk.json(&[&args[..], &["--no-passphrase"]].concat());
    assert_eq!((code, &answer["code"]), (2, &"CONFLICT".into()));
    let signing = [&args[..5], &["other.pem", "--issuer", "X", "--no-passphrase"]].concat();
    assert_eq!(desk.json(&signing).0, 2);
}

#[test]
fn no_output_holds_the_private_key() {
    let desk = Desk::new().with_key();
    let key = desk.read("a.key");
    // The seed begins at the 17th byte of the PKCS#8 structure.
    let body = key.split("-----").nth(2).unwrap().replace('\n', "");
    let secret = &body[24..60];
    for args in [
        &["key", "show", "--key", "a.key"][..],
        &["key", "show", "--key", "a.key", "--json"],
        &["key", "export", "--key", "a.key"],
        &["show", "a.key"],
        &["verify", "a.key", "--trust", "trust.json"],
        &["verify", "trust.json", "--trust", "a.key"],
        &["issue", "--key", "trust.json", "--product", "p", "--customer", "c", "--unbound"],
    ] {
        let output = desk.run(args);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(!all.contains(secret) && !all.contains("\"d\""), "{args:?}: {all}");
    }
}

#[test]
fn purposes_are_kept_apart() {
    let desk = Desk::new().with_key();
    for purpose in ["release", "root"] {
        let file = format!("{purpose}.key");
        desk.done(&["key", "generate", "--out", &file, "--purpose", purpose, "--no-passphrase"]);
        let args = ["issue", "--key", &file, "--issuer", "FlowSim", "--product", "flowsim"];
        let args = [&args[..], &["--customer", "X", "--unbound"]].concat();
        let (code, answer) = desk.json(&args);
        assert_eq!((code, &answer["code"]), (1, &"KEY_NOT_ALLOWED".into()), "{purpose}");
    }
}

#[test]
fn this_machine_is_read_and_can_be_bound_to() {
    let desk = Desk::new().with_key();
    let (code, answer) = desk.json(&["devinfo"]);
    let text = answer["dev_info"].as_str().unwrap();
    assert_eq!(text.matches('|').count(), 3, "{text}");
    if code == 0 {
        assert_eq!(desk.done(&["devinfo"]).trim_end(), text);
        desk.issued(&["--dev-info", text, "--days", "1", "--out", "c.lic"]);
        desk.done(&["verify", "c.lic", "--trust", "trust.json", "--dev-info", text]);
    } else {
        assert_eq!(answer["code"], "MACHINE_UNREADABLE");
    }
}

/// Answers one request with these bytes and gives what was asked for.
fn answer_once(head: &'static str, body: String) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        text(&request).lines().next().unwrap().to_owned()
    });
    (address, asked)
}

#[test]
fn keys_are_fetched_from_a_server() {
    let desk = Desk::new();
    let jwks = std::fs::read_to_string(fixture("trust.json")).unwrap();
    let license = fixture("plain.txt").display().to_string();
    let verify =
        |trust: &str| desk.json(&["verify", &license, "--at", "2027-01-15", "--trust", trust]);

    for path in ["", "/", "/.well-known/jwks.json"] {
        let (address, asked) = answer_once("200 OK", jwks.clone());
        let (code, answer) = verify(&format!("{address}{path}"));
        assert_eq!((code, &answer["code"]), (0, &"OK".into()), "{path}");
        assert_eq!(asked.join().unwrap(), "GET /.well-known/jwks.json HTTP/1.1");
    }
    for (head, body, expected) in [
        ("404 Not Found", String::new(), "SERVER_UNREACHABLE"),
        ("302 Found\r\nLocation: http://127.0.0.1:1/", String::new(), "SERVER_UNREACHABLE"),
        ("200 OK", "<html>sign in</html>".to_owned(), "CONFIG_INVALID"),
        ("200 OK", r#"{"keys":[]}"#.to_owned(), "CONFIG_INVALID"),
    ] {
        let (address, asked) = answer_once(head, body);
        let (code, answer) = verify(&address);
        assert_eq!((code, &answer["code"]), (2, &expected.into()), "{head}: {answer}");
        asked.join().unwrap();
    }
    let (code, answer) = verify("http://127.0.0.1:1");
    assert_eq!((code, &answer["code"]), (2, &"SERVER_UNREACHABLE".into()));
}

#[test]
fn colours_are_for_terminals() {
    let desk = Desk::new();
    let license = fixture("forged.txt").display().to_string();
    let trust = fixture("trust.json").display().to_string();
    let args = ["verify", &license, "--trust", &trust, "--at", "2027-01-15"];
    let plain = desk.run(&args);
    assert!(!text(&plain.stdout).contains('\u{1b}'));
    let forced = desk.command(&args).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(text(&forced.stdout).contains('\u{1b}'));
    let asked_not_to =
        desk.command(&args).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").output().unwrap();
    assert!(!text(&asked_not_to.stdout).contains('\u{1b}'));
}

#[test]
fn text_of_others_cannot_steer_the_terminal() {
    let desk = Desk::new().with_key();
    let output = desk.run(&[
        "issue",
        "--key",
        "a.key",
        "--product",
        "p",
        "--customer",
        "a\u{1b}[2Jb",
        "--unbound",
    ]);
    assert_eq!(output.status.code(), Some(2));
    let output = desk.run(&["verify", "a\u{1b}[2Jb", "--trust", "trust.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!text(&output.stdout).contains('\u{1b}'));
}

#[test]
fn completions_are_made_for_every_shell() {
    let desk = Desk::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = desk.done(&["completions", shell]);
        assert!(script.contains("licctl") && script.contains("entitlement"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let desk = Desk::new();
    let mut child = desk
        .command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

const BATCH: &[&str] =
    &["issue", "--key", "a.key", "--product", "flowsim", "--days", "30", "--batch", "m.csv"];

fn machines(count: u32) -> String {
    let row =
        |n| format!("某某科技{n},04:7C:16:5E:E3:{n:02X}|S4EVN{n}|PF2AB{n}|BFEB,mesh; cores={n}\n");
    (1..=count).map(row).fold("\u{feff}customer,dev_info,entitlements\n".to_owned(), |a, b| a + &b)
}

#[test]
fn a_batch_is_one_license_a_row_and_can_be_started_again() {
    let desk = Desk::new();
    desk.done(&["key", "generate", "--out", "a.key", "--no-passphrase", "--issuer", "甲"]);
    std::fs::write(desk.path("trust.json"), desk.done(&["key", "export", "--key", "a.key"]))
        .unwrap();
    std::fs::write(desk.path("m.csv"), machines(12)).unwrap();
    let folder = [BATCH, &["--out-dir", "out"]].concat();
    let (code, said) = desk.json(&folder);
    assert_eq!(
        (code, &said["issued"], &said["issued_before"]),
        (0, &12.into(), &0.into()),
        "{said}"
    );
    let device = "04:7C:16:5E:E3:03|S4EVN3|PF2AB3|BFEB";
    let verify =
        ["verify", "out/0003.lic", "--trust", "trust.json", "--product", "flowsim", "--dev-info"];
    let (code, verified) = desk.json(&[&verify[..], &[device]].concat());
    assert_eq!((code, &verified["claims"]["cus"]), (0, &"某某科技3".into()), "{verified}");
    assert_eq!(verified["claims"]["ent"]["cores"], 3);
    let (code, _) = desk.json(&[&verify[..], &["04:7C:16:5E:E3:04|S4EVN4|PF2AB4|BFEB"]].concat());
    assert_eq!(code, 1, "another row's machine");

    // Cut off: what is missing is made, what is there stays, a half-written one is none.
    let kept = desk.read("out/0001.lic");
    std::fs::remove_file(desk.path("out/0005.lic")).unwrap();
    std::fs::rename(desk.path("out/0006.lic"), desk.path("out/0006.lic.part")).unwrap();
    let (code, said) = desk.json(&folder);
    assert_eq!((code, &said["issued"], &said["issued_before"]), (0, &2.into(), &10.into()));
    assert_eq!(desk.read("out/0001.lic"), kept);
    assert!(!desk.path("out/0006.lic.part").exists());

    // Another batch overwrites nothing.
    std::fs::write(desk.path("m.csv"), machines(12).replace("cores=7", "cores=8")).unwrap();
    let (code, said) = desk.json(&folder);
    assert_eq!((code, &said["code"]), (1, &"CONFLICT".into()), "{said}");
    let (code, said) = desk.json(&[&folder[..], &["--trial"]].concat());
    assert_eq!((code, &said["code"]), (1, &"CONFLICT".into()), "{said}");
}

#[test]
fn a_batch_of_json_lines_goes_on_behind_its_last_whole_line() {
    let desk = Desk::new();
    desk.done(&["key", "generate", "--out", "a.key", "--no-passphrase", "--issuer", "甲"]);
    std::fs::write(desk.path("m.csv"), machines(9)).unwrap();
    let lines = [BATCH, &["--out", "all.jsonl"]].concat();
    assert!(desk.done(&lines).contains("9 licenses"));
    let all = desk.read("all.jsonl");
    let cut: String = all.split_inclusive('\n').take(4).collect();
    std::fs::write(desk.path("all.jsonl"), format!("{cut}{{\"row\":5,\"lic")).unwrap();
    assert!(desk.done(&lines).contains("5 licenses, all.jsonl; 4 were there already"));
    let now = desk.read("all.jsonl");
    assert!(now.starts_with(&cut));
    // Somebody else's text is no line of ours that was cut off.
    for foreign in ["a note without a line end", "{\"row\":7", "a\n", "\n"] {
        std::fs::write(desk.path("notes.txt"), foreign).unwrap();
        let (code, said) = desk.json(&[BATCH, &["--out", "notes.txt"]].concat());
        assert_eq!((code, &said["code"]), (1, &"CONFLICT".into()), "{foreign:?}: {said}");
        assert_eq!(desk.read("notes.txt"), foreign);
    }
    let rows: Vec<Value> = now.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 9);
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(row["row"], number + 1);
        assert_eq!(
            (&row["form"], row["license"].as_str().unwrap().starts_with("eyJ")),
            (&"string".into(), true)
        );
    }
}

#[test]
fn nothing_of_a_batch_is_issued_while_a_row_is_wrong() {
    let desk = Desk::new();
    desk.done(&["key", "generate", "--out", "a.key", "--no-passphrase", "--issuer", "甲"]);
    let good = "A,00:11:22:33:44:55|D1|B1|C";
    for (csv, cause) in [
        ("customer,device\nA,x\n".to_owned(), "no column `device`"),
        ("customer,dev_info\n".to_owned(), "holds no row"),
        (format!("customer,dev_info\n{good}\nB,|||\n"), "line 3"),
        (format!("customer,dev_info\n{good}\nB,\n"), "line 3: dev_info"),
        (format!("customer,dev_info\n{good}\nB\n"), "no CSV"),
        (format!("customer,dev_info,expires\n{good},yesterday\n"), "line 2: expires"),
        (format!("customer,dev_info,expires\n{good},2001-01-01\n"), "would have expired"),
        (format!("customer,dev_info,expires,days\n{good},2100-01-01,9\n"), "one of them"),
        (format!("customer,dev_info,days\n{good},0\n"), "1 to 36500"),
        (format!("customer,dev_info,entitlements\n{good},a b\n"), "entitlements: a b"),
        (format!("customer,dev_info,trial\n{good},maybe\n"), "line 2: trial"),
        (format!("customer,dev_info,file\n{good},../x.lic\n"), "plain name"),
        (format!("customer,dev_info,file\n{good},x.lic\n{good},X.lic\n"), "the name of line 2"),
        (format!("dev_info\n{}\n", &good[2..]), "--customer"),
    ] {
        std::fs::write(desk.path("m.csv"), &csv).unwrap();
        let output = desk.run(&[BATCH, &["--out-dir", "out"]].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{csv}: {said}");
        assert!(said.contains(cause), "{csv}: {said}");
        assert!(!desk.path("out").exists(), "{csv}");
    }
    std::fs::write(desk.path("m.csv"), format!("customer,dev_info\n{good}\n")).unwrap();
    let output = desk.run(BATCH);
    assert_eq!(output.status.code(), Some(2), "neither --out nor --out-dir");
    assert!(text(&output.stderr).contains("--out-dir"));
    std::fs::write(desk.path("m.csv"), b"customer,dev_info\n\xd5\xc5,x\n").unwrap();
    let output = desk.run(&[BATCH, &["--out-dir", "out"]].concat());
    assert_eq!(output.status.code(), Some(2), "GBK");
    assert!(text(&output.stderr).contains("UTF-8"));
}
