//! A seller written from the marketplace's rules, and what it can do wrong.

mod kit;
mod old;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use koogallery::answer::{AppInfo, InstanceInfo};
use koogallery::{
    AccessKey, Answer, Body, Call, InterfaceType, Presented, Rejection, ResultCode, interface,
};
use tokio::runtime::Runtime;

pub(crate) const KEY: &str = "a-key-for-tests-only";
pub(crate) const CODE_KEY: &str = "a-license-code-key-for-tests";
pub(crate) const GENERAL_KEY: &str = "a-general-key-for-tests-only";
pub(crate) const KIT_KEY: &str = "a-kit-key-for-tests-only";

/// The activation code that the buyer is shown.
pub(crate) fn code() -> String {
    license_core::activation_code::ActivationCode::from_random([7; 13]).to_string()
}

/// What a seller can do wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// Another instance for each request, as if businessId were the key.
    InstancePerRequest,
    AcceptsReplays,
    AcceptsTheFuture,
    AcceptsAnySignature,
    OnlyRawBytes,
    OnlyLowerCase,
    ForgetsReleased,
    KnowsEveryInstance,
    NoFieldLengths,
    NoBodyLimit,
    AnyMethod,
    RefusesLicenses,
    /// One interface's key opens them all.
    OneForAll,
    NoBodySign,
    /// `getLicense` makes one each time.
    AnotherLicense,
    /// The kit's second call of a kind fails.
    SyncsOnce,
    NoUpgrade,
    /// Answers 000005 to all that is asked in earnest.
    Broken,
}

/// A running seller; it stops when dropped.
pub(crate) struct Seller {
    pub(crate) url: String,
    _runtime: Runtime,
}

struct Desk {
    keys: Keys,
    fault: Option<Fault>,
    seen: Mutex<Seen>,
    synced: Mutex<HashSet<String>>,
}

struct Keys {
    basic: AccessKey,
    license_code: AccessKey,
    general: AccessKey,
    kit: AccessKey,
}

#[derive(Default)]
struct Seen {
    nonces: HashSet<String>,
    created: u32,
    released: bool,
}

impl Seller {
    pub(crate) fn start(fault: Option<Fault>) -> Self {
        let key = |text| AccessKey::new(text).unwrap();
        let keys = Keys {
            basic: key(KEY),
            license_code: key(CODE_KEY),
            general: key(GENERAL_KEY),
            kit: key(KIT_KEY),
        };
        let desk = Desk { keys, fault, seen: Mutex::default(), synced: Mutex::default() };
        let router = Router::new()
            .fallback(answer)
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(Arc::new(desk));
        let (address, runtime) = run(router);
        Self { url: format!("http://{address}/koogallery"), _runtime: runtime }
    }
}

/// Serves on a free port for as long as the runtime lives.
pub(crate) fn run(router: Router) -> (SocketAddr, Runtime) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, runtime)
}

async fn answer(
    State(desk): State<Arc<Desk>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method == Method::GET {
        let (answer, signature) = desk.old(uri.query().unwrap_or_default());
        let signature = signature.map(|value| [(koogallery::v1::BODY_SIGN, value)]);
        return match signature {
            Some(header) => (header, answer).into_response(),
            None => answer.into_response(),
        };
    }
    if uri.path().contains("/produceAPI") {
        return desk.kit(uri.path(), &headers, &body).into_response();
    }
    answer_json(&desk, &method, &uri, &body).into_response()
}

fn answer_json(desk: &Desk, method: &Method, uri: &Uri, body: &[u8]) -> (StatusCode, Vec<u8>) {
    if *method != Method::POST && desk.fault != Some(Fault::AnyMethod) {
        return (StatusCode::METHOD_NOT_ALLOWED, Vec::new());
    }
    if body.len() > 64 * 1024 && desk.fault != Some(Fault::NoBodyLimit) {
        return (StatusCode::PAYLOAD_TOO_LARGE, Vec::new());
    }
    let presented = Presented::from_query(uri.query().unwrap_or_default());
    let answer = desk.judge(&presented, body).unwrap_or_else(Answer::from);
    (StatusCode::OK, answer.to_json())
}

#[expect(clippy::disallowed_methods, reason = "the other side has its own clock")]
fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    i64::try_from(now).unwrap()
}

/// What buyers are shown of these instances.
fn shown(ids: Vec<String>) -> Answer {
    let info = |instance_id| InstanceInfo {
        instance_id,
        app_info: AppInfo {
            memo: Some(format!("Activation code / 激活码: {}", code())),
            ..AppInfo::default()
        },
        usage_info: None,
    };
    Answer::instances(ids.into_iter().map(info).collect())
}

