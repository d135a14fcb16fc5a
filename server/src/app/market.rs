//! The marketplace's calls: who signed, what is asked, which use case answers.

mod apply;
mod authorization_codes;
mod change_check;
mod create;
mod query;
mod refresh;
mod release;
mod status;
mod upgrade;
mod v1;

use std::time::Duration;

use koogallery::call::{Call, GetLicenseAsync};
use koogallery::{
    AccessKey, Answer, Body, InterfaceType, Presented, Rejection, ResultCode, call, signature,
};
use sha2::{Digest, Sha256};

pub(crate) use apply::Apply;
pub(crate) use authorization_codes::{RefreshCode, ReleaseCode, SetCodeStatus};
pub(crate) use create::CreateInstance;
use query::Shown;
pub(crate) use refresh::{Edition, RefreshInstance};
pub(crate) use release::{ReleaseInstance, give_back};
pub(crate) use status::{SetStatus, put_status};
pub(crate) use upgrade::UpgradeInstance;

use super::App;
use super::command::Failed;
use super::notices::TakeNotice;
use super::transaction::UnitOfWork;
use crate::config::Koogallery;
use crate::store::{Instance, InstanceState, StoreError, Tx};

/// The longest that an application is waited for in all; the marketplace gives up after 5 s.
const PATIENCE: Duration = Duration::from_secs(4);

/// What the marketplace signs with, by interface type.
pub(crate) struct AccessKeys {
    basic: Vec<AccessKey>,
    license_code: Vec<AccessKey>,
    general: Vec<AccessKey>,
    kit: Vec<AccessKey>,
}

impl AccessKeys {
    pub(crate) fn new(config: &Koogallery) -> anyhow::Result<Self> {
        let keys = |secrets: &[crate::config::Secret]| {
            secrets.iter().map(|secret| AccessKey::new(secret.expose())).collect::<Result<_, _>>()
        };
        Ok(Self {
            basic: keys(&config.access_key)?,
            license_code: keys(&config.license_code_access_key)?,
            general: keys(&config.general_access_key)?,
            kit: keys(&config.kit_access_key)?,
        })
    }

    pub(super) fn of(&self, interface: InterfaceType) -> &[AccessKey] {
        match interface {
            InterfaceType::Basic => &self.basic,
            InterfaceType::LicenseCode => &self.license_code,
            InterfaceType::General => &self.general,
            InterfaceType::Kit => &self.kit,
        }
    }
}

impl App {
    /// Answers one call of the marketplace's JSON interfaces.
    pub(crate) async fn market_call(&self, query: &str, body: &[u8]) -> Vec<u8> {
        let (activity, answer) = match self.admit(query, body) {
            Ok((call, nonce)) => {
                let activity = call.activity();
                // On the heap: what holds it is moved from layer to layer.
                (activity, conclude(Box::pin(self.answer(call, nonce)).await))
            }
            Err((activity, rejection)) => (activity, rejection.into()),
        };
        metrics::counter!(
            "licd_market_calls_total",
            "activity" => activity, "result" => answer.result_code.as_str()
        )
        .increment(1);
        tracing::info!(activity, result.code = answer.result_code.as_str(), "marketplace call");
        answer.to_json()
    }

    /// A bounded parse and nothing else happens before the signature is known to be good.
    fn admit(&self, query: &str, raw: &[u8]) -> Result<(Call, Vec<u8>), (&'static str, Rejection)> {
        const NONE: &str = "none";

        let body = Body::parse(raw).map_err(|rejection| (NONE, rejection))?;
        let Some(activity) = body.activity() else {
            let rejection =
                Rejection::new(ResultCode::BadParameter, "activity is missing", "缺少activity");
            return Err((NONE, rejection));
        };
        let interface =
            call::interface(activity).ok_or_else(|| (NONE, call::unknown_activity(activity)))?;
        let presented = Presented::from_query(query);
        signature::verify(
            &presented,
            raw,
            &body,
            self.access_keys.of(interface),
            self.context.now_ms(),
            self.context.window_ms,
        )
        .map_err(|rejection| ("unverified", rejection))?;
        let call = Call::read(&body).map_err(|rejection| ("unreadable", rejection))?;
        Ok((call, Sha256::digest(&presented.nonce).to_vec()))
    }

