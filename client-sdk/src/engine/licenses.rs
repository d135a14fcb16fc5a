//! The license: from memory where it is valid, else from the server; never believed unverified.

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
    event::{Event, LicenseType},
    failure::Failure,
    outbox::Ticket,
    state, transport,
};

/// Seconds between two background questions for what the server has changed.
const REFRESH_EVERY: i64 = 3_600;

/// What a program asked for, as it travels between the threads.
pub(crate) struct Wanted {
    pub(crate) kind: LicenseType,
    /// Where the file goes; unused for a string.
    pub(crate) path: std::path::PathBuf,
    pub(crate) dev_info: String,
}

impl Engine {
    /// Answers from memory, or passes the question on to the server.
    pub(crate) fn serve(self: &Arc<Self>, ticket: Ticket, wanted: Wanted) {
        self.local.send(
            self,
            Box::new(move |engine| {
                let device = engine.device(&wanted.dev_info);
                match engine.kept(&device) {
                    Ok(verified) => {
                        ticket.answer(vec![Engine::deliver(&verified, &wanted)]);
                        engine.refresh_soon(device, true);
                    }
                    Err(refused) => engine.network.send(
                        engine,
                        Box::new(move |engine| engine.ask(ticket, &wanted, &device, refused)),
                    ),
                }
            }),
        );
    }

    fn ask(
        self: &Arc<Self>,
        ticket: Ticket,
        wanted: &Wanted,
        device: &str,
        refused: Option<Failure>,
    ) {
        if ticket.is_void() {
            return;
        }
        match self.fetch(device, wanted.kind) {
            Ok(verified) => {
                ticket.answer(vec![Self::deliver(&verified, wanted)]);
                self.refresh_soon(device.to_owned(), false);
            }
            Err(failure) => ticket.fail(&told(refused, failure)),
        }
    }

    /// The license that is kept, verified for this device.
    ///
    /// # Errors
    /// Why it is refused; nothing, if there is none.
    pub(crate) fn kept(&self, device: &str) -> Result<Verified, Option<Failure>> {
        let mut records = self.records();
        let text = records.license().ok_or(None)?;
        let judged = records.judge(text.as_bytes(), Some(device), &self.settings, &self.host);
        if let Err(Failure { code: Code::LicenseMalformed | Code::LicenseDamaged, .. }) = judged {
            records.set_license_aside();
        }
        drop(records);
        *locked(&self.in_force) = judged.as_ref().ok().cloned();
        judged.map_err(Some)
    }

    /// The answer in the form that the program asked for.
    fn deliver(verified: &Verified, wanted: &Wanted) -> Event {
        let warnings: Vec<_> =
            verified.warnings.iter().map(|warning| warning.as_str().to_owned()).collect();
        if wanted.kind == LicenseType::String {
            return Event::license_string(&verified.document, &warnings);
        }
        let text = armor::license_file(&verified.document, &verified.claims);
        let there = fs::read(&wanted.path).is_ok_and(|bytes| holds(&bytes, &verified.document));
        match if there { Ok(()) } else { state::write(&wanted.path, text.as_bytes()) } {
            Ok(()) => Event::license_file(&wanted.path, &warnings),
            Err(error) => {
                let place = wanted.path.display();
                let failure =
                    Failure::with(Code::StateUnwritable, format_args!("{place}: {error}"));
                Event::license_failed(wanted.kind, &failure)
            }
        }
    }

    /// Asks the server and keeps what is genuine and fits.
    ///
    /// # Errors
    /// The server's refusal, or why its answer was refused. What was kept before stays.
    fn fetch(&self, device: &str, kind: LicenseType) -> Result<Verified, Failure> {
        let transport = self.transport()?;
        if self.settings.activation_code.is_empty() {
            return Err(Failure::of(Code::LicenseMissing));
        }
        if self.records().lacks_trust_list() {
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
            Err(Failure { code: Code::KeyUnknown, .. }) if self.records().rooted() => {
                self.fetch_trust(&transport)?;
                self.adopt(&answer, &nonce, device)
            }
            adopted => adopted,
        }
    }

