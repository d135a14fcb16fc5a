//! Judges one request for a license by the rules of `license_core::issuing_rules`, with what the database
//! knows of the instance.

use std::sync::Arc;

use koogallery::ResultCode;
use license_core::binding::{Binding, Enrollment};
use license_core::device::DeviceInfo;
use license_core::entitlement::LicenseKind;
use license_core::issuing_rules::{self, Denial, OrderTerms, Validity};
use license_core::product::Product;
use license_core::{Timestamp, issuing_rules::RequestedValidity};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};

use super::presented_machine::PresentedMachine;
use crate::app::command::Failed;
use crate::app::context::Context;
use crate::app::order_terms::REFUND;
use crate::app::transaction::UnitOfWork;
use crate::store::{Instance, InstanceState, Machine, OrderRow, OrderState, StoreError, Tx};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IssueRequest<'a> {
    pub(crate) not_before: Option<i64>,
    pub(crate) expires: Option<i64>,
    /// Whether a period license has to name its end: the marketplace's calls do, programs do not.
    pub(crate) needs_end: bool,
    pub(crate) presented: &'a PresentedMachine,
    /// A machine whose seat becomes free by this very request.
    pub(crate) frees: Option<&'a str>,
}

/// What is to be done.
pub(crate) enum Decision {
    /// Issue a license.
    Grant(Box<Grant>),
    /// The order or the product is not known yet.
    Wait,
    /// Not now.
    Deny(Denial),
}

/// Everything a license needs.
pub(crate) struct Grant {
    pub(crate) product: Arc<Product>,
    pub(crate) validity: Validity,
    pub(crate) seat: SeatAllocation,
    /// Floating: how many seats.
    pub(crate) seats: Option<u32>,
}

/// Where the license runs.
pub(crate) enum SeatAllocation {
    /// Anywhere.
    Unbound,
    /// On a machine that holds a seat.
    Known { machine: Machine, info: DeviceInfo, binding: Binding },
    /// On a machine that takes a seat now.
    New { binding: Binding, digests: Vec<String> },
}

/// The marketplace's code for a denial.
pub(crate) const fn result_code(denial: Denial) -> ResultCode {
    match denial {
        Denial::Released => ResultCode::InstanceUnknown,
        Denial::ExpiryMissing => ResultCode::ExpiryMissing,
        Denial::NeverValid => ResultCode::BadParameter,
        Denial::DeviceMissing | Denial::DeviceUnreadable => ResultCode::FingerprintMissing,
        Denial::MachinesExhausted { .. } => ResultCode::QuotaUsedUp,
        // Frozen, ended, past: not within the validity of the order.
        _ => ResultCode::OutOfValidity,
    }
}

/// What the rules call the instance's state.
pub(crate) const fn state(instance: &Instance) -> issuing_rules::InstanceState {
    match instance.state {
        InstanceState::Active => issuing_rules::InstanceState::Active,
        InstanceState::Frozen => issuing_rules::InstanceState::Frozen,
        InstanceState::Released => issuing_rules::InstanceState::Released,
    }
}

