//! The joint-operation kit's calls: verifies the signature, reads the call, stores it. Verified with
//! the kit's own keys alone, never by an instance's state or the body's `timeStamp`.

pub(crate) mod lists;
mod sync;

use std::sync::Arc;

use koogallery::Edition;
use koogallery::kit::{self, ApplicationSync, KitCall, KitInterface, SyncAction};
use koogallery::{Answer, Body, InterfaceType, Presented, Rejection, ResultCode};

use sync::SyncKit;

use super::App;
use crate::alerts::AlertKind;
use crate::keys::sealing::UnsealError;

/// The headers by which a call proves its sender, of either edition.
#[derive(Default)]
pub(crate) struct KitCredentials {
    /// `x-sign`, `x-timestamp`, `x-nonce`.
    pub(crate) presented: Presented,
    /// `authToken`.
    pub(crate) token: String,
}

/// Answers one call of the kit.
pub(crate) async fn call(
    app: &App,
    interface: KitInterface,
    edition: Edition,
    shown: &KitCredentials,
    raw: &[u8],
) -> Vec<u8> {
    let activity = interface.as_str();
    let (label, answer) = match admit(app, interface, edition, shown, raw) {
        Ok(call) => (activity, answer(app, call, raw).await),
        Err((label, rejection)) => (label, rejection.into()),
    };
    let result = answer.result_code.as_str();
    metrics::counter!("licd_market_calls_total", "activity" => label, "result" => result)
        .increment(1);
    tracing::info!(activity, result.code = result, "marketplace call");
    answer.to_json()
}

/// A bounded parse and nothing else happens before the signature is known to be good.
fn admit(
    app: &App,
    interface: KitInterface,
    edition: Edition,
    shown: &KitCredentials,
    raw: &[u8],
) -> Result<KitCall, (&'static str, Rejection)> {
    let body = Body::parse_within(raw, kit::LIMIT).map_err(|rejection| ("none", rejection))?;
    let keys = app.access_keys.of(InterfaceType::Kit);
    match edition {
        Edition::V1 => kit::signature::verify_token(&shown.token, &body, keys),
        Edition::V2 => kit::signature::verify(
            &shown.presented,
            raw,
            &body,
            keys,
            app.context.now_ms(),
            app.context.window_ms,
        ),
    }
    .map_err(|rejection| ("unverified", rejection))?;
    KitCall::read(interface, edition, &body).map_err(|rejection| ("unreadable", rejection))
}

async fn answer(app: &App, call: KitCall, raw: &[u8]) -> Answer {
    if call.test() {
        // Form and signature were judged; nothing that counts is made.
        return Answer::success();
    }
    let change = match call {
        KitCall::Tenant(call) => SyncKit::Tenant(call),
        KitCall::Application(call) => match sealed_secret(app, &call).await {
            Ok(secret) => SyncKit::Application { call, secret },
            Err(answer) => return answer,
        },
        KitCall::Users(call) => SyncKit::Users(call),
        // It was parsed, so it is UTF-8.
        KitCall::Organisation(call) => {
            SyncKit::Organisation { call, body: String::from_utf8_lossy(raw).into_owned() }
        }
    };
    match app.writer.write(change).await {
        Ok(()) => Answer::success(),
        Err(error) => failed(&error),
    }
}

/// The application's secret as it is kept: opened with the seller's key, sealed under ours.
/// A deletion needs none.
async fn sealed_secret(app: &App, call: &ApplicationSync) -> Result<Vec<u8>, Answer> {
    if call.change == SyncAction::Delete {
        return Ok(Vec::new());
    }
    let (keys, context) = (Arc::clone(&app.kit_keys), Arc::clone(&app.context));
    let ciphertext = call.client_secret.clone();
    let work = move || {
        let opened = keys.decrypt(ciphertext.bytes())?;
        keys.seal(&context.secret, context.random(), &opened)
    };
    // RSA takes milliseconds, which other calls need not wait for.
    let sealed = tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))?;
    sealed.map_err(|cause| {
        let alert = AlertKind::KitSecretRefused.about("");
        app.context.raise(alert.with("cause", format!("{cause:?}")));
        unreadable(cause).into()
    })
}

fn failed(error: &dyn std::fmt::Display) -> Answer {
    tracing::error!(error = %error, "a call of the marketplace could not be served");
    Answer::of(ResultCode::Internal)
}

fn unreadable(cause: UnsealError) -> Rejection {
    let (english, chinese) = match cause {
        UnsealError::NoKey => (
            "clientSecret cannot be decrypted: the seller has configured no private key",
            "clientSecret无法解密：商家未配置私钥",
        ),
        UnsealError::OtherKey => (
            "clientSecret cannot be decrypted: it was not encrypted by RSA-OAEP (SHA-256 or SHA-1, \
             the same in MGF1) with the seller's public key",
            "clientSecret无法解密：未使用商家公钥以RSA-OAEP（SHA-256或SHA-1，MGF1摘要须相同）加密",
        ),
        UnsealError::NoText => (
            "clientSecret was decrypted, but is not text in UTF-8",
            "clientSecret解密后不是UTF-8文本",
        ),
    };
    Rejection::new(ResultCode::BadParameter, english, chinese)
}
