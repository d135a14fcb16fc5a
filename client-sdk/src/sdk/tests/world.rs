//! One issuer, one server, one machine: what the tests of the SDK play in.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use license_core::{
    Code, Timestamp,
    api::LicenseRequest,
    binding::{Binding, Enrollment},
    device::DeviceInfo,
    entitlement::{Entitlement, LicenseKind},
    issue::{self, ListSequences, Signer, SigningKey},
    jws::DocType,
    license::License,
    revocation::{self, RevocationStatus},
    time::DAY,
    trust::{KeyRing, TrustedKey},
};
use serde_json::{Value, json};

use crate::{Config, EventType, Sdk, platform::Platform};

pub(super) const DEVICE: &str =
    "04:7C:16:5E:E3:5D|S4EWNX0R123456|/7X2B0M3/CNWS2007/|BFEBFBFF00090672";
pub(super) const OTHER: &str =
    "04:7C:16:00:00:01|S4EWNX0R999999|/8Y3C1N4/CNWS2008/|BFEBFBFF00090672";
pub(super) const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// The most that a test waits for something that does happen.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn key(seed: u8) -> SigningKey {
    SigningKey::ed25519_from_seed([seed; 32])
}

/// Signs licenses, receipts and revocations.
pub(super) fn issuing() -> SigningKey {
    key(1)
}

/// Signs releases.
pub(super) fn releasing() -> SigningKey {
    key(2)
}

pub(super) fn trusted(key: &SigningKey, purposes: &[DocType]) -> TrustedKey {
    TrustedKey::new(key.public().clone(), purposes.to_vec())
}

pub(super) const ISSUED: [DocType; 4] =
    [DocType::License, DocType::Lease, DocType::Receipt, DocType::Revocation];

pub(super) fn jwks(keys: Vec<TrustedKey>) -> String {
    KeyRing::new(keys).unwrap().to_jwks().to_string()
}

pub(super) fn anchors() -> String {
    jwks(vec![trusted(&issuing(), &ISSUED), trusted(&releasing(), &[DocType::Release])])
}

/// A license for a machine, with what a test wants changed.
pub(super) fn license(device: &str, change: impl FnOnce(&mut License)) -> License {
    let info = DeviceInfo::parse(device).unwrap();
    let rule = Enrollment { need: None, cpu_alone: false };
    let mut license = License {
        issuer: "licd".to_owned(),
        issued_at: NOW.plus(-60),
        instance: "inst-1".to_owned(),
        id: "lic-1".to_owned(),
        not_before: None,
        expires: Some(NOW.plus(365 * DAY)),
        product: "flowsim".to_owned(),
        customer: "某某科技有限公司".to_owned(),
        kind: LicenseKind::NodeLocked,
        trial: false,
        entitlements: BTreeMap::from([
            ("mesh".to_owned(), Entitlement::Flag(true)),
            ("solver-cores".to_owned(), Entitlement::Number(64)),
        ]),
        versions: None,
        maintenance_until: None,
        grace_secs: 0,
        seats: None,
        binding: Some(Binding::enroll(&info, "salt", &rule).unwrap().binding),
    };
    change(&mut license);
    license
}

pub(super) fn sealed(license: &License) -> String {
    issue::seal(DocType::License, license, &issuing()).unwrap()
}

pub(super) fn revocations(seq: u64, entries: &[(&str, RevocationStatus)]) -> String {
    let entries: Vec<_> = entries.iter().map(|(id, stop)| ((*id).to_owned(), *stop)).collect();
    let payload = revocation::payload("licd", seq, NOW, NOW.plus(30 * DAY), &entries);
    issue::seal(DocType::Revocation, &payload, &issuing()).unwrap()
}

/// What the server answers.
pub(super) struct Answer {
    status: u16,
    body: Vec<u8>,
}

pub(super) fn ok(body: impl Into<Vec<u8>>) -> Answer {
    Answer { status: 200, body: body.into() }
}

pub(super) fn refused(status: u16, code: Code) -> Answer {
    let body = json!({"title": "t", "status": status, "detail": "d", "code": code});
    Answer { status, body: body.to_string().into_bytes() }
}

/// The answer to a question for a license, properly signed.
pub(super) fn licensed(request: &str, license: &str) -> Answer {
    let request: LicenseRequest = serde_json::from_str(request).unwrap();
    let lists = ListSequences::default();
    let receipt = issue::receipt("licd", NOW, &request.nonce, license, lists, &issuing()).unwrap();
    answered(license, &receipt)
}

pub(super) fn answered(license: &str, receipt: &str) -> Answer {
    let answer =
        json!({"license": license, "form": "string", "license_id": "lic-1", "receipt": receipt});
    ok(answer.to_string())
}

type Script = Box<dyn FnMut(&str, &str) -> Option<Answer> + Send>;

