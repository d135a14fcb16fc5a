//! Issuing rules as pure functions: when a license is given, until when, and on how many machines.

use serde::{Deserialize, Serialize};

use crate::{Code, Lang, Timestamp};

/// The state of what was bought.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum InstanceState {
    /// In use.
    Active,
    /// Stopped by the marketplace until it is unfrozen.
    Frozen,
    /// Given back for good.
    Released,
}

/// What the order says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OrderTerms {
    /// How many were ordered.
    pub quantity: u32,
    /// When the order ends; absent: never.
    pub expires: Option<Timestamp>,
    /// Whether it was sold by the period, so that each license needs an end.
    pub period: bool,
    /// Whether it is for trying out.
    pub trial: bool,
}

/// What the marketplace or a program asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RequestedValidity {
    /// Begin of the validity asked for.
    pub not_before: Option<Timestamp>,
    /// End of the validity asked for.
    pub expires: Option<Timestamp>,
}

/// The validity of the license to be signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Validity {
    /// Its begin.
    pub not_before: Option<Timestamp>,
    /// Its end; absent: perpetual.
    pub expires: Option<Timestamp>,
}

/// Why no license is given.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Denial {
    /// The instance was released.
    Released,
    /// The instance is frozen.
    Frozen,
    /// The order has ended.
    OrderEnded,
    /// The end asked for is past.
    ExpiryPassed,
    /// A license sold by the period needs an end.
    ExpiryMissing,
    /// The begin asked for is not before the end.
    NeverValid,
    /// A node-locked license needs device information.
    DeviceMissing,
    /// Nothing in the device information can be used.
    DeviceUnreadable,
    /// Every machine that was bought is in use.
    MachinesExhausted {
        /// How many were bought.
        limit: u32,
    },
}

impl Denial {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Released => Code::LicenseRevoked,
            Self::Frozen => Code::LicenseSuspended,
            Self::OrderEnded | Self::ExpiryPassed => Code::LicenseExpired,
            Self::ExpiryMissing | Self::NeverValid => Code::RequestInvalid,
            Self::DeviceMissing | Self::DeviceUnreadable => Code::MachineUnreadable,
            Self::MachinesExhausted { .. } => Code::MachinesExhausted,
        }
    }

    /// Whether an order that was paid already may end it, by more machines or by another end;
    /// `end_stands`: the end was told by itself, and no order changes it.
    #[must_use]
    pub const fn is_up_to_the_order(self, end_stands: bool) -> bool {
        match self {
            Self::MachinesExhausted { .. } => true,
            Self::OrderEnded => !end_stands,
            _ => false,
        }
    }

    /// What is wrong, in one sentence.
    #[must_use]
    pub fn message(self, lang: Lang) -> String {
        let (en, zh) = match self {
            Self::Released => ("the instance was released", "实例已释放"),
            Self::Frozen => ("the instance is frozen", "实例已冻结"),
            Self::OrderEnded => ("the order has ended", "订单已到期"),
            Self::ExpiryPassed => ("expireTime is past", "expireTime 已过"),
            Self::ExpiryMissing => {
                ("a license sold by the period needs expireTime", "包周期许可证需要 expireTime")
            }
            Self::NeverValid => (
                "effectiveTime is not before the end of the license",
                "effectiveTime 不早于许可证的结束时间",
            ),
            Self::DeviceMissing => ("device information is needed", "缺少设备指纹"),
            Self::DeviceUnreadable => {
                ("nothing in the device information can be used", "设备指纹中没有可用信息")
            }
            Self::MachinesExhausted { limit } => {
                return match lang {
                    Lang::En => format!("all {limit} machines of the order are in use"),
                    Lang::Zh => format!("订单的 {limit} 台机器已全部使用"),
                };
            }
        };
        match lang {
            Lang::En => en.to_owned(),
            Lang::Zh => zh.to_owned(),
        }
    }
}

