//! A marketplace on loopback: answers for orders, takes uploads, misbehaves on demand.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use koogallery::AccessKey;
use koogallery::Edition;
use koogallery::aksk::{Credentials, Received, verify};
use koogallery::license_code::{self, CodeInfo, CodeInterface};
use koogallery::order::{self, Order};
use koogallery::upload::{self, Content};
use koogallery::usage::{self, Record};

pub(super) const AK: &str = "demo-ak";
pub(super) const SK: &str = "demo-sk";

/// What is done with a request instead of answering it properly.
#[derive(Clone, Debug)]
pub(super) enum Trick {
    /// Another answer.
    Refuse(u16, &'static str),
    /// No answer, although everything was read and, for an upload, kept.
    HangUp,
    /// The proper answer, late.
    Late(Duration),
}

#[derive(Default)]
pub(super) struct State {
    pub(super) orders: HashMap<String, Order>,
    /// Used up one a request; then requests are answered properly.
    pub(super) tricks: VecDeque<Trick>,
    /// Answers every request with this, as long as it is set.
    pub(super) always: Option<Trick>,
    pub(super) asked: Vec<String>,
    pub(super) uploads: Vec<(String, Content)>,
    /// Calls with usage that were read, whatever was answered.
    pub(super) usage: Vec<Vec<Record>>,
    /// Numbers of records that are refused, with their codes.
    pub(super) wrong_usage: Vec<(String, String)>,
    /// Authorization codes that were sold.
    pub(super) codes: HashMap<String, CodeInfo>,
    /// Codes whose questions are refused.
    pub(super) refused: HashMap<String, (u16, &'static str)>,
    pub(super) activated: Vec<String>,
    pub(super) beaten: Vec<String>,
    pub(super) requests: usize,
}

#[derive(Clone)]
pub(super) struct Double {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
    now: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl Double {
    pub(super) fn start(now: Arc<dyn Fn() -> i64 + Send + Sync>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let double = Self { address: listener.local_addr().unwrap(), state: Arc::default(), now };
        let serving = double.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(&stream));
            }
        });
        double
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn uploads(&self) -> Vec<(String, Content)> {
        self.state().uploads.clone()
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some((method, target, headers, body)) = read(&mut reader) {
            // Signatures are judged by the time of arrival.
            let now = (self.now)();
            let trick = {
                let mut state = self.state();
                state.requests += 1;
                state.always.clone().or_else(|| state.tricks.pop_front())
            };
            let answer = match &trick {
                Some(Trick::Refuse(status, code)) => (*status, upload::answer(code, "refused")),
                Some(Trick::HangUp) => {
                    self.answer(&method, &target, &headers, &body, now);
                    let _ = stream.shutdown(std::net::Shutdown::Both);
                    return;
                }
                Some(Trick::Late(by)) => {
                    std::thread::sleep(*by);
                    self.answer(&method, &target, &headers, &body, now)
                }
                None => self.answer(&method, &target, &headers, &body, now),
            };
            let head = format!(
                "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                answer.0,
                answer.1.len()
            );
            let mut stream = stream;
            if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer.1)).is_err()
            {
                return;
            }
        }
    }

    fn answer(
        &self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: &[u8],
        now: i64,
    ) -> (u16, Vec<u8>) {
        let pairs: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let received = Received { method, target, headers: &pairs, body };
        if let Err(refused) = verify(&Credentials::new(AK, SK), &received, now, 900) {
            return (401, upload::answer("APIGW.0301", &refused.to_string()));
        }
        let path = target.split('?').next().unwrap();
        if path == order::PATH {
            let query = target.split_once("orderId=").unwrap().1;
            let id = query.split('&').next().unwrap().to_owned();
            let mut state = self.state();
            state.asked.push(id.clone());
            return match state.orders.get(&id) {
                Some(order) => (200, order::answer(order)),
                None => (401, order::refusal("MKT.0150", "not yours")),
            };
        }
        for edition in [Edition::V2, Edition::V1] {
            if path == usage::path(edition) {
                return self.usage(edition, &pairs, body);
            }
        }
        if let Some((interface, edition)) = license_code::of_path(path) {
            return self.answer_for_code(interface, edition, body);
        }
        let event = upload::event_of(path).unwrap();
        let kind = pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        match upload::read_multipart(kind.unwrap().1, body) {
            Ok(content) => {
                self.state().uploads.push((event, content));
                (200, upload::answer("CBC.0000", "Success"))
            }
            Err(error) => (400, upload::answer("CBC.0101", &error.to_string())),
        }
    }

    fn answer_for_code(
        &self,
        interface: CodeInterface,
        edition: Edition,
        body: &[u8],
    ) -> (u16, Vec<u8>) {
        let Ok(asked) = license_code::read_request(edition, body) else {
            return (400, license_code::refusal("92020002", "invalid param"));
        };
        let code = asked.codes[0].clone();
        let mut state = self.state();
        match interface {
            CodeInterface::Activate => state.activated.push(code.clone()),
            CodeInterface::Heartbeat => state.beaten.push(code.clone()),
        }
        if let Some((status, refusal)) = state.refused.get(&code) {
            return (*status, license_code::refusal(refusal, "refused"));
        }
        let now = (self.now)();
        let Some(info) = state.codes.get_mut(&code) else {
            return (200, license_code::refusal("92020005", "license code not exist"));
        };
        if interface == CodeInterface::Activate {
            info.activated.get_or_insert(now);
        }
        (200, license_code::answer(interface, edition, std::slice::from_ref(info)))
    }
}

impl Double {
    fn usage(&self, edition: Edition, headers: &[(&str, &str)], body: &[u8]) -> (u16, Vec<u8>) {
        let header = |name: &str| {
            let found = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
            found.map_or("", |(_, value)| *value)
        };
        let key = AccessKey::new(super::fixture::KEY).unwrap();
        let (signature, ts, nonce) = (header("signature"), header("ts"), header("nonce"));
        if edition == Edition::V2 && !usage::is_signed(&key, signature, ts, nonce, body) {
            return (401, upload::answer("94060002", "wrong signature"));
        }
        let records = match usage::read_body(edition, body) {
            Ok(records) => records,
            Err(error) => return (400, upload::answer("MKT.0101", &error.to_string())),
        };
        let mut state = self.state();
        let wrong: Vec<(&str, &str)> = state
            .wrong_usage
            .iter()
            .filter(|(number, _)| records.iter().any(|record| record.number == *number))
            .map(|(number, code)| (number.as_str(), code.as_str()))
            .collect();
        let answer = if wrong.is_empty() {
            upload::answer("MKT.0000", "Success")
        } else {
            usage::partly(&wrong)
        };
        state.usage.push(records);
        (200, answer)
    }
}

type Request = (String, String, Vec<(String, String)>, Vec<u8>);

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut line = String::new();
    let mut next = || {
        line.clear();
        let read = reader.read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim_end().to_owned())
    };
    let first = next()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = next()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((method, target, headers, body))
}
