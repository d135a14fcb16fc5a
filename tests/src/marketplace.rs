//! A marketplace that does what a test says: orders that can be read or not, uploads that are
//! taken, refused, left without an answer.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{AK, MARKET_PRODUCT, MARKET_SKU, time};

/// How a request is answered.
#[derive(Clone, Debug)]
pub enum Reaction {
    /// As the marketplace does when all is well.
    Well,
    /// With this HTTP status and code.
    Refuse(u16, &'static str),
    /// Well, after this time.
    Slow(Duration),
    /// The request is read, then the connection is closed.
    HangUp,
}

/// One upload that arrived, whatever was answered.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The event of its path.
    pub event: String,
    /// `CHARACTERS` or `FILE`.
    pub kind: String,
    /// The license: the characters, or the file's text.
    pub license: String,
    /// Whether it was answered with success.
    pub taken: bool,
    /// When it arrived.
    pub at: Instant,
}

#[derive(Default)]
struct State {
    orders: BTreeMap<String, Value>,
    reading: Option<Reaction>,
    uploading: Option<Reaction>,
    next_uploads: VecDeque<Reaction>,
    deliveries: Vec<Delivery>,
    queries: Vec<String>,
    pushing: Option<Reaction>,
    usage: Vec<(Value, bool)>,
    codes: BTreeMap<String, Value>,
    answering_codes: Option<Reaction>,
    activations: Vec<String>,
    heartbeats: Vec<String>,
    under_way: usize,
    most_under_way: usize,
}

/// The marketplace; it goes on listening until the test's process ends.
#[derive(Clone)]
pub struct Marketplace {
    url: String,
    state: Arc<Mutex<State>>,
}

impl Marketplace {
    /// Listens on a free port.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&shared);
                // A server that went away in the middle of a request is one of the cases.
                thread::spawn(move || serve(&stream, &state));
            }
        });
        Self { url, state }
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sells: the order can be read from now on.
    pub fn sell(&self, order: &Order) {
        self.state().orders.insert(order.id.clone(), order.json());
    }

    /// Sells an authorization code for so many machines until then.
    pub fn sell_code(&self, code: &str, amount: u32, expires: i64) {
        let sold = json!({
            "status": "ALIVE",
            "expire_time": time::digits(expires),
            "product_id": MARKET_PRODUCT,
            "order_id": format!("CS-{code}"),
            "amount": amount,
        });
        self.state().codes.insert(code.to_owned(), sold);
    }

    /// Changes how a code stands: `EXPIRED`, `RELEASED`.
    pub fn code_stands(&self, code: &str, status: &str) {
        if let Some(sold) = self.state().codes.get_mut(code) {
            sold["status"] = json!(status);
        }
    }

    /// How questions about codes are answered from now on.
    pub fn answering_codes(&self, reaction: Reaction) {
        self.state().answering_codes = Some(reaction);
    }

    /// The codes of the activations and of the heartbeats that arrived.
    #[must_use]
    pub fn code_questions(&self) -> (Vec<String>, Vec<String>) {
        let state = self.state();
        (state.activations.clone(), state.heartbeats.clone())
    }

    /// How order queries are answered from now on.
    pub fn reading(&self, reaction: Reaction) {
        self.state().reading = Some(reaction);
    }

    /// How uploads are answered from now on.
    pub fn uploading(&self, reaction: Reaction) {
        self.state().uploading = Some(reaction);
    }

    /// How the next uploads are answered, before the lasting reaction takes over.
    pub fn next_uploads(&self, reactions: impl IntoIterator<Item = Reaction>) {
        self.state().next_uploads.extend(reactions);
    }

    /// How usage is answered from now on.
    pub fn pushing(&self, reaction: Reaction) {
        self.state().pushing = Some(reaction);
    }

    /// Every record of usage that arrived, in the order of the calls, and whether its call was
    /// answered with success.
    #[must_use]
    pub fn usage(&self) -> Vec<(Value, bool)> {
        self.state().usage.clone()
    }

    /// Every upload that arrived.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.state().deliveries.clone()
    }

    /// The uploads of this event.
    #[must_use]
    pub fn of(&self, event: &str) -> Vec<Delivery> {
        self.deliveries().into_iter().filter(|delivery| delivery.event == event).collect()
    }

    /// The orders that were asked for, in this order.
    #[must_use]
    pub fn queries(&self) -> Vec<String> {
        self.state().queries.clone()
    }

    /// The most uploads that were under way at once since the last time this was asked.
    #[must_use]
    pub fn most_under_way(&self) -> usize {
        std::mem::take(&mut self.state().most_under_way)
    }

    /// Waits for the upload of this event that is answered well.
    #[must_use]
    pub fn wait_for(&self, event: &str, within: Duration) -> Delivery {
        time::wait_for(&format!("the upload of {event}"), within, || {
            self.of(event).into_iter().find(|delivery| delivery.taken)
        })
    }
}