impl Desk {
    fn judge(&self, presented: &Presented, raw: &[u8]) -> Result<Answer, Rejection> {
        let body = Body::parse(raw)?;
        self.verify(presented, raw, &body)?;
        if self.fault == Some(Fault::Broken) && body.text("testFlag").is_none() {
            return Err(ResultCode::Internal.into());
        }
        let mut seen = self.seen.lock().unwrap();
        match self.read(&body)? {
            Call::NewInstance(call) => {
                seen.created += 1;
                let suffix = match self.fault {
                    Some(Fault::InstancePerRequest) => seen.created.to_string(),
                    _ => String::new(),
                };
                Ok(Answer::instance(format!("I-{}{suffix}", call.order_line_id)))
            }
            Call::QueryInstance(call) => Ok(shown(call.instance_ids)),
            Call::UpgradeInstance(_) if self.fault == Some(Fault::NoUpgrade) => {
                Err(ResultCode::BadParameter.into())
            }
            Call::UpgradeInstance(call) => {
                self.once(&mut seen, presented)?;
                self.known(&seen, &call.instance_id)
            }
            Call::ChangeInstanceCheck(call) => self.known(&seen, &call.instance_id),
            Call::RefreshLicenseCode(_)
            | Call::UpdateLicenseCodeStatus(_)
            | Call::ReleaseLicenseCode(_) => {
                self.once(&mut seen, presented)?;
                Ok(Answer::success())
            }
            Call::OrderNotify(_) => Ok(Answer::success()),
            Call::RefreshInstance(call) => {
                self.once(&mut seen, presented)?;
                self.known(&seen, &call.instance_id)
            }
            Call::UpdateInstanceStatus(call) => {
                self.once(&mut seen, presented)?;
                self.known(&seen, &call.instance_id)
            }
            Call::ReleaseInstance(call) => {
                self.once(&mut seen, presented)?;
                let answer = self.known(&seen, &call.instance_id)?;
                seen.released = true;
                Ok(answer)
            }
            Call::GetLicenseAsync(call) => {
                if self.fault == Some(Fault::RefusesLicenses) {
                    return Err(ResultCode::QuotaUsedUp.into());
                }
                self.known(&seen, &call.instance_id).map(|_| Answer::in_progress())
            }
        }
    }

    /// The keys that open an interface: its own.
    fn accepted(&self, own: &AccessKey) -> Vec<AccessKey> {
        let Keys { basic, license_code, general, kit } = &self.keys;
        match self.fault {
            Some(Fault::OneForAll) => [basic, license_code, general, kit].map(Clone::clone).into(),
            _ => vec![own.clone()],
        }
    }

    fn verify(&self, presented: &Presented, raw: &[u8], body: &Body) -> Result<(), Rejection> {
        let mut now = now_ms();
        let own = match body.activity().and_then(interface) {
            Some(InterfaceType::LicenseCode) => &self.keys.license_code,
            Some(InterfaceType::General) => &self.keys.general,
            _ => &self.keys.basic,
        };
        match self.fault {
            Some(Fault::AcceptsAnySignature) => return Ok(()),
            Some(Fault::AcceptsTheFuture) => now = now.max(presented.timestamp_ms().unwrap_or(0)),
            Some(Fault::OnlyRawBytes) if body.canonical().as_bytes() != raw => {
                return Err(ResultCode::AuthFailed.into());
            }
            Some(Fault::OnlyLowerCase)
                if presented.signature != presented.signature.to_lowercase() =>
            {
                return Err(ResultCode::AuthFailed.into());
            }
            _ => {}
        }
        koogallery::signature::verify(presented, raw, body, &self.accepted(own), now, 60_000)
    }

    fn read(&self, body: &Body) -> Result<Call, Rejection> {
        let read = Call::read(body);
        if self.fault != Some(Fault::NoFieldLengths) || read.is_ok() {
            return read;
        }
        let short = body.names().map(|name| {
            let text = body.text(name).unwrap_or_default();
            (name, if text.starts_with("9999") { "20300101000000" } else { text })
        });
        Call::read(&Body::from_texts(short.collect::<Vec<_>>())).map_err(|_| read.unwrap_err())
    }

    /// Refuses a nonce that was here already.
    fn once(&self, seen: &mut Seen, presented: &Presented) -> Result<(), Rejection> {
        let fresh = seen.nonces.insert(presented.nonce.clone());
        if fresh || self.fault == Some(Fault::AcceptsReplays) {
            Ok(())
        } else {
            Err(ResultCode::BadParameter.into())
        }
    }

    fn known(&self, seen: &Seen, instance: &str) -> Result<Answer, Rejection> {
        let forgotten = seen.released && self.fault == Some(Fault::ForgetsReleased);
        let ours = instance.starts_with("I-") || self.fault == Some(Fault::KnowsEveryInstance);
        if ours && !forgotten {
            Ok(Answer::success())
        } else {
            Err(ResultCode::InstanceUnknown.into())
        }
    }
}