/// Decides whether a license may be given now, and for which time: the one asked for, bounded by
/// the order. Creation times are never compared.
///
/// # Errors
/// Why not.
pub fn validity(
    requested: &RequestedValidity,
    order: &OrderTerms,
    state: InstanceState,
    now: Timestamp,
) -> Result<Validity, Denial> {
    match state {
        InstanceState::Active => {}
        InstanceState::Frozen => return Err(Denial::Frozen),
        InstanceState::Released => return Err(Denial::Released),
    }
    if order.expires.is_some_and(|at| at <= now) {
        return Err(Denial::OrderEnded);
    }
    if requested.expires.is_some_and(|at| at <= now) {
        return Err(Denial::ExpiryPassed);
    }
    if order.period && requested.expires.is_none() {
        return Err(Denial::ExpiryMissing);
    }
    let expires = match (requested.expires, order.expires) {
        (Some(asked), Some(bought)) => Some(asked.min(bought)),
        (asked, bought) => asked.or(bought),
    };
    if let (Some(from), Some(at)) = (requested.not_before, expires)
        && from >= at
    {
        return Err(Denial::NeverValid);
    }
    Ok(Validity { not_before: requested.not_before, expires })
}

/// Decides whether a machine may take a seat. One that holds a seat takes no second.
///
/// # Errors
/// [`Denial::MachinesExhausted`].
pub const fn admit_machine(known: bool, used: u32, limit: u32) -> Result<(), Denial> {
    if known || used < limit { Ok(()) } else { Err(Denial::MachinesExhausted { limit }) }
}

/// How many machines of an order may give their own seat back within 365 days: each seat moves
/// once, and small orders three times. Operators are not counted: they know whom they help.
#[must_use]
pub const fn returns_a_year(seats: u32) -> u32 {
    if seats > 3 { seats } else { 3 }
}

/// Whether a license counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LicenseStatus {
    /// It counts.
    Active,
    /// Its instance is frozen.
    Frozen,
    /// An operator suspended it.
    Suspended,
    /// It never counts again.
    Revoked,
}

/// What an operator does about one license.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OperatorAction {
    /// It does not count until it is reinstated.
    Suspend,
    /// It counts again.
    Reinstate,
    /// It never counts again.
    Revoke,
}

