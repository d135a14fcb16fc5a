//! Machines as operators see them, and seats that are given back: by an operator because a machine
//! was lost or sold, or by the machine itself.

use license_core::binding::Binding;
use license_core::component::ComponentKind;
use license_core::issue::{ListSequences, receipt};
use license_core::issuing_rules::returns_a_year;
use license_core::time::DAY;
use license_core::{Code, Timestamp, api};
use serde::Deserialize;

use super::audit::entry::{Actor, AuditEntry};
use super::client_license::refusals;
use super::command::{Command, Failed};
use super::issuance::reevaluate;
use super::issuance::{count, limit_of, product_of};
use super::transaction::UnitOfWork;
use super::{App, licenses, paging, views};
use crate::error::ApiError;
use crate::store::{
    Footprint, Instance, LicenseState, ListKey, Machine, MachineQuery, StoreError, Tx,
};

/// Which machines to list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MachineFilter {
    pub(crate) instance_id: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<u32>,
}

/// Why a machine's licenses are revoked.
const BY_OPERATOR: &str = "operator";
const RETURNED: &str = "returned";
/// For how long a machine that gave its seat back is counted.
const YEAR: i64 = 365 * DAY;

/// An operator gives a machine's seat back.
pub(crate) struct ReleaseMachine {
    pub(crate) id: String,
    /// The instance that the seat belongs to.
    pub(crate) instance: String,
    pub(crate) by: Actor,
}

impl Command for ReleaseMachine {
    type Output = Machine;
    type Error = Failed;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.instance(&self.instance);
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, Failed> {
        let instance = tx.instance(&self.instance).await?;
        let (Some(mut machine), Some(mut instance)) = (tx.machine(&self.id).await?, instance)
        else {
            return Err(not_found().into());
        };
        // A second release is a success as well: the first answer may have been lost.
        if machine.freed_at.is_none() {
            give_back(tx, work, &mut instance, &mut machine, BY_OPERATOR, &self.by).await?;
        }
        Ok(machine)
    }
}

/// A machine gives its own seat back.
pub(crate) struct ReturnMachine {
    /// The license that proves which machine it is.
    pub(crate) license: String,
    /// The instance that the seat belongs to.
    pub(crate) instance: String,
}

impl Command for ReturnMachine {
    type Output = ();
    type Error = Failed;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.instance(&self.instance);
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, Failed> {
        let instance = tx.instance(&self.instance).await?;
        // Both may have changed since the license was found.
        let (Some(license), Some(mut instance)) = (tx.license(&self.license).await?, instance)
        else {
            return Err(licenses::not_ours().into());
        };
        let Some(id) = &license.machine_id else { return Err(unbound().into()) };
        let Some(mut machine) = tx.machine(id).await? else { return Err(not_found().into()) };
        if machine.freed_at.is_some() {
            return Ok(());
        }
        match license.state {
            LicenseState::Active => {}
            LicenseState::Suspended => return Err(refusals::suspended().into()),
            LicenseState::Revoked => return Err(revoked().into()),
        }
        // Another license of the machine would undo what an operator did to this one.
        if tx.is_suspended(&instance.id, Some(id)).await? {
            return Err(refusals::suspended().into());
        }
        let seats = match product_of(tx, work.context, &instance).await? {
            Some(product) => limit_of(&instance, &product),
            None => count(instance.quantity.unwrap_or_default()),
        };
        let returns = returns_a_year(seats);
        let oldest = tx.newest_returned(&instance.id, i64::from(returns)).await?;
        let wait = oldest.map_or(0, |at| at + YEAR - work.now.as_secs());
        if wait > 0 {
            return Err(too_many_returns(returns, wait).into());
        }
        give_back(tx, work, &mut instance, &mut machine, RETURNED, &Actor::Program).await?;
        Ok(())
    }
}

/// Frees a machine's seat: its licenses are revoked, and applications that waited for the seat are
/// served.
async fn give_back(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    instance: &mut Instance,
    machine: &mut Machine,
    reason: &str,
    by: &Actor,
) -> Result<(), StoreError> {
    let now = work.now.as_secs();
    if tx.revoke_machine(&machine.id, reason, now).await? > 0 {
        tx.mark_list(&ListKey::revocation()).await?;
    }
    if tx.free_machine(&machine.id, now).await? {
        tx.add_machines_used(&instance.id, -1).await?;
        instance.machines_used -= 1;
    }
    machine.freed_at = Some(now);
    let released = AuditEntry::new("machine.release", by).about("instance", &instance.id);
    work.audit(released.about("machine", &machine.id));
    reevaluate(tx, work, instance, None).await?;
    Ok(())
}

