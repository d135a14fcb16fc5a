//! What will happen to one order, thrown before it begins.

use super::file::Scenario;
use crate::market::dice::Dice;

/// One thing that happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
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

/// An order's whole life.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) quantity: u32,
    pub(super) perpetual: bool,
    pub(super) trial: bool,
    /// Sold as an authorization code.
    pub(super) code: bool,
    pub(super) steps: Vec<Step>,
}

impl Plan {
    pub(super) fn of(scenario: &Scenario, dice: &mut Dice) -> Self {
        let share = &scenario.share;
        let keys = &scenario.seller;
        let quantity = 1 + u32::try_from(dice.below(scenario.machines.into())).unwrap_or(0);
        let mut plan = Self {
            quantity,
            perpetual: dice.chance(share.perpetual),
            trial: dice.chance(share.trial),
            code: keys.license_code_access_key_file.is_some() && dice.chance(share.code),
            steps: Vec::new(),
        };
        if keys.general_access_key_file.is_some() {
            plan.steps.push(Step::Notify);
        }
        if plan.code {
            (plan.perpetual, plan.trial) = (false, false);
            plan.code_steps(scenario, dice);
        } else {
            plan.instance_steps(scenario, dice);
        }
        plan
    }

    fn instance_steps(&mut self, scenario: &Scenario, dice: &mut Dice) {
        let share = &scenario.share;
        self.steps.extend([Step::Create, Step::Query]);
        let licensed = dice.chance(share.license);
        if licensed {
            self.apply(dice);
        }
        if self.trial && !self.perpetual {
            self.steps.push(Step::Convert);
        }
        if !self.perpetual && dice.chance(share.renew) {
            self.steps.push(Step::Renew);
            if dice.chance(share.refund_renewal) {
                self.steps.push(Step::RefundRenewal);
            }
        }
        if dice.chance(share.upgrade) {
            self.steps.push(Step::Upgrade);
        }
        if licensed && dice.chance(0.3) {
            self.apply(dice);
        }
        let frozen = dice.chance(share.freeze);
        if frozen {
            self.steps.push(Step::Freeze);
            if dice.chance(0.5) {
                self.steps.push(Step::ApplyFrozen);
            }
            if dice.chance(share.unfreeze) {
                self.steps.push(Step::Unfreeze);
                if licensed {
                    self.apply(dice);
                }
            }
        }
        if dice.chance(share.release) {
            self.steps.push(Step::Release);
            if dice.chance(0.5) {
                self.steps.push(Step::ApplyReleased);
            }
        }
    }

    /// Some of the order's machines, one of them perhaps twice.
    fn apply(&mut self, dice: &mut Dice) {
        for _ in 0..=dice.below(2) {
            let machine = u32::try_from(dice.below(self.quantity.into())).unwrap_or(0);
            self.steps.push(Step::Apply(machine));
        }
        self.steps.push(Step::Await);
    }
}

impl Plan {
    /// What becomes of an authorization code once a program has used it.
    fn code_steps(&mut self, scenario: &Scenario, dice: &mut Dice) {
        let share = &scenario.share;
        self.steps.push(Step::UseCode);
        if dice.chance(share.renew) {
            self.steps.push(Step::RenewCode);
        }
        if dice.chance(share.freeze) {
            self.steps.push(Step::FreezeCode);
            if dice.chance(share.unfreeze) {
                self.steps.extend([Step::UnfreezeCode, Step::UseCode]);
            }
        }
        if dice.chance(share.release) {
            self.steps.extend([Step::ReleaseCode, Step::UseCodeInVain]);
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
        let plans = || -> Vec<Plan> {
            (0..1_000).map(|n| Plan::of(&scenario, &mut Dice::of(7, n))).collect()
        };
        let (first, again) = (plans(), plans());
        assert!(first.iter().zip(&again).all(|(one, other)| one.steps == other.steps));
        let released = first.iter().filter(|plan| plan.steps.contains(&Step::Release)).count();
        assert!((400..600).contains(&released), "{released}");
        for plan in &first {
            assert!((1..=3).contains(&plan.quantity));
            assert_eq!(plan.steps[0], Step::Create, "no key, no notification");
            let at = |step| plan.steps.iter().position(|one| *one == step);
            if let Some(apply) = plan.steps.iter().position(|s| matches!(s, Step::Apply(_))) {
                assert!(at(Step::Await).unwrap() > apply);
            }
            assert!(at(Step::Release).is_none_or(|at| at + 2 >= plan.steps.len()));
        }
    }
}
