//! Metered entitlements: when a program's usage report counts, as a pure function.

use crate::issuing_rules::InstanceState;
use crate::{Code, Lang, Timestamp};

/// What a report rests on.
#[derive(Clone, Copy, Debug)]
pub struct Metering<'a> {
    /// The instance of the program's license.
    pub instance: InstanceState,
    /// Whether the license was stopped for good.
    pub revoked: bool,
    /// Whether it is stopped for the time being.
    pub suspended: bool,
    /// Begin of its validity.
    pub not_before: Option<Timestamp>,
    /// From when it no longer runs, grace included; absent: never.
    pub ends: Option<Timestamp>,
    /// The entitlement whose use is paid by quantity.
    pub metered: Option<&'a str>,
    /// Whether the order is paid by use; absent: not known.
    pub by_use: Option<bool>,
}

/// Why a report does not count.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UsageDenial {
    /// The instance was released.
    Released,
    /// The instance is frozen.
    Frozen,
    /// The license was revoked.
    Revoked,
    /// The license is suspended.
    Suspended,
    /// The license is not valid yet.
    NotYetValid,
    /// The license is over.
    Expired,
    /// Nothing of the product is metered.
    NothingMetered,
    /// Another entitlement is.
    OtherEntitlement {
        /// That one.
        metered: String,
    },
    /// The order is not paid by use.
    PaidOtherwise,
}

impl Metering<'_> {
    /// Decides whether use of `entitlement` counts at `now`.
    ///
    /// # Errors
    /// The first reason why not.
    pub fn admit(&self, entitlement: &str, now: Timestamp) -> Result<(), UsageDenial> {
        match self.instance {
            InstanceState::Active => {}
            InstanceState::Frozen => return Err(UsageDenial::Frozen),
            InstanceState::Released => return Err(UsageDenial::Released),
        }
        if self.revoked {
            return Err(UsageDenial::Revoked);
        }
        if self.suspended {
            return Err(UsageDenial::Suspended);
        }
        if self.not_before.is_some_and(|from| now < from) {
            return Err(UsageDenial::NotYetValid);
        }
        if self.ends.is_some_and(|at| at <= now) {
            return Err(UsageDenial::Expired);
        }
        match self.metered {
            None => return Err(UsageDenial::NothingMetered),
            Some(metered) if metered != entitlement => {
                return Err(UsageDenial::OtherEntitlement { metered: metered.to_owned() });
            }
            Some(_) => {}
        }
        if self.by_use == Some(false) { Err(UsageDenial::PaidOtherwise) } else { Ok(()) }
    }
}

impl UsageDenial {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Released | Self::Revoked => Code::LicenseRevoked,
            Self::Frozen | Self::Suspended => Code::LicenseSuspended,
            Self::NotYetValid => Code::LicenseNotYetValid,
            Self::Expired => Code::LicenseExpired,
            Self::NothingMetered | Self::OtherEntitlement { .. } | Self::PaidOtherwise => {
                Code::NotMetered
            }
        }
    }

    /// What is wrong, in one sentence.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        let (en, zh) = match self {
            Self::Released => ("the instance was released", "实例已释放"),
            Self::Frozen => ("the instance is frozen", "实例已冻结"),
            Self::Revoked => ("the license was revoked", "许可证已被吊销"),
            Self::Suspended => ("the license is suspended", "许可证已被冻结"),
            Self::NotYetValid => ("the license is not valid yet", "许可证尚未生效"),
            Self::Expired => ("the license has expired", "许可证已过期"),
            Self::NothingMetered => {
                ("nothing of this product is paid by use", "该产品没有按使用量计费的权益")
            }
            Self::OtherEntitlement { metered } => {
                return match lang {
                    Lang::En => format!("what is paid by use of this product is `{metered}`"),
                    Lang::Zh => format!("该产品按使用量计费的权益是“{metered}”"),
                };
            }
            Self::PaidOtherwise => (
                "the order is not paid by use: what is used costs nothing more",
                "该订单不是按需计费订单，无需上报使用量",
            ),
        };
        match lang {
            Lang::En => en.to_owned(),
            Lang::Zh => zh.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);
    const GOOD: Metering<'_> = Metering {
        instance: InstanceState::Active,
        revoked: false,
        suspended: false,
        not_before: None,
        ends: None,
        metered: Some("core-hours"),
        by_use: Some(true),
    };

    #[test]
    fn the_first_reason_is_the_answer() {
        let frozen = Metering { instance: InstanceState::Frozen, ..GOOD };
        for (metering, expected) in [
            (GOOD, Ok(())),
            (Metering { by_use: None, ..GOOD }, Ok(())),
            (Metering { not_before: Some(NOW), ends: Some(NOW.plus(1)), ..GOOD }, Ok(())),
            (Metering { revoked: true, suspended: true, ..frozen }, Err(UsageDenial::Frozen)),
            (
                Metering { instance: InstanceState::Released, revoked: true, ..GOOD },
                Err(UsageDenial::Released),
            ),
            (Metering { revoked: true, suspended: true, ..GOOD }, Err(UsageDenial::Revoked)),
            (Metering { suspended: true, ends: Some(NOW), ..GOOD }, Err(UsageDenial::Suspended)),
            (Metering { not_before: Some(NOW.plus(1)), ..GOOD }, Err(UsageDenial::NotYetValid)),
            (Metering { ends: Some(NOW), metered: None, ..GOOD }, Err(UsageDenial::Expired)),
            (
                Metering { metered: None, by_use: Some(false), ..GOOD },
                Err(UsageDenial::NothingMetered),
            ),
            (
                Metering { metered: Some("jobs"), by_use: Some(false), ..GOOD },
                Err(UsageDenial::OtherEntitlement { metered: "jobs".to_owned() }),
            ),
            (Metering { by_use: Some(false), ..GOOD }, Err(UsageDenial::PaidOtherwise)),
        ] {
            let got = metering.admit("core-hours", NOW);
            if let Err(denial) = &got {
                assert_ne!(denial.message(Lang::En), denial.message(Lang::Zh));
                assert!(!denial.message(Lang::Zh).is_ascii());
            }
            assert_eq!(got, expected, "{metering:?}");
        }
    }
}
