//! Fake license server for the C++ tests: signs licenses and releases on loopback, refuses on demand.
//! Its behavior is chosen by the activation code and the channel. It ends with its standard input.

use std::{
    collections::HashMap,
    env, fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use license_core::{
    Code, Lang, Timestamp, armor,
    binding::{Binding, Enrollment},
    device::DeviceInfo,
    issue::{ListSequences, Signer, SigningKey, receipt, seal},
    jws::DocType,
    license::License,
    trust::{KeyRing, TrustedKey, document_digest},
};
use serde_json::{Value, json};

/// The machine of the documents that are written to the folder.
const MACHINE: &str = "04:7C:16:5E:E3:5D|001B_444A_488B_5CEC.|BOARD-0001|BFEBFBFF00090672";
const PACKAGE: &str = "an installer of flowsim 2.1.0";
const DAY: i64 = 86_400;

struct FakeServer {
    issuing: SigningKey,
    release: SigningKey,
    stranger: SigningKey,
    address: String,
}

/// What one request is answered with.
struct Response {
    status: u16,
    kind: &'static str,
    body: Vec<u8>,
}

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).expect("usage: licsdk-fake-server FOLDER"));
    fs::create_dir_all(&folder)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let server = Arc::new(FakeServer {
        issuing: SigningKey::ed25519_from_seed([1; 32]),
        release: SigningKey::ed25519_from_seed([2; 32]),
        stranger: SigningKey::ed25519_from_seed([3; 32]),
        address: format!("http://{}", listener.local_addr()?),
    });
    server.write(&folder)?;

    let serving = Arc::clone(&server);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let server = Arc::clone(&serving);
            thread::spawn(move || server.serve(stream));
        }
    });
    // The test that started it closes the pipe, or dies.
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "this is a program, and this is its main file")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.expect("the clock is after 1970").as_secs();
    Timestamp::from_secs(i64::try_from(seconds).expect("the clock is before the year 2^55"))
}

impl FakeServer {
    fn write(&self, folder: &std::path::Path) -> io::Result<()> {
        let issuing = vec![DocType::License, DocType::Receipt, DocType::Revocation];
        let ring = KeyRing::new(vec![
            TrustedKey::new(self.issuing.public().clone(), issuing),
            TrustedKey::new(self.release.public().clone(), vec![DocType::Release]),
        ])
        .expect("two keys");
        fs::write(folder.join("trust.json"), ring.to_jwks().to_string())?;
        fs::write(folder.join("machine.txt"), MACHINE)?;
        for (name, signer, change) in [
            ("good", &self.issuing, json!({})),
            ("expired", &self.issuing, json!({"exp": now().plus(-30 * DAY), "grc": 0})),
            ("grace", &self.issuing, json!({"exp": now().plus(-DAY), "grc": 7 * DAY})),
            ("other-product", &self.issuing, json!({"prd": "heatsim"})),
            ("stranger", &self.stranger, json!({})),
        ] {
            let document = license(MACHINE, &change, signer);
            fs::write(folder.join(format!("{name}.txt")), &document.text)?;
            fs::write(folder.join(format!("{name}.lic")), document.file())?;
        }
        fs::write(folder.join("package"), PACKAGE)?;
        // Last: whoever waits for it finds everything else.
        fs::write(folder.join("address.part"), &self.address)?;
        fs::rename(folder.join("address.part"), folder.join("address"))
    }

    fn serve(&self, mut stream: TcpStream) {
        let Some((line, body)) = read(&stream) else { return };
        let mut words = line.split_whitespace();
        let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let answer = match (method, path) {
            ("POST", "/v1/client/licenses") => self.answer_license(&body),
            ("GET", "/v1/client/releases") => self.releases(query),
            ("GET", "/package") => {
                Response { status: 200, kind: "application/octet-stream", body: PACKAGE.into() }
            }
            _ => problem(404, Code::NotFound),
        };
        let head = format!(
            "HTTP/1.1 {} -\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            answer.status,
            answer.kind,
            answer.body.len()
        );
        // A program that was shut down no longer reads.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer.body));
    }

