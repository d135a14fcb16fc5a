//! License requests: answered from the cache where it is valid, else by the server, always verified.

use std::{fmt::Write, fs, sync::Arc};

use license_core::{
    Code, Timestamp,
    api::{LicenseAnswer, LicenseRequest},
    armor::{self, Label},
    entitlement::Entitlement,
    jws::DocType,
    product::LicenseForm,
    trust::document_digest,
    verify::Verified,
};

use super::{Engine, locked};
use crate::{
    dispatcher::PendingRequest,
    error::SdkError,
    event::{Event, LicenseType},
    state_dir, transport,
};

/// Seconds between two background questions for what the server has changed.
const REFRESH_EVERY: i64 = 3_600;

/// A license request on its way between the threads.
pub(crate) struct RequestedLicense {
    pub(crate) kind: LicenseType,
    /// Where the file goes; unused for a string.
    pub(crate) path: std::path::PathBuf,
    pub(crate) dev_info: String,
}

impl Engine {
    /// Answers from memory, or passes the question on to the server.
    pub(crate) fn serve(self: &Arc<Self>, pending: PendingRequest, wanted: RequestedLicense) {
        self.local.send(
            self,
            Box::new(move |engine| {
                let device = engine.device(&wanted.dev_info);
                match engine.kept(&device) {
                    Ok(verified) => {
                        pending.answer(vec![Engine::deliver(&verified, &wanted)]);
                        engine.refresh_soon(device, true);
                    }
                    Err(refused) => engine.network.send(
                        engine,
                        Box::new(move |engine| engine.ask(pending, &wanted, &device, refused)),
                    ),
                }
            }),
        );
    }

    fn ask(
        self: &Arc<Self>,
        pending: PendingRequest,
        wanted: &RequestedLicense,
        device: &str,
        refused: Option<SdkError>,
    ) {
        if pending.is_void() {
            return;
        }
        match self.fetch(device, wanted.kind) {
            Ok(verified) => {
                pending.answer(vec![Self::deliver(&verified, wanted)]);
                self.refresh_soon(device.to_owned(), false);
            }
            Err(failure) => pending.fail(&failure_of(refused, failure)),
        }
    }

    /// The license that is kept, verified for this device.
    ///
    /// # Errors
    /// Why it is refused; nothing, if there is none.
    pub(crate) fn kept(&self, device: &str) -> Result<Verified, Option<SdkError>> {
        let mut cache = self.cache();
        let text = cache.license().ok_or(None)?;
        let judged = cache.judge(text.as_bytes(), Some(device), &self.settings, &self.platform);
        if let Err(SdkError { code: Code::LicenseMalformed | Code::LicenseDamaged, .. }) = judged {
            cache.set_license_aside();
        }
        drop(cache);
        *locked(&self.in_force) = judged.as_ref().ok().cloned();
        judged.map_err(Some)
    }

    /// The answer in the form that the program asked for.
    fn deliver(verified: &Verified, wanted: &RequestedLicense) -> Event {
        let warnings: Vec<_> =
            verified.warnings.iter().map(|warning| warning.as_str().to_owned()).collect();
        if wanted.kind == LicenseType::String {
            return Event::license_string(&verified.document, &warnings);
        }
        let text = armor::license_file(&verified.document, &verified.claims);
        let there = fs::read(&wanted.path).is_ok_and(|bytes| holds(&bytes, &verified.document));
        match if there { Ok(()) } else { state_dir::write(&wanted.path, text.as_bytes()) } {
            Ok(()) => Event::license_file(&wanted.path, &warnings),
            Err(error) => {
                let place = wanted.path.display();
                let failure =
                    SdkError::with(Code::StateUnwritable, format_args!("{place}: {error}"));
                Event::license_failed(wanted.kind, &failure)
            }
        }
    }

    /// Asks the server and keeps what is genuine and fits.
    ///
    /// # Errors
    /// The server's refusal, or why its answer was refused. What was kept before stays.
    fn fetch(&self, device: &str, kind: LicenseType) -> Result<Verified, SdkError> {
        let transport = self.transport()?;
        if self.settings.activation_code.is_empty() {
            return Err(SdkError::of(Code::LicenseMissing));
        }
        if self.cache().lacks_trust_list() {
            self.fetch_trust(&transport)?;
        }
        let nonce = self.nonce()?;
        let answer = transport.license(&LicenseRequest {
            product: self.settings.product.clone(),
            activation_code: self.settings.activation_code.clone(),
            dev_info: device.to_owned(),
            form: if kind == LicenseType::File { LicenseForm::File } else { LicenseForm::String },
            version: self.settings.version.as_ref().map(ToString::to_string),
            nonce: nonce.clone(),
        })?;
        match self.adopt(&answer, &nonce, device) {
            // The server may sign with a key that a newer trust list introduces.
            Err(SdkError { code: Code::KeyUnknown, .. }) if self.cache().rooted() => {
                self.fetch_trust(&transport)?;
                self.adopt(&answer, &nonce, device)
            }
            adopted => adopted,
        }
    }

    /// What the receipt of the next question must repeat.
    pub(super) fn nonce(&self) -> Result<String, SdkError> {
        let mut nonce = String::with_capacity(48);
        for byte in (self.platform.nonce)().ok_or_else(|| SdkError::of(Code::Internal))? {
            write!(nonce, "{byte:02x}").expect("writing to a String never fails");
        }
        Ok(nonce)
    }

    pub(super) fn fetch_trust(&self, transport: &transport::Transport) -> Result<(), SdkError> {
        let document = transport.trust()?;
        Ok(self.cache().take_trust(&document, (self.platform.now)())?)
    }

