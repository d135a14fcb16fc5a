//! Calls of the marketplace's JSON interfaces: verifies the signature, reads the call, runs its
//! command.

mod answer;
mod apply;
mod authorization_codes;
mod change_check;
pub(crate) mod create;
mod preconditions;
mod query;
mod refresh;
pub(crate) mod release;
mod status;
mod upgrade;
pub(crate) mod v1;

use std::time::Duration;

use koogallery::call::{Call, GetLicenseAsync};
use koogallery::{Answer, Body, Presented, Rejection, ResultCode, call, signature};
use sha2::{Digest, Sha256};

use answer::conclude;
use apply::Apply;
use authorization_codes::{RefreshCode, ReleaseCode, SetCodeStatus};
use create::CreateInstance;
use query::InstanceDisplay;
use refresh::{RefreshInstance, RefreshInterface};
use release::ReleaseInstance;
use status::SetInstanceStatus;
use upgrade::UpgradeInstance;

use super::App;
use super::command::Failed;
use super::notices::ReceiveNotice;

/// The longest that an application is waited for in all; the marketplace gives up after 5 s.
const APPLICATION_TIMEOUT: Duration = Duration::from_secs(4);

/// Answers one call of the marketplace's JSON interfaces.
pub(crate) async fn call(app: &App, query: &str, body: &[u8]) -> Vec<u8> {
    let (activity, answer) = match admit(app, query, body) {
        Ok((call, nonce)) => {
            let activity = call.activity();
            // On the heap: what holds it is moved from layer to layer.
            (activity, conclude(Box::pin(answer(app, call, nonce)).await))
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
fn admit(app: &App, query: &str, raw: &[u8]) -> Result<(Call, Vec<u8>), (&'static str, Rejection)> {
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
        app.access_keys.of(interface),
        app.context.now_ms(),
        app.context.window_ms,
    )
    .map_err(|rejection| ("unverified", rejection))?;
    let call = Call::read(&body).map_err(|rejection| ("unreadable", rejection))?;
    Ok((call, Sha256::digest(&presented.nonce).to_vec()))
}

async fn apply(app: &App, call: GetLicenseAsync) -> Result<Answer, Failed<Rejection>> {
    let until = tokio::time::Instant::now() + APPLICATION_TIMEOUT;
    if call.test {
        return app.writer.write(Apply::new(call, &app.context)).await;
    }
    app.context.order_lookups.wait(&call.instance_id).await;
    let event = call.event_id.clone();
    let apply = Apply::new(call, &app.context);
    let accepted = apply.accepted();
    let answer = if app.accepted.knows(&accepted).await? {
        Answer::in_progress()
    } else {
        let answer = app.writer.write(apply).await?;
        if answer.result_code == ResultCode::InProgress {
            app.accepted.remember(&accepted);
        }
        answer
    };
    let follows = answer.result_code == ResultCode::InProgress;
    Ok(
        if app.synchronous
            && follows
            && app.context.delivery_waiters.is_delivered(&app.store, &event, until).await
        {
            Answer::success()
        } else {
            answer
        },
    )
}

async fn answer(app: &App, call: Call, nonce: Vec<u8>) -> Result<Answer, Failed<Rejection>> {
    let interface = RefreshInterface::V2;
    let writer = &app.writer;
    Ok(match call {
        Call::NewInstance(call) => writer.write(CreateInstance(call)).await?,
        Call::RefreshInstance(call) => {
            writer.write(RefreshInstance { call, nonce, interface }).await?
        }
        Call::UpdateInstanceStatus(call) => writer.write(SetInstanceStatus { call, nonce }).await?,
        Call::ReleaseInstance(call) => writer.write(ReleaseInstance { call, nonce }).await?,
        Call::GetLicenseAsync(call) => Box::pin(apply(app, call)).await?,
        Call::QueryInstance(call) => {
            Box::pin(query::instances(&app.store, &call, InstanceDisplay::V2)).await?
        }
        Call::UpgradeInstance(call) => {
            writer.write(UpgradeInstance { call, nonce, told: None }).await?
        }
        Call::ChangeInstanceCheck(call) => Box::pin(change_check::check(&app.store, &call)).await?,
        Call::RefreshLicenseCode(call) => writer.write(RefreshCode { call, nonce }).await?,
        Call::UpdateLicenseCodeStatus(call) => writer.write(SetCodeStatus { call, nonce }).await?,
        Call::ReleaseLicenseCode(call) => writer.write(ReleaseCode { call, nonce }).await?,
        Call::OrderNotify(call) => writer.write(ReceiveNotice(call)).await?,
    })
}