    /// What the receipt of the next question must repeat.
    pub(super) fn nonce(&self) -> Result<String, Failure> {
        let mut nonce = String::with_capacity(48);
        for byte in (self.host.nonce)().ok_or_else(|| Failure::of(Code::Internal))? {
            write!(nonce, "{byte:02x}").expect("writing to a String never fails");
        }
        Ok(nonce)
    }

    pub(super) fn fetch_trust(&self, transport: &transport::Transport) -> Result<(), Failure> {
        let document = transport.trust()?;
        Ok(self.records().take_trust(&document, (self.host.now)())?)
    }

    /// Verifies the receipt, then the license, and only then keeps it.
    fn adopt(
        &self,
        answer: &LicenseAnswer,
        nonce: &str,
        device: &str,
    ) -> Result<Verified, Failure> {
        let mut records = self.records();
        let now = (self.host.now)();
        let answered = receipt(&records, answer, nonce, now)?;
        // The server's time, and nothing else, may put a floor right that is too high.
        let _ = records.look(&self.host, None, Some(answered));
        let verified =
            records.judge(answer.license.as_bytes(), Some(device), &self.settings, &self.host)?;
        let kept = records.license().and_then(|text| {
            records.judge(text.as_bytes(), Some(device), &self.settings, &self.host).ok()
        });
        if kept.as_ref().is_none_or(|kept| replaces(&verified, kept)) {
            records.keep_license(&answer.license, &verified);
        }
        drop(records);
        *locked(&self.in_force) = Some(verified.clone());
        Ok(verified)
    }

    /// Asks in the background for what changed at the server; no event tells of it.
    fn refresh_soon(self: &Arc<Self>, device: String, license: bool) {
        let running = (self.host.running)();
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

    fn refresh(&self, device: &str, license: bool) -> Result<(), Failure> {
        let transport = self.transport()?;
        let document = transport.revocations();
        if let Err(failure) = &document
            && failure.code == Code::ServerUnreachable
        {
            return Err(failure.clone());
        }
        if self.records().rooted() {
            let _ = self.fetch_trust(&transport);
        }
        if let Ok(document) = document {
            let _ = self.records().take_revocations(&document, (self.host.now)());
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
    records: &crate::records::Records,
    answer: &LicenseAnswer,
    nonce: &str,
    now: Timestamp,
) -> Result<Timestamp, Failure> {
    let documents = armor::read(answer.license.as_bytes()).unwrap_or_default();
    let belongs = documents
        .iter()
        .filter(|block| block.label == Label::License)
        .map(|block| block.document.as_str())
        .chain([answer.license.as_str()]);
    receipt_of(records, &answer.receipt, nonce, belongs, now)
}

/// Verifies a receipt: it answers our nonce and is about one of these texts.
pub(super) fn receipt_of<'a>(
    records: &crate::records::Records,
    receipt: &str,
    nonce: &str,
    mut texts: impl Iterator<Item = &'a str>,
    now: Timestamp,
) -> Result<Timestamp, Failure> {
    let invalid = |what: &str| Failure::with(Code::ReceiptInvalid, what);
    let opened = records.ring().open(DocType::Receipt, receipt, now).map_err(|refusal| {
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
fn told(refused: Option<Failure>, failure: Failure) -> Failure {
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
/// or was issued later: an online answer never takes away what somebody put there by hand.
fn replaces(new: &Verified, kept: &Verified) -> bool {
    new.claims.instance == kept.claims.instance && new.claims.issued_at >= kept.claims.issued_at
}

fn holds(bytes: &[u8], document: &str) -> bool {
    armor::read(bytes).is_ok_and(|blocks| {
        blocks.iter().any(|block| block.label == Label::License && block.document == document)
    })
}
