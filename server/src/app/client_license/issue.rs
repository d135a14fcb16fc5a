//! The command that gives a program its license: the one in force, or a new one, with a receipt.

use license_core::Code;
use license_core::activation_code::ActivationCode;
use license_core::api::{LicenseAnswer, LicenseRequest};
use license_core::armor::license_file;
use license_core::issue::{ListSequences, receipt};
use license_core::issuing_rules::{Denial, InstanceState};
use license_core::product::LicenseForm;

use super::refusals::{code_unknown, deny, order_pending, suspended};
use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::command::{Command, Failed};
use crate::app::issuance::reevaluate;
use crate::app::issuance::{
    Decision, Grant, IssueRequest, PresentedMachine, SeatAllocation, decide, state,
};
use crate::app::issuance::{issue, reopen, terms};
use crate::app::signed_lists;
use crate::app::transaction::UnitOfWork;
use crate::error::ApiError;
use crate::store::{Footprint, Instance, LicenseRow, StoreError, Tx};

/// New machines an hour that one activation code can enrol: a leaked code does harm slowly.
const NEW_MACHINES_AN_HOUR: i64 = 10;
const HOUR: i64 = 3600;
/// One request, its lengths checked and its code read.
pub(crate) struct ClientLicense {
    pub(crate) code: ActivationCode,
    pub(crate) request: LicenseRequest,
}

impl Command for ClientLicense {
    type Output = LicenseAnswer;
    type Error = Failed;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.code(self.code.to_string());
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, Failed> {
        let Some(mut instance) = tx.instance_of_code(&self.code.to_string()).await? else {
            return Err(code_unknown().into());
        };
        self.is_for(work, &instance)?;
        if instance.judge_due {
            reevaluate(tx, work, &mut instance, None).await?;
        }
        let presented =
            PresentedMachine::read(Some(&self.request.dev_info), work.context.secret.as_bytes());
        let request = IssueRequest {
            not_before: None,
            expires: None,
            needs_end: false,
            presented: &presented,
            frees: None,
        };
        let grant = match decide(tx, work, &instance, &request).await? {
            Decision::Grant(grant) => grant,
            Decision::Wait => return Err(order_pending().into()),
            Decision::Deny(denial) => return Err(deny(denial).into()),
        };
        if let Some(row) = in_force(tx, work, &instance, &grant).await? {
            let license = reopen(&row.document)?;
            return Ok(self.answer(tx, work, &row, &license).await?);
        }
        let machine = match &grant.seat {
            SeatAllocation::Known { machine, .. } => Some(Some(machine.id.as_str())),
            SeatAllocation::Unbound => Some(None),
            SeatAllocation::New { .. } => None,
        };
        // Another license would undo what an operator did.
        if let Some(machine) = machine
            && tx.is_suspended(&instance.id, machine).await?
        {
            return Err(suspended().into());
        }
        if matches!(grant.seat, SeatAllocation::New { .. }) {
            let oldest = tx.newest_by_code(&instance.id, NEW_MACHINES_AN_HOUR).await?;
            let wait = oldest.map_or(0, |at| at + HOUR - work.now.as_secs());
            if wait > 0 {
                return Err(too_many_machines(wait).into());
            }
        }
        let (row, license) = issue(tx, work, &mut instance, &grant, None).await?;
        let issued =
            AuditEntry::new("license.issue", &Actor::Program).about("instance", &instance.id);
        work.audit(issued.about("license", &row.id));
        Ok(self.answer(tx, work, &row, &license).await?)
    }
}

impl ClientLicense {
    /// Whether the instance can give this program a license at all, order unread or not.
    fn is_for(&self, work: &UnitOfWork<'_>, instance: &Instance) -> Result<(), ApiError> {
        match state(instance) {
            InstanceState::Active => {}
            InstanceState::Frozen => return Err(deny(Denial::Frozen)),
            InstanceState::Released => return Err(deny(Denial::Released)),
        }
        if instance.expires.is_some_and(|at| at <= work.now.as_secs()) {
            return Err(deny(Denial::OrderEnded));
        }
        if instance.quantity.is_none() {
            return Err(order_pending());
        }
        match &instance.product {
            None => Err(order_pending()),
            Some(product) if *product != self.request.product => Err(ApiError::new(
                Code::ProductMismatch,
                "this activation code was bought for another product",
                "该激活码对应其他产品",
            )
            .with_status(403)),
            Some(_) => Ok(()),
        }
    }

    async fn answer(
        &self,
        tx: &mut dyn Tx,
        work: &UnitOfWork<'_>,
        row: &LicenseRow,
        license: &license_core::license::License,
    ) -> Result<LicenseAnswer, StoreError> {
        let text = match self.request.form {
            LicenseForm::String => row.document.clone(),
            LicenseForm::File => license_file(&row.document, license),
        };
        let list = signed_lists::revocations(tx, work).await?;
        let sequences = ListSequences { revocation: u64::try_from(list.seq).ok(), trust: None };
        let receipt = receipt(
            &work.context.issuer,
            work.now,
            &self.request.nonce,
            &text,
            sequences,
            &work.context.issuing,
        )?;
        Ok(LicenseAnswer {
            license: text,
            form: self.request.form,
            license_id: row.id.clone().into(),
            receipt,
        })
    }
}

/// The license that says already what would be issued now. One that was enrolled from other parts
/// of the machine, and no longer fits it, is none.
async fn in_force(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    instance: &Instance,
    grant: &Grant,
) -> Result<Option<LicenseRow>, StoreError> {
    let (machine, info) = match &grant.seat {
        SeatAllocation::New { .. } => return Ok(None),
        SeatAllocation::Known { machine, info, .. } => (Some(machine.id.as_str()), Some(info)),
        SeatAllocation::Unbound => (None, None),
    };
    let terms = terms(work, instance, grant);
    for row in tx.licenses_in_force(&instance.id, machine, &terms).await? {
        // One that begins later was asked for by the marketplace for later.
        if row.not_before.is_some_and(|at| at > work.now.as_secs()) {
            continue;
        }
        let license = reopen(&row.document)?;
        let fits = match (&license.binding, info) {
            (Some(binding), Some(info)) => binding.compare(info).matches(),
            (None, _) => true,
            (Some(_), None) => false,
        };
        if fits {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// In so many seconds there is room for one more.
fn too_many_machines(wait: i64) -> ApiError {
    ApiError::new(
        Code::RateLimited,
        format!("more than {NEW_MACHINES_AN_HOUR} new machines an hour with one activation code"),
        format!("同一激活码每小时最多激活 {NEW_MACHINES_AN_HOUR} 台新机器"),
    )
    .with_status(429)
    .retry_after(u32::try_from(wait.min(HOUR)).unwrap_or_default())
}
