//! A seller written from the marketplace's rules, and what it can do wrong.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use koogallery::answer::{AppInfo, InstanceInfo};
use koogallery::{AccessKey, Answer, Body, Call, Presented, Rejection, ResultCode};
use tokio::runtime::Runtime;

pub(crate) const KEY: &str = "a-key-for-tests-only";

/// The activation code that the buyer is shown.
pub(crate) fn code() -> String {
    license_core::activation::ActivationCode::from_random([7; 13]).to_string()
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
    /// Answers 000005 to all that is asked in earnest.
    Broken,
}

/// A running seller; it stops when dropped.
pub(crate) struct Seller {
    pub(crate) url: String,
    _runtime: Runtime,
}

struct Desk {
    key: AccessKey,
    fault: Option<Fault>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    nonces: HashSet<String>,
    created: u32,
    released: bool,
}

impl Seller {
    pub(crate) fn start(fault: Option<Fault>) -> Self {
        let desk = Desk { key: AccessKey::new(KEY).unwrap(), fault, seen: Mutex::default() };
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
    body: Bytes,
) -> (StatusCode, Vec<u8>) {
    if method != Method::POST && desk.fault != Some(Fault::AnyMethod) {
        return (StatusCode::METHOD_NOT_ALLOWED, Vec::new());
    }
    if body.len() > 64 * 1024 && desk.fault != Some(Fault::NoBodyLimit) {
        return (StatusCode::PAYLOAD_TOO_LARGE, Vec::new());
    }
    let presented = Presented::from_query(uri.query().unwrap_or_default());
    let answer = desk.judge(&presented, &body).unwrap_or_else(Answer::from);
    (StatusCode::OK, answer.to_json())
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
            Call::QueryInstance(call) => Ok(Answer::instances(
                call.instance_ids
                    .into_iter()
                    .map(|instance_id| InstanceInfo {
                        instance_id,
                        app_info: AppInfo {
                            memo: Some(format!("Activation code / 激活码: {}", code())),
                            ..AppInfo::default()
                        },
                        usage_info: None,
                    })
                    .collect(),
            )),
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
            other => Err(koogallery::call::unknown_activity(other.activity())),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the other side has its own clock")]
    fn verify(&self, presented: &Presented, raw: &[u8], body: &Body) -> Result<(), Rejection> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
        let mut now = i64::try_from(now).unwrap();
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
        koogallery::signature::verify(
            presented,
            raw,
            body,
            std::slice::from_ref(&self.key),
            now,
            60_000,
        )
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
