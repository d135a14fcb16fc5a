//! The steps of one order, drawn from the seed before the first of them is made.

use super::file::Scenario;
use crate::rng::SeededRng;

/// One thing that happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum OrderStep {
    /// `orderNotify`.
    Notify,
    Create,
    Query,
    /// For this machine of the order.
    Apply(u32),
    /// Until every license has arrived.
    Await,
    Convert,
    Renew,
    RefundRenewal,
    Upgrade,
    Freeze,
    Unfreeze,
    /// An application that must be refused.
    ApplyFrozen,
    Release,
    ApplyReleased,
    /// A program asks the seller for a license with its authorization code.
    UseCode,
    RenewCode,
    FreezeCode,
    UnfreezeCode,
    ReleaseCode,
    /// A program that must be refused.
    UseCodeInVain,
}

/// An order's whole order.
#[derive(Clone, Debug)]
pub(super) struct OrderPlan {
    pub(super) quantity: u32,
    pub(super) perpetual: bool,
    pub(super) trial: bool,
    /// Sold as an authorization code.
    pub(super) code: bool,
    pub(super) steps: Vec<OrderStep>,
}

impl OrderPlan {
    pub(super) fn of(scenario: &Scenario, rng: &mut SeededRng) -> Self {
        let share = &scenario.share;
        let keys = &scenario.seller;
        let quantity = 1 + u32::try_from(rng.below(scenario.machines.into())).unwrap_or(0);
        let mut plan = Self {
            quantity,
            perpetual: rng.chance(share.perpetual),
            trial: rng.chance(share.trial),
            code: keys.license_code_access_key_file.is_some() && rng.chance(share.code),
            steps: Vec::new(),
        };
        if keys.general_access_key_file.is_some() {
            plan.steps.push(OrderStep::Notify);
        }
        if plan.code {
            (plan.perpetual, plan.trial) = (false, false);
            plan.code_steps(scenario, rng);
        } else {
            plan.instance_steps(scenario, rng);
        }
        plan
    }

    fn instance_steps(&mut self, scenario: &Scenario, rng: &mut SeededRng) {
        let share = &scenario.share;
        self.steps.extend([OrderStep::Create, OrderStep::Query]);
        let licensed = rng.chance(share.license);
        if licensed {
            self.apply(rng);
        }
        if self.trial && !self.perpetual {
            self.steps.push(OrderStep::Convert);
        }
        if !self.perpetual && rng.chance(share.renew) {
            self.steps.push(OrderStep::Renew);
            if rng.chance(share.refund_renewal) {
                self.steps.push(OrderStep::RefundRenewal);
            }
        }
        if rng.chance(share.upgrade) {
            self.steps.push(OrderStep::Upgrade);
        }
        if licensed && rng.chance(0.3) {
            self.apply(rng);
        }
        let frozen = rng.chance(share.freeze);
        if frozen {
            self.steps.push(OrderStep::Freeze);
            if rng.chance(0.5) {
                self.steps.push(OrderStep::ApplyFrozen);
            }
            if rng.chance(share.unfreeze) {
                self.steps.push(OrderStep::Unfreeze);
                if licensed {
                    self.apply(rng);
                }
            }
        }
        if rng.chance(share.release) {
            self.steps.push(OrderStep::Release);
            if rng.chance(0.5) {
                self.steps.push(OrderStep::ApplyReleased);
            }
        }
    }

    /// Some of the order's machines, one of them perhaps twice.
    fn apply(&mut self, rng: &mut SeededRng) {
        for _ in 0..=rng.below(2) {
            let machine = u32::try_from(rng.below(self.quantity.into())).unwrap_or(0);
            self.steps.push(OrderStep::Apply(machine));
        }
        self.steps.push(OrderStep::Await);
    }
}

impl OrderPlan {
    /// What becomes of an authorization code once a program has used it.
    fn code_steps(&mut self, scenario: &Scenario, rng: &mut SeededRng) {
        let share = &scenario.share;
        self.steps.push(OrderStep::UseCode);
        if rng.chance(share.renew) {
            self.steps.push(OrderStep::RenewCode);
        }
        if rng.chance(share.freeze) {
            self.steps.push(OrderStep::FreezeCode);
            if rng.chance(share.unfreeze) {
                self.steps.extend([OrderStep::UnfreezeCode, OrderStep::UseCode]);
            }
        }
        if rng.chance(share.release) {
            self.steps.extend([OrderStep::ReleaseCode, OrderStep::UseCodeInVain]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_plans_the_same_lives_and_shares_are_kept() {
        let mut scenario = Scenario { machines: 3, ..Scenario::default() };
        scenario.share.release = 0.5;
        let plans = || -> Vec<OrderPlan> {
            (0..1_000).map(|n| OrderPlan::of(&scenario, &mut SeededRng::stream(7, n))).collect()
        };
        let (first, again) = (plans(), plans());
        assert!(first.iter().zip(&again).all(|(one, other)| one.steps == other.steps));
        let released = first.iter().filter(|plan| plan.steps.contains(&OrderStep::Release)).count();
        assert!((400..600).contains(&released), "{released}");
        for plan in &first {
            assert!((1..=3).contains(&plan.quantity));
            assert_eq!(plan.steps[0], OrderStep::Create, "no key, no notification");
            let at = |step| plan.steps.iter().position(|one| *one == step);
            if let Some(apply) = plan.steps.iter().position(|s| matches!(s, OrderStep::Apply(_))) {
                assert!(at(OrderStep::Await).unwrap() > apply);
            }
            assert!(at(OrderStep::Release).is_none_or(|at| at + 2 >= plan.steps.len()));
        }
    }
}