/// An order as "query order" gives it.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its id; the line's is this one with `-000001`.
    pub id: String,
    /// `NEW`, `RENEW`, …
    pub kind: &'static str,
    /// `PERIOD`, `ONE_TIME`, …
    pub charging: &'static str,
    /// The end of a period, in Unix seconds.
    pub expires: Option<i64>,
    /// How many machines were bought.
    pub quantity: u32,
    /// When it was placed, in Unix seconds.
    pub created: i64,
    /// The marketplace's product.
    pub product: String,
    /// The buyer's real name.
    pub customer: String,
}

impl Order {
    /// A year for so many machines.
    #[must_use]
    pub fn period(quantity: u32) -> Self {
        Self {
            id: format!("CS{}", time::unique().to_uppercase()),
            kind: "NEW",
            charging: "PERIOD",
            expires: Some(time::now() + 366 * 86_400),
            quantity,
            created: time::now() - 120,
            product: MARKET_PRODUCT.to_owned(),
            customer: "示例工业软件（深圳）有限公司 𠮷".to_owned(),
        }
    }

    /// For ever, for so many machines.
    #[must_use]
    pub fn perpetual(quantity: u32) -> Self {
        Self { charging: "ONE_TIME", expires: None, ..Self::period(quantity) }
    }

    fn json(&self) -> Value {
        let mut line = json!({
            "orderLineId": format!("{}-000001", self.id),
            "chargingMode": self.charging,
            "productInfo": [{
                "productId": self.product,
                "skuCode": MARKET_SKU,
                "linearValue": self.quantity,
                "productName": "FlowSim",
            }],
            "extendParams": [{ "name": "ip", "value": "127.0.0.1" }],
            "currency": "100",
            "currencyAfterDiscount": "100",
        });
        if let Some(expires) = self.expires {
            line["expireTime"] = json!(time::digits(expires));
            line["periodType"] = json!("year");
            line["periodNumber"] = json!(1);
        }
        json!({
            "orderId": self.id,
            "orderType": self.kind,
            "createTime": time::digits(self.created),
            "orderLine": [line],
            "buyerInfo": {
                "mobilePhone": null,
                "email": null,
                "customerId": "customer-1",
                "customerName": "mock_user_01",
                "customerRealName": self.customer,
                "customerType": 0,
                "userId": null,
                "userName": null,
            },
            "extendParams": [],
        })
    }
}

/// A request as far as a marketplace looks at it.
struct Request {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn serve(stream: &TcpStream, state: &Mutex<State>) -> Option<()> {
    let request = read(stream)?;
    let signed = request.headers.get("authorization").is_some_and(|value| {
        value.starts_with(&format!("SDK-HMAC-SHA256 Access={AK}, SignedHeaders="))
    });
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    let path = request.target.split('?').next()?.to_owned();

    if path.ends_with("/order/query") && request.method == "GET" {
        let query = request.target.split_once('?')?.1;
        let order = query.split('&').find_map(|pair| pair.strip_prefix("orderId="))?.to_owned();
        let reaction = {
            let mut state = lock();
            state.queries.push(order.clone());
            state.reading.clone().unwrap_or(Reaction::Well)
        };
        let found = |code: &str, order: Option<&Value>| json!({ "resultCode": code, "resultMsg": code, "orderInfo": order });
        match reaction {
            Reaction::HangUp => return None,
            Reaction::Refuse(status, code) => return answer(stream, status, &found(code, None)),
            Reaction::Slow(time) => thread::sleep(time),
            Reaction::Well => {}
        }
        let order = lock().orders.get(&order).cloned();
        return match order {
            _ if !signed => answer(stream, 401, &found("MKT.0154", None)),
            Some(order) => answer(stream, 200, &found("MKT.0000", Some(&order))),
            None => answer(stream, 400, &found("MKT.0101", None)),
        };
    }

    if path.ends_with("/isv/usage-data") {
        return usage(stream, state, &request, signed);
    }
    if let Some((_, interface)) = path.split_once("/v1/license/") {
        return for_code(stream, state, interface, &request.body, signed);
    }