/// The status of a license after an operator's action; repeating an action changes nothing. What an
/// operator suspended the marketplace does not lift, and the other way round. `None`: it is revoked,
/// which is final.
#[must_use]
pub const fn apply_action(
    status: LicenseStatus,
    frozen: bool,
    action: OperatorAction,
) -> Option<LicenseStatus> {
    match (action, status) {
        (OperatorAction::Revoke, _) => Some(LicenseStatus::Revoked),
        (_, LicenseStatus::Revoked) => None,
        (OperatorAction::Suspend, _) => Some(LicenseStatus::Suspended),
        (OperatorAction::Reinstate, _) if frozen => Some(LicenseStatus::Frozen),
        (OperatorAction::Reinstate, _) => Some(LicenseStatus::Active),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);
    const ORDER: OrderTerms =
        OrderTerms { quantity: 1, expires: Some(NOW.plus(100)), period: true, trial: false };

    fn until(secs: i64) -> RequestedValidity {
        RequestedValidity { not_before: None, expires: Some(NOW.plus(secs)) }
    }

    fn from(begin: i64, end: i64) -> RequestedValidity {
        RequestedValidity { not_before: Some(NOW.plus(begin)), ..until(end) }
    }

    #[test]
    fn the_first_reason_is_the_answer() {
        let ended = OrderTerms { expires: Some(NOW), ..ORDER };
        let once = OrderTerms { expires: None, period: false, ..ORDER };
        let open = RequestedValidity::default();
        for (requested, order, state, expected) in [
            (until(50), ORDER, InstanceState::Active, Ok(Some(50))),
            (until(500), ORDER, InstanceState::Active, Ok(Some(100))),
            (until(0), ORDER, InstanceState::Active, Err(Denial::ExpiryPassed)),
            (until(50), ended, InstanceState::Active, Err(Denial::OrderEnded)),
            (open, ORDER, InstanceState::Active, Err(Denial::ExpiryMissing)),
            (open, once, InstanceState::Active, Ok(None)),
            (until(50), once, InstanceState::Active, Ok(Some(50))),
            (from(49, 50), ORDER, InstanceState::Active, Ok(Some(50))),
            (from(50, 50), ORDER, InstanceState::Active, Err(Denial::NeverValid)),
            (from(100, 500), ORDER, InstanceState::Active, Err(Denial::NeverValid)),
            (until(50), ORDER, InstanceState::Frozen, Err(Denial::Frozen)),
            (until(0), ended, InstanceState::Released, Err(Denial::Released)),
        ] {
            let got = validity(&requested, &order, state, NOW);
            let got = got.map(|v| v.expires.map(|at| at.as_secs() - NOW.as_secs()));
            assert_eq!(got, expected, "{requested:?} {order:?} {state:?}");
        }
    }

    #[test]
    fn an_order_that_is_not_read_yet_may_bring_places_and_an_end() {
        let full = Denial::MachinesExhausted { limit: 1 };
        assert!(full.is_up_to_the_order(false) && full.is_up_to_the_order(true));
        assert!(Denial::OrderEnded.is_up_to_the_order(false));
        assert!(!Denial::OrderEnded.is_up_to_the_order(true));
        for denial in [
            Denial::Released,
            Denial::Frozen,
            Denial::ExpiryPassed,
            Denial::ExpiryMissing,
            Denial::NeverValid,
            Denial::DeviceMissing,
            Denial::DeviceUnreadable,
        ] {
            assert!(!denial.is_up_to_the_order(false), "{denial:?}");
        }
    }

    proptest! {
        /// However machines come and come again, no more than the limit ever hold a place.
        #[test]
        fn places_are_never_oversubscribed(limit in 0_u32..20, machines in prop::collection::vec(0_u8..40, 0..200)) {
            let mut holding = std::collections::BTreeSet::new();
            for machine in machines {
                let used = u32::try_from(holding.len()).unwrap();
                if admit_machine(holding.contains(&machine), used, limit).is_ok() {
                    holding.insert(machine);
                }
            }
            prop_assert!(holding.len() <= limit as usize);
        }
    }

    #[test]
    fn every_place_may_move_once_a_year_and_a_few_thrice() {
        for (places, returns) in [(0, 3), (1, 3), (3, 3), (4, 4), (500, 500)] {
            assert_eq!(returns_a_year(places), returns);
        }
    }

    #[test]
    fn operators_and_the_marketplace_stop_licenses_apart() {
        use LicenseStatus::{Active, Frozen, Revoked, Suspended};
        use OperatorAction::{Reinstate, Revoke, Suspend};
        for (status, frozen, action, expected) in [
            (Active, false, Suspend, Some(Suspended)),
            (Suspended, false, Suspend, Some(Suspended)),
            (Frozen, true, Suspend, Some(Suspended)),
            (Revoked, false, Suspend, None),
            (Suspended, false, Reinstate, Some(Active)),
            (Suspended, true, Reinstate, Some(Frozen)),
            (Active, false, Reinstate, Some(Active)),
            (Frozen, true, Reinstate, Some(Frozen)),
            (Revoked, false, Reinstate, None),
            (Active, false, Revoke, Some(Revoked)),
            (Frozen, true, Revoke, Some(Revoked)),
            (Suspended, true, Revoke, Some(Revoked)),
            (Revoked, false, Revoke, Some(Revoked)),
        ] {
            let found = apply_action(status, frozen, action);
            assert_eq!(found, expected, "{action:?} of {status:?}, frozen: {frozen}");
        }
    }
}
