//! Evaluates pending applications again when their order, instance or product changed.

use koogallery::ResultCode;
use license_core::issuing_rules::Denial;

use super::decide::{Decision, IssueRequest, decide, result_code};
use super::issue::{issue, send};
use super::presented_machine::PresentedMachine;
use crate::alerts::AlertKind;
use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::command::Command;
use crate::app::event::Event;
use crate::app::transaction::UnitOfWork;
use crate::store::{
    Application, ApplicationState, Cursor, Footprint, Instance, InstanceState, StoreError, Tx,
};

/// Applications of one transaction: others wait for the writer meanwhile.
const MAX_APPLICATIONS: i64 = 100;

/// Goes on with an instance whose kept applications did not fit into one transaction.
pub(crate) struct ReevaluatePending {
    pub(crate) instance: String,
    pub(crate) after: Option<Cursor>,
}

impl Command for ReevaluatePending {
    /// Where to go on.
    type Output = Option<Cursor>;
    type Error = StoreError;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.instance(&self.instance);
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, StoreError> {
        match tx.instance(&self.instance).await? {
            Some(mut instance) => reevaluate(tx, work, &mut instance, self.after.as_ref()).await,
            None => Ok(None),
        }
    }
}

/// Judges the kept applications of an instance again, oldest first, as many as one transaction
/// takes. The instance is marked for the rest.
pub(crate) async fn reevaluate(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    instance: &mut Instance,
    after: Option<&Cursor>,
) -> Result<Option<Cursor>, StoreError> {
    let kept = tx.kept_applications(&instance.id, after, MAX_APPLICATIONS).await?;
    let more = i64::try_from(kept.len()).is_ok_and(|found| found == MAX_APPLICATIONS);
    let next = kept
        .last()
        .filter(|_| more)
        .map(|last| Cursor { received_at: last.received_at, event_id: last.event_id.clone() });
    for mut application in kept {
        fulfil(tx, work, instance, &mut application).await?;
    }
    if instance.judge_due != more {
        tx.put_judge_due(&instance.id, more).await?;
        instance.judge_due = more;
    }
    if more {
        work.publish(Event::JudgeDue);
    }
    Ok(next)
}

/// Judges one kept application and writes down what became of it.
pub(crate) async fn fulfil(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    instance: &mut Instance,
    application: &mut Application,
) -> Result<(), StoreError> {
    let presented =
        PresentedMachine::read(application.device.as_deref(), work.context.secret.as_bytes());
    let request = IssueRequest {
        not_before: application.not_before,
        expires: application.expires,
        needs_end: true,
        presented: &presented,
        frees: None,
    };
    match decide(tx, work, instance, &request).await? {
        Decision::Wait if application.state == ApplicationState::Held => {
            // What it was held for may be over as soon as an order was read.
            application.state = ApplicationState::Waiting;
            application.code = None;
            tx.put_application(application).await?;
        }
        Decision::Wait => {}
        Decision::Deny(denial) => hold(tx, work, instance, application, denial).await?,
        Decision::Grant(grant) => {
            let event = application.event_id.clone();
            let license = issue(tx, work, instance, &grant, Some(&event)).await?;
            send(tx, work, &event, grant.product.license.form, &license).await?;
            application.state = ApplicationState::Served;
            application.code = None;
            application.device = None;
            work.audit(judged(application, "served").about("license", &license.0.id));
            application.license_id = Some(license.0.id);
            tx.put_application(application).await?;
            work.publish(Event::Served { instance: instance.id.clone(), event });
        }
    }
    Ok(())
}

/// What became of a kept application.
fn judged(application: &Application, outcome: &str) -> AuditEntry {
    let judged = AuditEntry::new("application.judge", &Actor::Server).outcome(outcome);
    judged.about("instance", &application.instance_id).about("event", &application.event_id)
}

async fn hold(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    instance: &Instance,
    application: &mut Application,
    denial: Denial,
) -> Result<(), StoreError> {
    if instance.state == InstanceState::Released {
        // It will never be served: the machine is forgotten, and no alert is raised.
        application.state = ApplicationState::Superseded;
        application.code = None;
        application.device = None;
        return tx.put_application(application).await;
    }
    let code: ResultCode = result_code(denial);
    if application.code.as_deref() == Some(code.as_str()) {
        return Ok(());
    }
    application.state = ApplicationState::Held;
    application.code = Some(code.as_str().to_owned());
    tx.put_application(application).await?;
    let alert = AlertKind::ApplicationHeld
        .about(&instance.id)
        .with("event.id", application.event_id.as_str())
        .with("result.code", code.as_str());
    work.raise(tx, alert).await?;
    work.audit(judged(application, "held").about("code", code.as_str()));
    work.publish(Event::Held { code: code.as_str() });
    Ok(())
}