    let event = path.split("/market-event/").nth(1)?.strip_suffix("/file")?.to_owned();
    let (kind, license) = upload(&request)?;
    let at = Instant::now();
    let reaction = {
        let mut state = lock();
        state.under_way += 1;
        state.most_under_way = state.most_under_way.max(state.under_way);
        let lasting = state.uploading.clone().unwrap_or(Reaction::Well);
        state.next_uploads.pop_front().unwrap_or(lasting)
    };
    if let Reaction::Slow(time) = reaction {
        thread::sleep(time);
    }
    let taken = signed && matches!(reaction, Reaction::Well | Reaction::Slow(_));
    {
        let mut state = lock();
        state.under_way -= 1;
        state.deliveries.push(Delivery { event, kind, license, taken, at });
    }
    let body = |code: &str, text: &str| json!({ "error_code": code, "error_msg": text });
    match reaction {
        Reaction::HangUp => None,
        Reaction::Refuse(status, code) => answer(stream, status, &body(code, "refused")),
        _ if !signed => answer(stream, 403, &body("CBC.0150", "Illegal operation")),
        Reaction::Well | Reaction::Slow(_) => answer(stream, 200, &body("CBC.0000", "Success")),
    }
}

/// Keeps what was pushed before it answers, as a marketplace may.
fn usage(stream: &TcpStream, state: &Mutex<State>, request: &Request, signed: bool) -> Option<()> {
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    let records = body["usage_records"].as_array()?.clone();
    let reaction = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let reaction = state.pushing.clone().unwrap_or(Reaction::Well);
        let taken = signed && matches!(reaction, Reaction::Well | Reaction::Slow(_));
        state.usage.extend(records.into_iter().map(|record| (record, taken)));
        reaction
    };
    let body = |code: &str| json!({ "error_code": code, "error_msg": code });
    match reaction {
        Reaction::HangUp => None,
        Reaction::Refuse(status, code) => answer(stream, status, &body(code)),
        _ if !signed => answer(stream, 401, &body("94060002")),
        Reaction::Slow(time) => {
            thread::sleep(time);
            answer(stream, 200, &body("MKT.0000"))
        }
        Reaction::Well => answer(stream, 200, &body("MKT.0000")),
    }
}

/// 激活授权码 and 查询授权码, in their first edition.
fn for_code(
    stream: &TcpStream,
    state: &Mutex<State>,
    interface: &str,
    body: &[u8],
    signed: bool,
) -> Option<()> {
    let request: Value = serde_json::from_slice(body).ok()?;
    let code = request["license"].as_str()?.to_owned();
    let (sold, reaction) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        match interface {
            "activate" => state.activations.push(code.clone()),
            _ => state.heartbeats.push(code.clone()),
        }
        if interface == "activate"
            && let Some(sold) = state.codes.get_mut(&code)
        {
            sold["activate_time"] = json!(time::digits(time::now()));
        }
        let reaction = state.answering_codes.clone().unwrap_or(Reaction::Well);
        (state.codes.get(&code).cloned(), reaction)
    };
    let refused = |code: &str| json!({ "error_code": code, "error_msg": "refused" });
    match reaction {
        Reaction::HangUp => return None,
        Reaction::Refuse(status, code) => return answer(stream, status, &refused(code)),
        Reaction::Slow(time) => thread::sleep(time),
        Reaction::Well => {}
    }
    let data = match sold {
        _ if !signed => return answer(stream, 403, &refused("92020001")),
        None => return answer(stream, 200, &refused("92020005")),
        Some(mut sold) if interface == "heartbeat" => {
            sold["license_code"] = json!(code);
            sold
        }
        Some(sold) => json!({ "license_code_info": sold.to_string() }),
    };
    let told = json!({ "error_code": "92020000", "error_msg": "success", "data": data });
    answer(stream, 200, &told)
}

fn read(stream: &TcpStream) -> Option<Request> {
    stream.set_read_timeout(Some(Duration::from_mins(1))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, target, headers, body })
}

fn answer(mut stream: &TcpStream, status: u16, body: &Value) -> Option<()> {
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()
}

/// The type and the content of an upload: both parts, read by their names.
fn upload(request: &Request) -> Option<(String, String)> {
    let kind = request.headers.get("content-type")?;
    let boundary = kind.split("boundary=").nth(1)?.trim_matches('"');
    let text = String::from_utf8(request.body.clone()).ok()?;
    let part = |name: &str| {
        let wanted = format!("name=\"{name}\"");
        text.split(&format!("--{boundary}")).find_map(|part| {
            let (head, body) = part.split_once("\r\n\r\n")?;
            head.contains(&wanted).then(|| body.strip_suffix("\r\n").unwrap_or(body).to_owned())
        })
    };
    let description: Value = serde_json::from_str(&part("isvUpdateFileReq")?).ok()?;
    let kind = description["type"].as_str()?.to_owned();
    let content = match kind.as_str() {
        "FILE" => {
            let file = part("file")?;
            let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(file.as_bytes()));
            (description["sha256"] == digest.as_str()).then_some(file)?
        }
        _ => description["characters"].as_str()?.to_owned(),
    };
    Some((kind, content))
}
