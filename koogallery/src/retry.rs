//! How long the marketplace tries each of its interfaces, and what happens when it gives up.

use crate::edition::Edition;

/// A guide by which a product was connected: each has policies of its own.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Guide {
    /// 在线开通License接入指南.
    OnlineLicense,
    /// `SaaS类商品接入指南` V2.0.
    SaasV2,
    /// `SaaS类商品接入指南` V1.0.
    SaasV1,
    /// 联营License类商品接入指南 1.0.
    License1,
    /// 联营License类授权码商品接入指南 2.0.
    LicenseCode,
    /// 订单通知接口.
    OrderNotification,
    /// 联营Kit.
    Kit,
}

/// What follows when the last attempt failed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Afterwards {
    /// The order fails and the buyer's money goes back.
    Refund,
    /// Somebody starts it again in 卖家中心 > 生产接口消息.
    ManualRestart,
    /// The same, or the seller hands the License over by himself.
    ManualDelivery,
    /// The buyer's administrator decides whether to try again.
    BuyerDecides,
}

/// How the marketplace tries one interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Policy {
    /// Whose policy.
    pub guide: Guide,
    /// `newInstance`, or the kit's name of it.
    pub activity: &'static str,
    /// Seconds between two attempts; `None` where no page says it.
    pub period: Option<i64>,
    /// Attempts; `None` where only the time is stated.
    pub attempts: Option<u32>,
    /// Seconds from the first attempt until it gives up.
    pub lasts: i64,
    /// And then.
    pub afterwards: Afterwards,
    /// A public page says so; otherwise it is what we reckon with.
    pub stated: bool,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

const fn stated(
    guide: Guide,
    activity: &'static str,
    period: Option<i64>,
    attempts: Option<u32>,
    lasts: i64,
    afterwards: Afterwards,
) -> Policy {
    Policy { guide, activity, period, attempts, lasts, afterwards, stated: true }
}

const fn reckoned(
    guide: Guide,
    activity: &'static str,
    lasts: i64,
    afterwards: Afterwards,
) -> Policy {
    let period = Some(2 * MINUTE);
    Policy { guide, activity, period, attempts: None, lasts, afterwards, stated: false }
}

/// Every policy there is. One page contradicts itself about the online License's newInstance (two
/// hours of attempts, "not solved after three hours"): the earlier moment counts.
pub const POLICIES: &[Policy] = &{
    use Afterwards::{BuyerDecides, ManualDelivery, ManualRestart, Refund};
    use Guide::{Kit, License1, LicenseCode, OnlineLicense, OrderNotification, SaasV1, SaasV2};
    [
        stated(OnlineLicense, "newInstance", Some(2 * MINUTE), None, 2 * HOUR, Refund),
        stated(OnlineLicense, "refreshInstance", None, None, 2 * HOUR, ManualRestart),
        stated(OnlineLicense, "updateInstanceStatus", None, None, 2 * HOUR, ManualRestart),
        reckoned(OnlineLicense, "releaseInstance", 2 * HOUR, ManualRestart),
        reckoned(OnlineLicense, "getLicenseAsync", 2 * HOUR, ManualRestart),
        stated(SaasV2, "newInstance", Some(HOUR), Some(3), 3 * HOUR, Refund),
        stated(SaasV1, "newInstance", None, None, 3 * HOUR, Refund),
        stated(SaasV1, "upgrade", None, None, 3 * HOUR, Refund),
        stated(SaasV1, "refreshInstance", None, None, HOUR, ManualRestart),
        stated(SaasV1, "expireInstance", None, None, HOUR, ManualRestart),
        stated(SaasV1, "releaseInstance", None, None, HOUR, ManualRestart),
        stated(License1, "getLicense", Some(HOUR), Some(3), 3 * HOUR, ManualDelivery),
        stated(
            LicenseCode,
            "refreshLicenseCode",
            Some(2 * MINUTE),
            Some(60),
            2 * HOUR,
            ManualRestart,
        ),
        stated(
            LicenseCode,
            "updateLicenseCodeStatus",
            Some(2 * MINUTE),
            Some(60),
            2 * HOUR,
            ManualRestart,
        ),
        stated(
            LicenseCode,
            "releaseLicenseCode",
            Some(2 * MINUTE),
            Some(60),
            2 * HOUR,
            ManualRestart,
        ),
        stated(OrderNotification, "orderNotify", None, None, 3 * HOUR, ManualRestart),
        stated(Kit, "tenantSync", None, Some(1), 0, BuyerDecides),
        stated(Kit, "applicationSync", None, Some(1), 0, BuyerDecides),
        stated(Kit, "authSync", None, Some(1), 0, BuyerDecides),
    ]
};

