//! Asks the marketplace to activate an authorization code, and for its status. On a task of its own:
//! the answer is stored even if the program that waits for it goes away.

use std::sync::Arc;
use std::time::Duration;

use koogallery::license_code::{CodeInfo, LicenseCodeStatus};
use koogallery::{Failure, Remedy};

use crate::app::App;
use crate::app::authorization_codes::finish::{FinishActivation, FinishHeartbeat};
use crate::app::command::{Command, CommandError as _};
use crate::app::marketplace_health;
use crate::error::ApiError;
use crate::outbound::backoff;
use crate::outbound::marketplace::{CallError, Marketplace};

/// How long a program waits for its code to be activated: there is nothing to give it before.
const ACTIVATION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it waits for a heartbeat: what is stored would do.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest until a program may try to activate its code again, in seconds.
const MAX_ACTIVATION_BACKOFF: i64 = 60;
/// How often an outcome is written down before it is left to the next question.
const MAX_RECORD_ATTEMPTS: u32 = 5;

/// Activates a code; the error is the refusal where there is nothing to use yet.
pub(crate) async fn activate(
    app: &App,
    code: &str,
    since: i64,
    again: bool,
    attempts: i64,
) -> Result<(), ApiError> {
    let app = app.clone();
    let code = code.to_owned();
    let asked =
        tokio::spawn(async move { run_activation(&app, code, since, again, attempts).await });
    match tokio::time::timeout(ACTIVATION_TIMEOUT, asked).await {
        Ok(Ok(answer)) => answer,
        // Too slow, or a panic that was logged where it happened: the program asks again.
        _ => Err(crate::app::client_license::refusals::order_pending()),
    }
}

/// Asks for the status of a code, and waits a while for the answer.
pub(crate) async fn heartbeat(app: &App, code: &str, attempts: i64) {
    let app = app.clone();
    let code = code.to_owned();
    let asked = tokio::spawn(async move { run_heartbeat(&app, code, attempts).await });
    // In vain or not: what is stored by now is used.
    let _ = tokio::time::timeout(HEARTBEAT_TIMEOUT, asked).await;
}

async fn run_activation(
    app: &App,
    code: String,
    since: i64,
    again: bool,
    attempts: i64,
) -> Result<(), ApiError> {
    // A request without an answer may have arrived: a heartbeat finds out without activating twice,
    // and until it is answered nothing else is done.
    let known = if again { outcome_of_unanswered(app, &code).await.transpose() } else { None };
    let outcome = if let Some(known) = known {
        known
    } else {
        query(app, "activate", async |market, now| market.activate(&code, since, now).await).await
    };
    let unsent = outcome.as_ref().is_err_and(|error| !error.sent);
    let outcome = outcome.map_err(|error| error.failure);
    let next_at = retry_at(app, &outcome, attempts, MAX_ACTIVATION_BACKOFF);
    let command = FinishActivation { code, outcome, unsent, next_at };
    Ok(record(app, command).await?)
}

/// What became of an activation that got no answer; `None`: it may be repeated.
async fn outcome_of_unanswered(app: &App, code: &str) -> Result<Option<CodeInfo>, CallError> {
    match query_heartbeat(app, code).await {
        Ok(info) => Ok(Some(info).filter(is_activated)),
        Err(error) if is_unused(&error.failure) => Ok(None),
        Err(mut error) => {
            // Whatever it is that was refused, the code still waits for its answer.
            error.failure.remedy = Remedy::TryAgain;
            Err(CallError { sent: true, ..error })
        }
    }
}

async fn query_heartbeat(app: &App, code: &str) -> Result<CodeInfo, CallError> {
    query(app, "heartbeat", async |market, now| market.heartbeat(code, now).await).await
}

async fn run_heartbeat(app: &App, code: String, attempts: i64) {
    let outcome = query_heartbeat(app, &code).await.map_err(|error| error.failure);
    let next_at = retry_at(app, &outcome, attempts, i64::MAX);
    if let Err(error) = record(app, FinishHeartbeat { code, outcome, next_at }).await {
        tracing::error!(error = %error, "the outcome of a heartbeat could not be written down");
    }
}

async fn query(
    app: &App,
    interface: &'static str,
    question: impl AsyncFnOnce(&Arc<Marketplace>, i64) -> Result<CodeInfo, CallError>,
) -> Result<CodeInfo, CallError> {
    let Some(marketplace) = &app.marketplace else {
        let failure = Failure::unanswered("the marketplace is not configured");
        return Err(CallError { failure, sent: false });
    };
    let mut outcome = question(marketplace, app.context.now().as_secs()).await;
    if let Err(error) = &mut outcome {
        error.failure.remedy = of_code(&error.failure);
    }
    let remedy = outcome.as_ref().err().map(|error| error.failure.remedy);
    marketplace_health::record_outcome(app, remedy).await;
    report(outcome.as_ref().map_err(|error| &error.failure), interface);
    outcome
}

fn retry_at<T>(app: &App, outcome: &Result<T, Failure>, attempts: i64, most: i64) -> i64 {
    let environment = &app.context.environment;
    let wait = if outcome.is_ok() { 0 } else { backoff::seconds(attempts, environment).min(most) };
    app.context.now().as_secs() + wait
}

async fn record<C: Command + Clone>(app: &App, command: C) -> Result<C::Output, C::Error> {
    let mut tries = 1;
    loop {
        match app.writer.write(command.clone()).await {
            // A refusal is an outcome, and committed.
            Err(error) if tries < MAX_RECORD_ATTEMPTS && error.store_error().is_some() => {
                tries += 1;
            }
            done => return done,
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Whether a heartbeat's answer says all that an activation's would.
fn is_activated(info: &CodeInfo) -> bool {
    let over =
        matches!(info.status, Some(LicenseCodeStatus::Expired | LicenseCodeStatus::Released));
    over || (info.activated.is_some() && info.product_id.is_some())
}

/// Whether a heartbeat's refusal says that the code was never activated.
fn is_unused(failure: &Failure) -> bool {
    matches!(failure.code.as_str(), "92020004" | "92020005")
}

/// A code of another seller is refused with the words of wrong keys; only that code is.
fn of_code(failure: &Failure) -> Remedy {
    if failure.code == "92020001" && failure.remedy == Remedy::FixCredentials {
        return Remedy::GiveUp;
    }
    failure.remedy
}

fn report(outcome: Result<&CodeInfo, &Failure>, interface: &'static str) {
    let result = outcome.err().map_or("ok", |failure| failure.remedy.as_str());
    metrics::counter!("licd_code_questions_total", "interface" => interface, "result" => result)
        .increment(1);
    match outcome {
        Ok(_) => tracing::info!(interface, "the marketplace answered for an authorization code"),
        Err(failure) => tracing::warn!(
            interface,
            code = failure.code,
            meaning = failure.meaning,
            "the marketplace did not answer for an authorization code"
        ),
    }
}