    async fn apply(&self, call: GetLicenseAsync) -> Result<Answer, Failed<Rejection>> {
        let until = tokio::time::Instant::now() + PATIENCE;
        if call.test {
            return self.writer.write(Apply::new(call, &self.context)).await;
        }
        self.context.reading.wait(&call.instance_id).await;
        let event = call.event_id.clone();
        let apply = Apply::new(call, &self.context);
        let accepted = apply.accepted();
        let answer = if self.recall.knows(&accepted).await? {
            Answer::in_progress()
        } else {
            let answer = self.writer.write(apply).await?;
            if answer.result_code == ResultCode::InProgress {
                self.recall.remember(&accepted);
            }
            answer
        };
        let follows = answer.result_code == ResultCode::InProgress;
        Ok(if self.synchronous && follows && self.arrives(&event, until).await {
            Answer::success()
        } else {
            answer
        })
    }

    async fn answer(&self, call: Call, nonce: Vec<u8>) -> Result<Answer, Failed<Rejection>> {
        let edition = Edition::V2;
        let writer = &self.writer;
        Ok(match call {
            Call::NewInstance(call) => writer.write(CreateInstance(call)).await?,
            Call::RefreshInstance(call) => {
                writer.write(RefreshInstance { call, nonce, edition }).await?
            }
            Call::UpdateInstanceStatus(call) => writer.write(SetStatus { call, nonce }).await?,
            Call::ReleaseInstance(call) => writer.write(ReleaseInstance { call, nonce }).await?,
            Call::GetLicenseAsync(call) => Box::pin(self.apply(call)).await?,
            Call::QueryInstance(call) => {
                Box::pin(query::instances(&self.store, &call, Shown::V2)).await?
            }
            Call::UpgradeInstance(call) => {
                writer.write(UpgradeInstance { call, nonce, told: None }).await?
            }
            Call::ChangeInstanceCheck(call) => {
                Box::pin(change_check::check(&self.store, &call)).await?
            }
            Call::RefreshLicenseCode(call) => writer.write(RefreshCode { call, nonce }).await?,
            Call::UpdateLicenseCodeStatus(call) => {
                writer.write(SetCodeStatus { call, nonce }).await?
            }
            Call::ReleaseLicenseCode(call) => writer.write(ReleaseCode { call, nonce }).await?,
            Call::OrderNotify(call) => writer.write(TakeNotice(call)).await?,
        })
    }
}

/// What the marketplace is answered; a failure of ours is logged here, once.
fn conclude(outcome: Result<Answer, Failed<Rejection>>) -> Answer {
    match outcome {
        Ok(answer) => answer,
        Err(Failed::Refused(rejection)) => rejection.into(),
        Err(Failed::Store(error)) => {
            tracing::error!(error = %error, "a call of the marketplace could not be served");
            Answer::of(ResultCode::Internal)
        }
    }
}

/// The answer to debugging: whether the instance exists at all, whatever its state.
async fn test_answer(
    tx: &mut dyn Tx,
    instance_id: &str,
    known: ResultCode,
) -> Result<Answer, StoreError> {
    let exists = tx.is_test_instance(instance_id).await? || tx.is_instance(instance_id).await?;
    Ok(Answer::of(if exists { known } else { ResultCode::InstanceUnknown }))
}

/// The answer to debugging a call that would have an effect: judged as such, replays included.
async fn test_effect(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    instance_id: &str,
    nonce: &[u8],
) -> Result<Answer, Failed<Rejection>> {
    let answer = test_answer(tx, instance_id, ResultCode::Success).await?;
    if answer.result_code.accepted() {
        first_use(tx, work, nonce).await?;
    }
    Ok(answer)
}

/// The instance, unless it never was or was released.
async fn live(tx: &mut dyn Tx, instance_id: &str) -> Result<Instance, Failed<Rejection>> {
    let found = tx.instance(instance_id).await?;
    let live = found.filter(|instance| instance.state != InstanceState::Released);
    live.ok_or_else(|| Rejection::plain(ResultCode::InstanceUnknown).into())
}

/// Remembers the nonce together with the effect of its call, for as long as a replay could still
/// lie within the window; a second one is refused.
async fn first_use(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    nonce: &[u8],
) -> Result<(), Failed<Rejection>> {
    let window = work.context.window_ms.div_euclid(1000).max(1);
    // The call's own time is at most one window ahead of ours, and counts for one window more.
    let until = work.now.plus(3 * window + 1).as_secs();
    if tx.add_nonce(nonce, until).await? {
        return Ok(());
    }
    Err(Rejection::new(
        ResultCode::BadParameter,
        "this nonce was used before: the call is a replay",
        "nonce已使用，请求重放",
    )
    .into())
}