    fn answer_license(&self, body: &[u8]) -> Response {
        let Ok(request) = serde_json::from_slice::<Value>(body) else {
            return problem(400, Code::RequestInvalid);
        };
        let text = |name: &str| request[name].as_str().unwrap_or_default();
        let (mut change, mut signer, mut nonce) = (json!({}), &self.issuing, text("nonce"));
        match text("activation_code") {
            "GOOD" => {}
            "SLOW" => thread::sleep(Duration::from_secs(2)),
            "EXPIRED" => change = json!({"exp": now().plus(-30 * DAY), "grc": 0}),
            "STRANGER" => signer = &self.stranger,
            "OTHER-NONCE" => nonce = "not the one",
            "FULL" => return problem(409, Code::MachinesExhausted),
            _ => return problem(403, Code::ActivationCodeUnknown),
        }
        let document = license(text("dev_info"), &change, signer);
        let given = if text("form") == "file" { document.file() } else { document.text };
        let lists = ListSequences::default();
        let receipt = receipt("licd", now(), nonce, &given, lists, &self.issuing);
        Response {
            status: 200,
            kind: "application/json",
            body: json!({
                "license": given,
                "form": text("form"),
                "license_id": "01930000-0000-7000-8000-000000000001",
                "receipt": receipt.expect("a receipt is small"),
            })
            .to_string()
            .into_bytes(),
        }
    }

    fn releases(&self, query: &str) -> Response {
        let query: HashMap<&str, &str> =
            query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let channel = query.get("channel").copied().unwrap_or_default();
        let sha = document_digest(PACKAGE);
        let mut release = json!({
            "ver": "2.1.0", "dat": now().plus(-DAY), "url": format!("{}/package", self.address),
            "len": PACKAGE.len(), "sha": sha, "txt": {"en": "Faster", "zh": "更快"},
        });
        match channel {
            "forced" => release["for"] = json!("<2.1"),
            "damaged" => release["sha"] = json!("0".repeat(64)),
            _ => {}
        }
        let list = json!({
            "iss": "licd", "iat": now(), "prd": query.get("product"), "chn": channel, "plt": "*",
            "seq": now(), "exp": now().plus(7 * DAY),
            "rel": if channel == "none" { json!([]) } else { json!([release]) },
        });
        let text = seal(DocType::Release, &list, &self.release).expect("a list is small");
        Response { status: 200, kind: "application/jose", body: text.into_bytes() }
    }
}

struct Document {
    text: String,
    claims: License,
}

impl Document {
    fn file(&self) -> String {
        armor::license_file(&self.text, &self.claims)
    }
}

/// A license for the machine of `device`; `change` replaces members of the payload.
fn license(device: &str, change: &Value, signer: &dyn Signer) -> Document {
    let info = DeviceInfo::parse(device).expect("the tests give usable device texts");
    // A container may show nothing but its processor.
    let rule = Enrollment { cpu_alone: true, ..Enrollment::default() };
    let bound = Binding::enroll(&info, "salt of the tests", &rule).expect("it can be enrolled");
    let mut payload = json!({
        "iss": "licd", "iat": now(), "sub": "instance-1",
        "jti": "01930000-0000-7000-8000-000000000001",
        "exp": now().plus(365 * DAY), "prd": "flowsim", "cus": "测试客户 𠮷", "knd": "node-locked",
        "ent": {"mesh": true, "cloud": false, "solver-cores": 4, "edition": "basic"},
        "grc": 7 * DAY, "dev": bound.binding,
    });
    for (name, value) in change.as_object().into_iter().flatten() {
        payload[name.as_str()] = value.clone();
    }
    let text = seal(DocType::License, &payload, signer).expect("a license is small");
    let claims = serde_json::from_value(payload).expect("these are the claims of a license");
    Document { text, claims }
}

fn problem(status: u16, code: Code) -> Response {
    let body = json!({
        "type": "about:blank", "title": code.message(Lang::En), "title_zh": code.message(Lang::Zh),
        "status": status, "detail": "", "code": code,
    });
    Response { status, kind: "application/problem+json", body: body.to_string().into_bytes() }
}

/// The request line and the body.
fn read(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first, body))
}
