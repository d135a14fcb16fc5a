//! `getLicenseAsync`: an application for a license, remembered by event and fingerprint.

use koogallery::call::GetLicenseAsync;
use koogallery::{Answer, Rejection, ResultCode};
use license_core::Lang;
use license_core::issuing_rules::Denial;

use super::preconditions::{live, test_answer};
use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::command::{Command, Failed};
use crate::app::context::Context;
use crate::app::issuance::{Decision, IssueRequest, PresentedMachine, decide, result_code};
use crate::app::issuance::{fulfil, reevaluate};
use crate::app::issuance::{issue, send, take_back};
use crate::app::transaction::UnitOfWork;
use crate::store::{
    Accepted, Application, ApplicationState, Footprint, Instance, LicenseRow, StoreError, Tx,
    UploadState,
};

/// 异步申请License.
pub(crate) struct Apply {
    call: GetLicenseAsync,
    presented: PresentedMachine,
    /// Two texts of one machine are one application: what is compared is normalised.
    fingerprint: Vec<u8>,
}

/// What the same event asked for before, with another machine.
enum EarlierApplication {
    /// It was accepted and never served.
    Kept(Application),
    /// Its license was never sent.
    Unsent(Application, Box<LicenseRow>),
}

impl Command for Apply {
    type Output = Answer;
    type Error = Failed<Rejection>;

    fn footprint(&self, footprint: &mut Footprint) {
        let call = &self.call;
        if !call.test {
            footprint.application(&call.event_id, &call.instance_id, self.presented.digests());
        }
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Answer, Failed<Rejection>> {
        let call = &self.call;
        if call.test {
            return Ok(test_answer(tx, &call.instance_id, ResultCode::InProgress).await?);
        }
        let mut instance = live(tx, &call.instance_id).await?;
        // Applications are served in the order in which they came.
        if instance.judge_due {
            reevaluate(tx, work, &mut instance, None).await?;
        }

        let seen = tx.applications_of_event(&call.event_id).await?;
        if seen.iter().any(|earlier| earlier.instance_id != instance.id) {
            return Ok(other("instance", "实例"));
        }
        let mut displaced = None;
        for mut earlier in seen {
            match earlier.state {
                ApplicationState::Superseded => {}
                _ if earlier.fingerprint == self.fingerprint => {
                    return Ok(self.again(tx, work, &mut instance, &mut earlier).await?);
                }
                ApplicationState::Waiting | ApplicationState::Held => {
                    displaced = Some(EarlierApplication::Kept(earlier));
                }
                ApplicationState::Served => match unsent(tx, &earlier).await? {
                    Some(license) => {
                        displaced = Some(EarlierApplication::Unsent(earlier, Box::new(license)));
                    }
                    None => return Ok(other("device fingerprint", "设备指纹")),
                },
            }
        }
        Ok(self.first(tx, work, &mut instance, displaced).await?)
    }
}

impl Apply {
    /// Reads and digests the machine here, so that the transaction does not wait for it.
    pub(crate) fn new(call: GetLicenseAsync, context: &Context) -> Self {
        let text = call.device_fingerprint.as_deref();
        let presented = PresentedMachine::read(text, context.secret.as_bytes());
        let normal = match &presented {
            PresentedMachine::Machine { info, .. } => info.text(),
            PresentedMachine::Missing | PresentedMachine::Unreadable => {
                text.unwrap_or_default().trim().to_uppercase()
            }
        };
        let fingerprint = context.digest("fingerprint", &normal);
        Self { call, presented, fingerprint }
    }

    /// What it would be found as, had it come before.
    pub(crate) fn accepted(&self) -> Accepted {
        Accepted {
            event: self.call.event_id.clone(),
            fingerprint: self.fingerprint.clone(),
            instance: self.call.instance_id.clone(),
        }
    }

