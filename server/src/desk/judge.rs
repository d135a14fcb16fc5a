//! Judges one wish for a license by the rules of `license_core::rule`, with what the database
//! knows of the instance.

use std::sync::Arc;

use koogallery::ResultCode;
use license_core::binding::{Binding, Enrollment, Kind, index_digests};
use license_core::device::DeviceInfo;
use license_core::license::LicenseKind;
use license_core::product::Product;
use license_core::rule::{self, Denial, OrderTerms, Validity};
use license_core::{Timestamp, rule::Application};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};

use super::context::{Context, Work};
use super::orders::REFUND;
use crate::store::{Instance, InstanceState, Machine, OrderRow, OrderState, StoreError, Tx};

/// What is wished for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) not_before: Option<i64>,
    pub(crate) expires: Option<i64>,
    /// Whether a period license has to name its end: the marketplace's calls do, programs do not.
    pub(crate) needs_end: bool,
    pub(crate) device: &'a Device,
    /// A machine whose place becomes free by this very wish.
    pub(crate) frees: Option<&'a str>,
}

/// The device text of a wish, read once.
#[derive(Clone, Debug)]
pub(crate) enum Device {
    /// There is none.
    Missing,
    /// Nothing of it names a machine.
    Unreadable,
    /// A machine, and what it is found by.
    Machine { info: DeviceInfo, digests: Vec<String> },
}

impl Device {
    pub(crate) fn read(text: Option<&str>, secret: &[u8]) -> Self {
        match text.filter(|text| !text.trim().is_empty()).map(DeviceInfo::parse) {
            None => Self::Missing,
            Some(Err(_)) => Self::Unreadable,
            Some(Ok(info)) => Self::Machine { digests: index(&info, secret), info },
        }
    }

    /// What it is found by.
    pub(crate) fn digests(&self) -> &[String] {
        match self {
            Self::Machine { digests, .. } => digests,
            Self::Missing | Self::Unreadable => &[],
        }
    }
}

/// What is to be done.
pub(crate) enum Verdict {
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
    pub(crate) place: Place,
    /// Floating: how many seats.
    pub(crate) seats: Option<u32>,
}

/// Where the license runs.
pub(crate) enum Place {
    /// Anywhere.
    Unbound,
    /// On a machine that holds a place.
    Known { machine: Machine, info: DeviceInfo, binding: Binding },
    /// On a machine that takes a place now.
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
pub(crate) const fn state(instance: &Instance) -> rule::InstanceState {
    match instance.state {
        InstanceState::Active => rule::InstanceState::Active,
        InstanceState::Frozen => rule::InstanceState::Frozen,
        InstanceState::Released => rule::InstanceState::Released,
    }
}

/// Numbers of machines as the rules count them; the database holds nothing negative.
pub(crate) fn count(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

/// The instance's product as it was applied last.
pub(crate) async fn product_of(
    tx: &mut dyn Tx,
    desk: &Context,
    instance: &Instance,
) -> Result<Option<Arc<Product>>, StoreError> {
    let Some(id) = &instance.product else { return Ok(None) };
    tx.product(id).await?.map(|row| desk.terms_of(row)).transpose()
}

/// How many machines or seats the instance has.
pub(crate) fn limit_of(instance: &Instance, product: &Product) -> u32 {
    product.license.machines.limit(count(instance.quantity.unwrap_or_default()))
}

/// Decides. What can be refused without the order is refused without it.
pub(crate) async fn judge(
    tx: &mut dyn Tx,
    work: &Work<'_>,
    instance: &Instance,
    wish: &Wish<'_>,
) -> Result<Verdict, StoreError> {
    let order = OrderTerms {
        quantity: count(instance.quantity.unwrap_or_default()),
        expires: instance.expires.map(Timestamp::from_secs),
        period: wish.needs_end && instance.period.unwrap_or_default(),
        trial: instance.trial.unwrap_or_default(),
    };
    let application = Application {
        not_before: wish.not_before.map(Timestamp::from_secs),
        expires: wish.expires.map(Timestamp::from_secs),
    };
    let validity = match rule::validity(&application, &order, state(instance), work.now) {
        Ok(validity) => validity,
        Err(denial) => return denied(tx, instance, wish, denial).await,
    };
    if instance.quantity.is_none() {
        return Ok(Verdict::Wait);
    }
    let Some(product) = product_of(tx, work.desk, instance).await? else {
        return Ok(Verdict::Wait);
    };

    let limit = limit_of(instance, &product);
    let (place, seats) = match product.license.kind {
        LicenseKind::NodeLocked => match bind(tx, work, instance, wish, limit).await? {
            Ok(place) => (place, None),
            Err(denial) => return denied(tx, instance, wish, denial).await,
        },
        LicenseKind::Floating => (Place::Unbound, Some(limit)),
        LicenseKind::Unbound => (Place::Unbound, None),
    };
    Ok(Verdict::Grant(Box::new(Grant { product, validity, place, seats })))
}

/// A denial, unless an order that was accepted is not read yet and may end it: then the
/// marketplace's wish is kept, as it is for a first order. A program asks again by itself.
async fn denied(
    tx: &mut dyn Tx,
    instance: &Instance,
    wish: &Wish<'_>,
    denial: Denial,
) -> Result<Verdict, StoreError> {
    let unread = |order: &OrderRow| {
        matches!(order.state, OrderState::Queued | OrderState::Reading)
            && order.quantity.is_none()
            // The first order's terms are known here: the first edition's call told them.
            && order.scene != "NEW"
            && order.scene != REFUND
    };
    let waits = wish.needs_end
        && denial.is_up_to_the_order(instance.expires_set)
        && tx.orders_of(&instance.id).await?.iter().any(unread);
    Ok(if waits { Verdict::Wait } else { Verdict::Deny(denial) })
}

async fn bind(
    tx: &mut dyn Tx,
    work: &Work<'_>,
    instance: &Instance,
    wish: &Wish<'_>,
    limit: u32,
) -> Result<Result<Place, Denial>, StoreError> {
    let (info, digests) = match wish.device {
        Device::Missing => return Ok(Err(Denial::DeviceMissing)),
        Device::Unreadable => return Ok(Err(Denial::DeviceUnreadable)),
        Device::Machine { info, digests } => (info, digests),
    };
    let salt = B64.encode(work.desk.random::<9>());
    let Ok(enrolled) = Binding::enroll(info, &salt, &Enrollment::default()) else {
        return Ok(Err(Denial::DeviceUnreadable));
    };
    let binding = enrolled.binding;

    if let Some(machine) = known(tx, instance, info, digests).await? {
        return Ok(Ok(Place::Known { machine, info: info.clone(), binding }));
    }
    let used = count(instance.machines_used - i64::from(wish.frees.is_some()));
    let new = rule::admit_machine(false, used, limit);
    Ok(new.map(|()| Place::New { digests: telling(&binding, digests), binding }))
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

/// What a machine is found by. Processors are not: many machines have the same one, and it never
/// decides alone.
fn index(info: &DeviceInfo, secret: &[u8]) -> Vec<String> {
    let parts = index_digests(info, secret).into_iter().filter(|(kind, _)| *kind != Kind::Cpu);
    parts.map(|(kind, digest)| format!("{}:{digest}", kind.as_str())).collect()
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