/// Numbers of machines as the rules count them; the database holds nothing negative.
pub(crate) fn count(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

/// The instance's product as it was applied last.
pub(crate) async fn product_of(
    tx: &mut dyn Tx,
    context: &Context,
    instance: &Instance,
) -> Result<Option<Arc<Product>>, StoreError> {
    let Some(id) = &instance.product else { return Ok(None) };
    tx.product(id).await?.map(|row| context.terms_of(row)).transpose()
}

/// How many machines or seats the instance has.
pub(crate) fn limit_of(instance: &Instance, product: &Product) -> u32 {
    product.license.machines.limit(count(instance.quantity.unwrap_or_default()))
}

/// Decides. What can be refused without the order is refused without it.
pub(crate) async fn decide(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    instance: &Instance,
    request: &IssueRequest<'_>,
) -> Result<Decision, StoreError> {
    let order = OrderTerms {
        quantity: count(instance.quantity.unwrap_or_default()),
        expires: instance.expires.map(Timestamp::from_secs),
        period: request.needs_end && instance.period.unwrap_or_default(),
        trial: instance.trial.unwrap_or_default(),
    };
    let application = RequestedValidity {
        not_before: request.not_before.map(Timestamp::from_secs),
        expires: request.expires.map(Timestamp::from_secs),
    };
    let validity = match issuing_rules::validity(&application, &order, state(instance), work.now) {
        Ok(validity) => validity,
        Err(denial) => return denied(tx, instance, request, denial).await,
    };
    if instance.quantity.is_none() {
        return Ok(Decision::Wait);
    }
    let Some(product) = product_of(tx, work.context, instance).await? else {
        return Ok(Decision::Wait);
    };

    let limit = limit_of(instance, &product);
    let (seat, seats) = match product.license.kind {
        LicenseKind::NodeLocked => match bind(tx, work, instance, request, limit).await {
            Ok(seat) => (seat, None),
            Err(Failed::Refused(denial)) => return denied(tx, instance, request, denial).await,
            Err(Failed::Store(error)) => return Err(error),
        },
        LicenseKind::Floating => (SeatAllocation::Unbound, Some(limit)),
        LicenseKind::Unbound => (SeatAllocation::Unbound, None),
    };
    Ok(Decision::Grant(Box::new(Grant { product, validity, seat, seats })))
}

/// A denial, unless an order that was accepted is not read yet and may end it: then the
/// marketplace's request is kept, as it is for a first order. A program asks again by itself.
async fn denied(
    tx: &mut dyn Tx,
    instance: &Instance,
    request: &IssueRequest<'_>,
    denial: Denial,
) -> Result<Decision, StoreError> {
    let unread = |order: &OrderRow| {
        matches!(order.state, OrderState::Queued | OrderState::Reading)
            && order.quantity.is_none()
            // The first order's terms are known here: V1's call carried them.
            && order.scene != "NEW"
            && order.scene != REFUND
    };
    let waits = request.needs_end
        && denial.is_up_to_the_order(instance.expires_set)
        && tx.orders_of(&instance.id).await?.iter().any(unread);
    Ok(if waits { Decision::Wait } else { Decision::Deny(denial) })
}

async fn bind(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    instance: &Instance,
    request: &IssueRequest<'_>,
    limit: u32,
) -> Result<SeatAllocation, Failed<Denial>> {
    let (info, digests) = match request.presented {
        PresentedMachine::Missing => return Err(Denial::DeviceMissing.into()),
        PresentedMachine::Unreadable => return Err(Denial::DeviceUnreadable.into()),
        PresentedMachine::Machine { info, digests } => (info, digests),
    };
    let salt = B64.encode(work.context.random::<9>());
    let Ok(enrolled) = Binding::enroll(info, &salt, &Enrollment::default()) else {
        return Err(Denial::DeviceUnreadable.into());
    };
    let binding = enrolled.binding;

    if let Some(machine) = known(tx, instance, info, digests).await? {
        return Ok(SeatAllocation::Known { machine, info: info.clone(), binding });
    }
    let used = count(instance.machines_used - i64::from(request.frees.is_some()));
    issuing_rules::admit_machine(false, used, limit)?;
    Ok(SeatAllocation::New { digests: telling(&binding, digests), binding })
}

/// Those by which it will be found again.
fn telling(binding: &Binding, digests: &[String]) -> Vec<String> {
    let kinds = binding.telling();
    let of = |digest: &&String| {
        let kind = digest.split(':').next();
        kinds.iter().any(|telling| Some(telling.as_str()) == kind)
    };
    digests.iter().filter(of).cloned().collect()
}

/// The instance's machine that the device text fits best, if one fits at all. The enrolled parts
/// decide, never those that are presented.
async fn known(
    tx: &mut dyn Tx,
    instance: &Instance,
    info: &DeviceInfo,
    digests: &[String],
) -> Result<Option<Machine>, StoreError> {
    let mut best: Option<(u32, Machine)> = None;
    for machine in tx.machines_like(&instance.id, digests).await? {
        let binding: Binding = serde_json::from_str(&machine.binding)
            .map_err(|error| StoreError::Broken(error.to_string()))?;
        let report = binding.compare(info);
        if report.matches() && best.as_ref().is_none_or(|(score, _)| report.score > *score) {
            best = Some((report.score, machine));
        }
    }
    Ok(best.map(|(_, machine)| machine))
}