/// A server whose answers the test writes; `None` from the script leaves the caller waiting.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) url: String,
    script: Arc<Mutex<Script>>,
    pub(super) asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            script: Arc::new(Mutex::new(Box::new(|_, _| Some(refused(404, Code::NotFound))))),
            asked: Arc::default(),
        };
        let serving = server.clone();
        thread::spawn(move || {
            let mut waiting = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut first = String::new();
                let mut length = 0;
                if reader.read_line(&mut first).is_err() {
                    continue;
                }
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
                        break;
                    }
                    let line = line.to_lowercase();
                    if let Some(value) = line.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                }
                let mut body = vec![0; length];
                if reader.read_exact(&mut body).is_err() {
                    continue;
                }
                let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                serving.asked.lock().unwrap().push(path.clone());
                let answer =
                    (serving.script.lock().unwrap())(&path, &String::from_utf8_lossy(&body));
                let Some(answer) = answer else {
                    waiting.push(stream);
                    continue;
                };
                let head = format!(
                    "HTTP/1.1 {} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    answer.status,
                    answer.body.len()
                );
                // A client that went away is part of some tests.
                let _ =
                    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer.body));
            }
        });
        server
    }

    /// Answers by path and body from now on.
    pub(super) fn script(&self, script: impl FnMut(&str, &str) -> Option<Answer> + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    /// Gives everybody this license.
    pub(super) fn gives(&self, license: &str) {
        let license = license.to_owned();
        self.script(move |path, body| {
            Some(match path {
                "/v1/client/licenses" => licensed(body, &license),
                "/v1/client/revocations" => ok(revocations(1, &[])),
                _ => refused(404, Code::NotFound),
            })
        });
    }

    /// How often a path was asked.
    pub(super) fn count(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.starts_with(path)).count()
    }

    /// Waits until a path was asked so often.
    pub(super) fn until_asked(&self, path: &str, times: usize) {
        until(|| self.count(path) >= times);
    }
}

/// Waits for something that happens on another thread.
pub(super) fn until(mut happened: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < end, "it did not happen");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The machine and its folders.
pub(super) struct World {
    pub(super) root: tempfile::TempDir,
    pub(super) now: Arc<AtomicI64>,
    pub(super) running: Arc<AtomicI64>,
    pub(super) server: Server,
    nonces: Arc<AtomicUsize>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            now: Arc::new(AtomicI64::new(NOW.as_secs())),
            running: Arc::default(),
            server: Server::start(),
            nonces: Arc::default(),
        }
    }

    pub(super) fn set(&self, now: Timestamp) {
        self.now.store(now.as_secs(), Ordering::SeqCst);
    }

    pub(super) fn state(&self, name: &str) -> PathBuf {
        self.root.path().join("state").join(name)
    }

    pub(super) fn platform(&self) -> Platform {
        let now = Arc::clone(&self.now);
        let running = Arc::clone(&self.running);
        let nonces = Arc::clone(&self.nonces);
        Platform {
            env: Arc::new(|_| None),
            config_files: Vec::new(),
            state_home: None,
            floor_home: Some(self.root.path().join("second")),
            now: Arc::new(move || Timestamp::from_secs(now.load(Ordering::SeqCst))),
            running: Arc::new(move || running.load(Ordering::SeqCst)),
            nonce: Arc::new(move || {
                let number = nonces.fetch_add(1, Ordering::SeqCst);
                Some([u8::try_from(number % 251).unwrap(); 24])
            }),
            machine: Arc::new(|| DEVICE.to_owned()),
        }
    }

    pub(super) fn config(&self) -> Config {
        Config {
            server: self.server.url.clone(),
            product: "flowsim".to_owned(),
            version: "2.0.0".to_owned(),
            activation_code: "CODE".to_owned(),
            trust: anchors(),
            state_dir: self.root.path().join("state").display().to_string(),
            platform: "linux-x86_64".to_owned(),
            development: false,
            ..Config::default()
        }
    }

    pub(super) fn offline(&self) -> Config {
        Config { server: String::new(), ..self.config() }
    }

    pub(super) fn start(&self, config: Config) -> Running {
        let sdk = Sdk::with_host(self.platform(), Some(config));
        let (sender, events) = mpsc::channel();
        sdk.register_event_recall(move |kind, message| {
            // The test may have seen enough.
            let _ = sender.send((kind, serde_json::from_str(message).unwrap()));
        });
        assert_eq!(sdk.init(), Code::Ok, "{:?}", sdk.explain());
        Running { sdk, events }
    }

    pub(super) fn online(&self) -> Running {
        self.start(self.config())
    }

    /// Puts a license where an earlier run would have.
    pub(super) fn keep(&self, license: &License) {
        self.write("license.lic", &license_core::armor::license_file(&sealed(license), license));
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.state(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(super) fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.state(name)).ok()
    }
}

/// An SDK that works, and what it tells.
pub(super) struct Running {
    pub(super) sdk: Sdk,
    pub(super) events: Receiver<(EventType, Value)>,
}

impl Running {
    /// The next event's parameters.
    pub(super) fn next(&self, kind: EventType) -> Value {
        let (came, message) = self.events.recv_timeout(PATIENCE).expect("an event");
        assert_eq!(came, kind, "{message}");
        assert_eq!(message["comeBackParams"], json!({}));
        message["params"].clone()
    }

    /// Asks for the license as text and waits for the answer.
    pub(super) fn string(&self) -> Value {
        assert_eq!(self.sdk.license_string_request(""), Code::Ok);
        self.next(EventType::LicenseVerify)
    }

    /// The code of the next answer to a request for the license.
    pub(super) fn code(&self) -> String {
        let params = self.string();
        match params["Status"].as_str() {
            Some("success") => "OK".to_owned(),
            _ => params["ErrorCode"].as_str().unwrap().to_owned(),
        }
    }

    /// Ends the SDK; nothing more was told.
    pub(super) fn end(self) {
        self.sdk.shut_out();
        let rest: Vec<_> = self.events.try_iter().collect();
        assert!(rest.is_empty(), "{rest:?}");
    }
}

pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