/// The policy of one interface of a guide, if it has one.
#[must_use]
pub fn policy(guide: Guide, activity: &str) -> Option<&'static Policy> {
    POLICIES.iter().find(|policy| policy.guide == guide && policy.activity == activity)
}

impl Policy {
    /// When the marketplace gives up what it began at `first_call`.
    #[must_use]
    pub const fn ends(&self, first_call: i64) -> i64 {
        first_call.saturating_add(self.lasts)
    }

    /// Seconds until then; 0 when it is past.
    #[must_use]
    pub const fn left(&self, first_call: i64, now: i64) -> i64 {
        let left = self.ends(first_call).saturating_sub(now);
        if left < 0 { 0 } else { left }
    }
}

/// The refund that a buyer of an online License is heading for while his order is not served.
///
/// It ends earliest of all guides, so that no warning promises more time than there is.
pub const REFUND: &Policy = &POLICIES[0];

/// The same for what a V1 call has bought.
pub const REFUND_V1: &Policy = &POLICIES[6];

/// The refund that the buyer of an instance is heading for: by the edition of the call that created
/// it. A newer one does not say whose guide it follows, so that the shortest time counts.
#[must_use]
pub const fn refund(edition: Edition) -> &'static Policy {
    match edition {
        Edition::V1 => REFUND_V1,
        Edition::V2 => REFUND,
    }
}

/// Minutes before a refund at which a warning is sent, each once.
pub const WARNINGS: [i64; 3] = [60, 30, 10];

/// The most urgent of [`WARNINGS`] that has come with so many seconds left.
#[must_use]
pub fn warning(left: i64) -> Option<i64> {
    WARNINGS.into_iter().rev().find(|minutes| left <= minutes * MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_found_and_there_is_one_each() {
        for policy_ in POLICIES {
            assert_eq!(policy(policy_.guide, policy_.activity), Some(policy_));
            if let (Some(period), Some(attempts)) = (policy_.period, policy_.attempts) {
                assert_eq!(period * i64::from(attempts), policy_.lasts, "{policy_:?}");
            }
        }
        assert_eq!(policy(Guide::Kit, "newInstance"), None);
    }

    #[test]
    fn orders_that_fail_are_paid_back() {
        for (guide, activity, hours, afterwards) in [
            (Guide::OnlineLicense, "newInstance", 2, Afterwards::Refund),
            (Guide::SaasV2, "newInstance", 3, Afterwards::Refund),
            (Guide::SaasV1, "newInstance", 3, Afterwards::Refund),
            (Guide::SaasV1, "upgrade", 3, Afterwards::Refund),
            (Guide::SaasV1, "expireInstance", 1, Afterwards::ManualRestart),
            (Guide::License1, "getLicense", 3, Afterwards::ManualDelivery),
            (Guide::OnlineLicense, "refreshInstance", 2, Afterwards::ManualRestart),
            (Guide::LicenseCode, "releaseLicenseCode", 2, Afterwards::ManualRestart),
            (Guide::OrderNotification, "orderNotify", 3, Afterwards::ManualRestart),
        ] {
            let found = policy(guide, activity).unwrap();
            assert_eq!((found.lasts, found.afterwards), (hours * HOUR, afterwards), "{activity}");
        }
        assert_eq!((REFUND.guide, REFUND.activity), (Guide::OnlineLicense, "newInstance"));
        assert_eq!(policy(Guide::SaasV1, "newInstance"), Some(REFUND_V1));
        assert_eq!((refund(Edition::V2).lasts, refund(Edition::V1).lasts), (2 * HOUR, 3 * HOUR));
        let refunds = POLICIES.iter().filter(|policy| policy.afterwards == Afterwards::Refund);
        assert_eq!(refunds.map(|policy| policy.lasts).min(), Some(REFUND.lasts));
    }

    #[test]
    fn what_is_left_ends_with_nothing() {
        for (now, left) in [(1000, 7200), (1001, 7199), (8199, 1), (8200, 0), (9000, 0)] {
            assert_eq!(REFUND.left(1000, now), left);
        }
        assert_eq!(REFUND.left(i64::MAX, i64::MIN), i64::MAX);
        assert_eq!(REFUND.left(i64::MIN, i64::MAX), 0);
    }

    #[test]
    fn warnings_come_at_their_minute() {
        for (left, minutes) in [
            (3601, None),
            (3600, Some(60)),
            (1801, Some(60)),
            (1800, Some(30)),
            (601, Some(30)),
            (600, Some(10)),
            (0, Some(10)),
        ] {
            assert_eq!(warning(left), minutes, "{left}");
        }
    }
}