    async fn first(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
        instance: &mut Instance,
        displaced: Option<EarlierApplication>,
    ) -> Result<Answer, StoreError> {
        let call = &self.call;
        let frees = match &displaced {
            Some(EarlierApplication::Unsent(_, license)) => only_license_of(tx, license).await?,
            _ => None,
        };
        let request = IssueRequest {
            not_before: Some(call.effective),
            expires: call.expires,
            needs_end: true,
            presented: &self.presented,
            frees: frees.as_deref(),
        };
        let verdict = decide(tx, work, instance, &request).await?;
        if let Decision::Deny(denial) = verdict {
            return Ok(refuse(denial));
        }
        supersede(tx, work, displaced.as_ref()).await?;

        let mut application = Application {
            event_id: call.event_id.clone(),
            fingerprint: self.fingerprint.clone(),
            instance_id: instance.id.clone(),
            state: ApplicationState::Waiting,
            code: None,
            device: call.device_fingerprint.clone(),
            not_before: Some(call.effective),
            expires: call.expires,
            license_id: None,
            received_at: work.now.as_secs(),
        };
        if let Decision::Grant(grant) = verdict {
            let license = issue(tx, work, instance, &grant, Some(&call.event_id)).await?;
            send(tx, work, &call.event_id, grant.product.license.form, &license).await?;
            application.state = ApplicationState::Served;
            application.device = None;
            application.license_id = Some(license.0.id);
        }
        tx.put_application(&application).await?;
        let accepted = AuditEntry::new("application.accept", &Actor::Marketplace)
            .outcome(application.state.as_str())
            .about("instance", &application.instance_id)
            .about("event", &application.event_id);
        work.audit(match &application.license_id {
            Some(license) => accepted.about("license", license),
            None => accepted,
        });
        if let Some(EarlierApplication::Unsent(_, license)) = &displaced {
            take_back(tx, work, license).await?;
            let back = AuditEntry::new("license.take-back", &Actor::Marketplace);
            work.audit(back.about("license", &license.id).about("event", &call.event_id));
        }
        Ok(Answer::in_progress())
    }

    /// A re-send: the first accepted answer counts. A held one was refused: it is decided anew, by
    /// the dates that are asked for now.
    async fn again(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
        instance: &mut Instance,
        application: &mut Application,
    ) -> Result<Answer, StoreError> {
        if application.state == ApplicationState::Held {
            application.not_before = Some(self.call.effective);
            application.expires = self.call.expires.or(application.expires);
            tx.put_application(application).await?;
            fulfil(tx, work, instance, application).await?;
        }
        let held = application.code.as_deref().and_then(|code| code.parse::<ResultCode>().ok());
        Ok(held.map_or_else(Answer::in_progress, Answer::of))
    }
}

/// The license of an application, if nothing of it can have reached the marketplace.
async fn unsent(
    tx: &mut dyn Tx,
    application: &Application,
) -> Result<Option<LicenseRow>, StoreError> {
    let Some(id) = &application.license_id else { return Ok(None) };
    let Some(upload) = tx.upload_of_license(id).await? else { return Ok(None) };
    // An attempt that was answered with an error delivered nothing; one without an answer may have.
    if upload.unanswered || upload.state != UploadState::Queued {
        return Ok(None);
    }
    tx.license(id).await
}

/// The machine that nothing but this license runs on.
async fn only_license_of(
    tx: &mut dyn Tx,
    license: &LicenseRow,
) -> Result<Option<String>, StoreError> {
    let Some(machine) = &license.machine_id else { return Ok(None) };
    let others = tx.machine_licenses(machine).await? > 1;
    Ok((!others).then(|| machine.clone()))
}

async fn supersede(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    displaced: Option<&EarlierApplication>,
) -> Result<(), StoreError> {
    let Some(EarlierApplication::Kept(earlier) | EarlierApplication::Unsent(earlier, _)) =
        displaced
    else {
        return Ok(());
    };
    let mut earlier = earlier.clone();
    earlier.state = ApplicationState::Superseded;
    earlier.code = None;
    earlier.device = None;
    tx.put_application(&earlier).await?;
    if let Some(EarlierApplication::Unsent(_, license)) = displaced
        && let Some(mut upload) = tx.upload_of_license(&license.id).await?
    {
        upload.state = UploadState::Cancelled;
        upload.finished_at = Some(work.now.as_secs());
        tx.put_upload(&upload).await?;
    }
    Ok(())
}

fn refuse(denial: Denial) -> Answer {
    let code = result_code(denial);
    Rejection::new(code, &denial.message(Lang::En), &denial.message(Lang::Zh)).into()
}

/// The event is taken.
fn other(what: &str, zh: &str) -> Answer {
    Rejection::new(
        ResultCode::BadParameter,
        &format!("this eventId was accepted with another {what}"),
        &format!("该eventId已使用其他{zh}"),
    )
    .into()
}