    /// Verifies the receipt, then the license, and only then keeps it.
    fn adopt(
        &self,
        answer: &LicenseAnswer,
        nonce: &str,
        device: &str,
    ) -> Result<Verified, SdkError> {
        let mut cache = self.cache();
        let now = (self.platform.now)();
        let answered = receipt(&cache, answer, nonce, now)?;
        // The server's time, and nothing else, may put a floor right that is too high.
        let _ = cache.look(&self.platform, None, Some(answered));
        let verified =
            cache.judge(answer.license.as_bytes(), Some(device), &self.settings, &self.platform)?;
        let kept = cache.license().and_then(|text| {
            cache.judge(text.as_bytes(), Some(device), &self.settings, &self.platform).ok()
        });
        if kept.as_ref().is_none_or(|kept| replaces(&verified, kept)) {
            cache.keep_license(&answer.license, &verified);
        }
        drop(cache);
        *locked(&self.in_force) = Some(verified.clone());
        Ok(verified)
    }

    /// Asks in the background for what changed at the server; no event tells of it.
    fn refresh_soon(self: &Arc<Self>, device: String, license: bool) {
        let running = (self.platform.running)();
        let mut refreshed = locked(&self.refreshed);
        let recent = refreshed.is_some_and(|at| running.saturating_sub(at) < REFRESH_EVERY);
        if recent || !self.has_server() || self.is_closed() {
            return;
        }
        *refreshed = Some(running);
        drop(refreshed);
        self.network.send(
            self,
            Box::new(move |engine| {
                if !engine.is_closed() {
                    // Whatever fails here is silent: what was kept goes on as it is.
                    let _ = engine.refresh(&device, license);
                }
            }),
        );
    }

    fn refresh(&self, device: &str, license: bool) -> Result<(), SdkError> {
        let transport = self.transport()?;
        let document = transport.revocations();
        if let Err(failure) = &document
            && failure.code == Code::ServerUnreachable
        {
            return Err(failure.clone());
        }
        if self.cache().rooted() {
            let _ = self.fetch_trust(&transport);
        }
        if let Ok(document) = document {
            let _ = self.cache().take_revocations(&document, (self.platform.now)());
        }
        if license && !self.is_closed() && !self.settings.activation_code.is_empty() {
            let _ = self.fetch(device, LicenseType::String);
        }
        // A revocation that is genuine counts at once.
        let _ = self.kept(device);
        Ok(())
    }

    /// What the license in force says of one right or limit.
    pub(crate) fn entitlement(&self, name: &str) -> Option<String> {
        if locked(&self.in_force).is_none() {
            let _ = self.kept(&self.device(""));
        }
        let in_force = locked(&self.in_force);
        match in_force.as_ref()?.claims.entitlements.get(name)? {
            Entitlement::Flag(flag) => Some(flag.to_string()),
            Entitlement::Number(number) => Some(number.to_string()),
            Entitlement::Text(text) => Some(text.clone()),
        }
    }

    /// The license in force, or the one that is kept.
    pub(super) fn license_in_force(&self) -> Option<Verified> {
        if locked(&self.in_force).is_none() {
            let _ = self.kept(&self.device(""));
        }
        locked(&self.in_force).clone()
    }
}

/// Verifies the receipt: it answers our nonce and belongs to this license.
fn receipt(
    cache: &crate::cache::VerifiedCache,
    answer: &LicenseAnswer,
    nonce: &str,
    now: Timestamp,
) -> Result<Timestamp, SdkError> {
    let documents = armor::read(answer.license.as_bytes()).unwrap_or_default();
    let belongs = documents
        .iter()
        .filter(|block| block.label == Label::License)
        .map(|block| block.document.as_str())
        .chain([answer.license.as_str()]);
    receipt_of(cache, &answer.receipt, nonce, belongs, now)
}

/// Verifies a receipt: it answers our nonce and is about one of these texts.
pub(super) fn receipt_of<'a>(
    cache: &crate::cache::VerifiedCache,
    receipt: &str,
    nonce: &str,
    mut texts: impl Iterator<Item = &'a str>,
    now: Timestamp,
) -> Result<Timestamp, SdkError> {
    let invalid = |what: &str| SdkError::with(Code::ReceiptInvalid, what);
    let opened =
        cache.ring().open(DocType::Receipt, receipt, now).map_err(|refusal| {
            match refusal.code() {
                Code::KeyUnknown => refusal.into(),
                code => invalid(code.as_str()),
            }
        })?;
    let text = |name: &str| opened.payload.get(name).and_then(serde_json::Value::as_str);
    if text("nonce") != Some(nonce) {
        return Err(invalid("nonce"));
    }
    if !texts.any(|answered| text("sha") == Some(document_digest(answered).as_str())) {
        return Err(invalid("sha"));
    }
    Ok(opened.issued_at)
}

/// Which of two failures the user should hear first: what the server refused, or what is wrong
/// with the license he has when the server said nothing about it.
fn failure_of(refused: Option<SdkError>, failure: SdkError) -> SdkError {
    let silent = matches!(
        failure.code,
        Code::ServerUnreachable
            | Code::ServiceUnavailable
            | Code::LicenseMissing
            | Code::NotFound
            | Code::RateLimited
    );
    match refused {
        Some(refused) if silent => refused.and(&failure),
        _ => failure,
    }
}

/// The server's answer replaces what is kept, unless that belongs to something else that is valid
/// or was issued later: an online answer never replaces a license that was installed by hand.
fn replaces(new: &Verified, kept: &Verified) -> bool {
    new.claims.instance == kept.claims.instance && new.claims.issued_at >= kept.claims.issued_at
}

fn holds(bytes: &[u8], document: &str) -> bool {
    armor::read(bytes).is_ok_and(|blocks| {
        blocks.iter().any(|block| block.label == Label::License && block.document == document)
    })
}