fn unbound() -> ApiError {
    ApiError::new(
        Code::RequestInvalid,
        "the license is bound to no machine: there is no place to give back",
        "该许可证未绑定机器：没有可释放的名额",
    )
}

fn revoked() -> ApiError {
    ApiError::new(
        Code::LicenseRevoked,
        "the license is revoked and proves nothing any more: ask the seller to release the machine",
        "该许可证已吊销，无法作为凭据：请联系卖家释放该机器",
    )
    .with_status(403)
}

/// In so many seconds there is room for one more.
fn too_many_returns(returns: u32, wait: i64) -> ApiError {
    ApiError::new(
        Code::RateLimited,
        format!(
            "machines of this order gave their place back {returns} times within a year: ask the \
             seller to release this one"
        ),
        format!("该订单的机器一年内已自行释放名额 {returns} 次：请联系卖家释放该机器"),
    )
    .with_status(429)
    .retry_after(u32::try_from(wait).unwrap_or(u32::MAX))
}

fn not_found() -> ApiError {
    views::not_found("machine", "机器")
}

fn view(machine: &Machine) -> Result<api::MachineView, StoreError> {
    let binding: Binding = serde_json::from_str(&machine.binding)
        .map_err(|error| StoreError::Broken(error.to_string()))?;
    let mut parts: Vec<&str> =
        binding.digests().map(|(kind, _)| ComponentKind::as_str(kind)).collect();
    parts.dedup();
    Ok(api::MachineView {
        machine_id: machine.id.clone().into(),
        instance_id: machine.instance_id.clone().into(),
        state: match machine.freed_at {
            Some(_) => api::SeatStatus::Free,
            None => api::SeatStatus::Held,
        },
        parts: parts.into_iter().map(str::to_owned).collect(),
        by_code: machine.by_code,
        enrolled_at: Timestamp::from_secs(machine.enrolled_at),
    })
}

/// Machines that hold a seat, in the order they were enrolled.
pub(crate) async fn list(
    app: &App,
    filter: &MachineFilter,
) -> Result<Vec<api::MachineView>, ApiError> {
    let query = MachineQuery {
        instance_id: filter.instance_id.clone(),
        after: filter.after.clone(),
        limit: paging::limit(filter.limit)?,
    };
    let machines = app.store.read().await?.machines(&query).await?;
    Ok(machines.iter().map(view).collect::<Result<_, _>>()?)
}

/// Gives a machine's seat back.
pub(crate) async fn release(app: &App, id: &str) -> Result<api::MachineView, ApiError> {
    let machine = app.store.read().await?.machine(id).await?.ok_or_else(not_found)?;
    let release =
        ReleaseMachine { id: machine.id, instance: machine.instance_id, by: Actor::caller() };
    let machine = app.writer.write(release).await?;
    Ok(view(&machine)?)
}

/// Lets a machine give its own seat back, and answers its nonce.
pub(crate) async fn return_seat(
    app: &App,
    question: &api::MachineReturn,
) -> Result<api::MachineReturned, ApiError> {
    let answer = returned(app, question).await;
    let result = answer.as_ref().map_or_else(|error| error.code, |_| Code::Ok);
    metrics::counter!("licd_client_returns_total", "code" => result.as_str()).increment(1);
    answer
}

async fn returned(
    app: &App,
    question: &api::MachineReturn,
) -> Result<api::MachineReturned, ApiError> {
    licenses::check_nonce(&question.nonce)?;
    let row = licenses::proven(app, &question.license).await?;
    let give = ReturnMachine { license: row.id.clone(), instance: row.instance_id };
    app.writer.write(give).await?;
    let context = &app.context;
    let receipt = receipt(
        &context.issuer,
        context.now(),
        &question.nonce,
        &question.license,
        ListSequences::default(),
        &context.issuing,
    );
    Ok(api::MachineReturned {
        license_id: row.id.into(),
        receipt: receipt.map_err(StoreError::from)?,
    })
}
