//! V1's calls (SaaS 1.0, License 1.0): GET, signed by `authToken`, every answer
//! signed in the header `Body-Sign`. What means the same as in the JSON interfaces is done by the
//! same use cases.

pub(crate) mod call_terms;
mod expiry;
mod purchase;
pub(crate) mod refresh_license;

use koogallery::answer::AppInfo;
use koogallery::v1::{self, Encryption, V1Call};
use koogallery::{AccessKey, Answer, InterfaceType, Rejection, ResultCode};
use sha2::{Digest, Sha256};

use super::answer::conclude;
use super::query::{self, InstanceDisplay};
use super::refresh::RefreshInstance;
use super::refresh::RefreshInterface;
use super::release::ReleaseInstance;
use super::status::SetInstanceStatus;
use super::upgrade::UpgradeInstance;
use crate::app::App;
use crate::app::command::Failed;
use crate::app::context::Context;
use call_terms::CallTerms;
use expiry::ExpireInstance;
use purchase::{Buy, PurchaseReply};

/// An answer with the value of the header `Body-Sign`; without one while there is no key.
pub(crate) struct SignedAnswer {
    pub(crate) body: Vec<u8>,
    pub(crate) signature: Option<String>,
}

impl SignedAnswer {
    fn new(answer: &Answer, key: Option<&AccessKey>) -> Self {
        let body = answer.to_json();
        let signature = key.map(|key| v1::body_sign(key, &body));
        Self { body, signature }
    }
}

/// A call that may be answered.
struct AdmittedQuery<'k> {
    call: V1Call,
    key: &'k AccessKey,
    /// What a replay has, too: V1 has no nonce, but a token that no other call has.
    nonce: Vec<u8>,
}

/// A call that is not answered.
struct RefusedQuery<'k> {
    activity: &'static str,
    rejection: Rejection,
    /// The key that has verified it, if it came that far: it signs the refusal, too.
    key: Option<&'k AccessKey>,
}

/// Answers one call of V1.
pub(crate) async fn call(app: &App, query: &str) -> SignedAnswer {
    let (activity, answer, key) = match admit(app, query) {
        Ok(AdmittedQuery { call, key, nonce }) => {
            let activity = call.activity();
            (activity, answer(app, call, key, nonce).await, Some(key))
        }
        Err(RefusedQuery { activity, rejection, key }) => {
            (activity, rejection.into(), key.or_else(|| first_key(app)))
        }
    };
    metrics::counter!(
        "licd_market_calls_total",
        "activity" => activity, "result" => answer.result_code.as_str()
    )
    .increment(1);
    tracing::info!(activity, result.code = answer.result_code.as_str(), "marketplace query");
    SignedAnswer::new(&answer, key)
}

/// The signed answer to a call that could not be processed.
pub(crate) fn failure(app: &App) -> SignedAnswer {
    SignedAnswer::new(&Answer::of(ResultCode::Internal), first_key(app))
}

/// Signs refusals of calls that no key has signed.
fn first_key(app: &App) -> Option<&AccessKey> {
    app.access_keys.of(InterfaceType::Basic).first()
}

/// A bounded parse and nothing else happens before the signature is known to be good.
fn admit<'k>(app: &'k App, query: &str) -> Result<AdmittedQuery<'k>, RefusedQuery<'k>> {
    let refused = |activity, rejection, key| RefusedQuery { activity, rejection, key };
    let query = v1::parse(query).map_err(|rejection| refused("none", rejection, None))?;
    let verified = v1::verify(
        &query,
        app.access_keys.of(InterfaceType::Basic),
        app.context.now_ms(),
        app.context.window_ms,
    )
    .map_err(|rejection| refused("unverified", rejection, None))?;
    let call = V1Call::read(&query)
        .map_err(|rejection| refused("unreadable", rejection, Some(verified.key)))?;
    let nonce = Sha256::digest(format!("authToken {}", verified.token)).to_vec();
    Ok(AdmittedQuery { call, key: verified.key, nonce })
}

async fn answer(app: &App, call: V1Call, key: &AccessKey, nonce: Vec<u8>) -> Answer {
    let encryption = call.encryption();
    let answer = conclude(run(app, call, encryption.is_some(), nonce).await);
    match encryption {
        Some(encryption) => encrypted(answer, &app.context, key, encryption),
        None => answer,
    }
}

/// `secret`: the answer will be encrypted.
async fn run(
    app: &App,
    call: V1Call,
    secret: bool,
    nonce: Vec<u8>,
) -> Result<Answer, Failed<Rejection>> {
    let writer = &app.writer;
    let refresh = |call, interface, nonce| RefreshInstance { call, nonce, interface };
    Ok(match call {
        V1Call::NewInstance(call) => writer.write(Buy::new(call, PurchaseReply::Instance)).await?,
        V1Call::GetLicense(call) => writer.write(Buy::new(call, PurchaseReply::License)).await?,
        V1Call::RefreshInstance(call) => {
            writer.write(refresh(call, RefreshInterface::SaasV1, nonce)).await?
        }
        V1Call::RefreshLicense(call) => {
            writer.write(refresh(call, RefreshInterface::LicenseV1, nonce)).await?
        }
        V1Call::ExpireInstance(call) | V1Call::ExpireLicense(call) => {
            writer.write(ExpireInstance { call, nonce }).await?
        }
        V1Call::ReleaseInstance(call) | V1Call::ReleaseLicense(call) => {
            writer.write(ReleaseInstance { call, nonce }).await?
        }
        V1Call::Upgrade(call) => {
            let told = Some(CallTerms::of_upgrade(&call));
            let call = call.into();
            writer.write(UpgradeInstance { call, nonce, told }).await?
        }
        V1Call::InstanceStatus(call) => writer.write(SetInstanceStatus { call, nonce }).await?,
        V1Call::QueryInstance(call, _) => {
            query::instances(&app.store, &call, InstanceDisplay::V1 { secret }).await?
        }
    })
}

/// Encrypts what the guide wants encrypted, each under a vector of its own.
fn encrypted(
    mut answer: Answer,
    context: &Context,
    key: &AccessKey,
    encryption: Encryption,
) -> Answer {
    let shown = answer.info.iter_mut().flatten().map(|info| &mut info.app_info);
    let mut any = false;
    for AppInfo { user_name, password, .. } in shown.chain(&mut answer.app_info) {
        for secret in [user_name, password].into_iter().flatten() {
            let iv = v1::iv_from_random(context.random());
            *secret = v1::encrypt(key, encryption, iv, secret);
            any = true;
        }
    }
    answer.encrypt_type = any.then(|| encryption.to_string());
    answer
}
