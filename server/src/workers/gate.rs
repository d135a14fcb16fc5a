//! Whether the marketplace may be asked: one gate for both queues, because both speak to one host
//! with one pair of keys.

use std::sync::{Mutex, MutexGuard, PoisonError};

use koogallery::Remedy;

use crate::app::LONGEST_WAIT;

/// Failures in a row after which the queues rest.
const PATIENCE: u32 = 5;

/// Open, resting with one probe at a time, or closed until somebody acts.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<State>);

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is learnt and forgotten by itself")]
struct State {
    closed: bool,
    /// The database says so, too.
    noted: bool,
    /// It was closed, and somebody said that it is worth trying: nothing but one question at a time
    /// until one is answered.
    doubtful: bool,
    /// Passing failures in a row.
    failures: u32,
    /// While resting: when the next probe may go, in milliseconds.
    probe_at: i64,
    probing: bool,
}

/// What a worker may do now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Permit {
    /// Send as many as you like.
    Go,
    /// Send one; its outcome decides.
    Probe,
    /// Nothing yet.
    Rest,
}

/// How the state changed, for whoever tells people.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Turn {
    /// As before.
    Same,
    /// The queues rest from now on.
    Rests,
    /// The host answers again.
    Opens,
    /// The keys are wrong.
    Closes,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for leave to send; a probe that was granted ends with [`Gate::ended`] or
    /// [`Gate::unused`].
    pub(crate) fn permit(&self, now_ms: i64) -> Permit {
        let mut state = self.state();
        if state.closed {
            return Permit::Rest;
        }
        if state.failures < PATIENCE && !state.doubtful {
            return Permit::Go;
        }
        // A probe that is further away than the longest wait was set by a clock that was ahead.
        let wait = state.probe_at - now_ms;
        if state.probing || (1..=LONGEST_WAIT * 1000).contains(&wait) {
            return Permit::Rest;
        }
        state.probing = true;
        Permit::Probe
    }

    /// A probe was granted and there was nothing to send.
    pub(crate) fn unused(&self) {
        self.state().probing = false;
    }

    /// An attempt ended. `wait` gives the milliseconds to rest after that many failures.
    pub(crate) fn ended(
        &self,
        outcome: Option<Remedy>,
        now_ms: i64,
        wait: impl FnOnce(u32) -> i64,
    ) -> Turn {
        let mut state = self.state();
        state.probing = false;
        if state.closed {
            return Turn::Same;
        }
        match outcome {
            Some(Remedy::FixCredentials) => {
                state.closed = true;
                Turn::Closes
            }
            Some(Remedy::TryAgain) => {
                state.failures = state.failures.saturating_add(1);
                if state.failures >= PATIENCE {
                    state.probe_at = now_ms + wait(state.failures - PATIENCE + 1);
                }
                if state.failures == PATIENCE { Turn::Rests } else { Turn::Same }
            }
            // A refusal is an answer as well.
            Some(Remedy::GiveUp) | None => {
                let rested = state.failures >= PATIENCE || state.doubtful;
                state.failures = 0;
                state.doubtful = false;
                if rested { Turn::Opens } else { Turn::Same }
            }
        }
    }

    /// The keys were refused before and have not changed since, or another server learnt it.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.noted = true;
    }

    /// That it is closed was written down; whoever strikes it out there opens it.
    pub(crate) fn noted(&self) {
        let mut state = self.state();
        state.noted = state.closed;
    }

    pub(crate) fn is_noted(&self) -> bool {
        self.state().noted
    }

    /// Somebody says that it is worth trying. Where keys were refused, a probe decides.
    pub(crate) fn reopen(&self) {
        let mut state = self.state();
        *state = State { doubtful: state.closed || state.doubtful, ..State::default() };
    }

    /// Other keys were refused while the last run lasted.
    pub(crate) fn doubt(&self) {
        self.state().doubtful = true;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// 0 open, 1 resting, 2 closed: for the metrics.
    pub(crate) fn level(&self) -> u8 {
        let state = self.state();
        if state.closed { 2 } else { u8::from(state.failures >= PATIENCE) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(gate: &Gate, now: i64) -> Turn {
        gate.ended(Some(Remedy::TryAgain), now, |n| i64::from(n) * 1000)
    }

    #[test]
    fn five_failures_in_a_row_and_then_one_probe_at_a_time() {
        let gate = Gate::default();
        for _ in 0..4 {
            assert_eq!(gate.permit(0), Permit::Go);
            assert_eq!(fail(&gate, 0), Turn::Same);
        }
        assert_eq!(fail(&gate, 0), Turn::Rests);
        assert_eq!(gate.permit(999), Permit::Rest);
        assert_eq!(gate.permit(1000), Permit::Probe);
        assert_eq!(gate.permit(1000), Permit::Rest);
        assert_eq!(fail(&gate, 1000), Turn::Same);
        assert_eq!(gate.permit(2999), Permit::Rest);
        assert_eq!(gate.permit(3000), Permit::Probe);
        gate.unused();
        assert_eq!(gate.permit(3000), Permit::Probe);
        assert_eq!(gate.ended(None, 3000, |_| 0), Turn::Opens);
        assert_eq!(gate.permit(3000), Permit::Go);
    }

    #[test]
    fn a_clock_that_was_set_back_delays_no_probe() {
        let gate = Gate::default();
        for _ in 0..5 {
            fail(&gate, 86_400_000);
        }
        assert_eq!(gate.permit(86_400_000), Permit::Rest);
        assert_eq!(gate.permit(0), Permit::Probe);
        assert_eq!(gate.permit(0), Permit::Rest);
    }

    #[test]
    fn a_refusal_is_an_answer() {
        let gate = Gate::default();
        for _ in 0..20 {
            fail(&gate, 0);
            gate.ended(Some(Remedy::GiveUp), 0, |_| 0);
        }
        assert_eq!(gate.permit(0), Permit::Go);
    }

    #[test]
    fn wrong_keys_close_it_until_somebody_acts() {
        let gate = Gate::default();
        assert_eq!(gate.ended(Some(Remedy::FixCredentials), 0, |_| 0), Turn::Closes);
        assert_eq!(gate.permit(i64::MAX), Permit::Rest);
        assert_eq!(gate.ended(None, 0, |_| 0), Turn::Same);
        assert!(gate.is_closed());
        gate.reopen();
        assert!(!gate.is_closed());
        assert_eq!(gate.permit(0), Permit::Probe);
        assert_eq!(gate.permit(0), Permit::Rest, "one question tells");
        assert_eq!(gate.ended(Some(Remedy::FixCredentials), 0, |_| 0), Turn::Closes);
        assert_eq!(gate.permit(i64::MAX), Permit::Rest);
        gate.reopen();
        gate.reopen();
        assert_eq!(gate.permit(0), Permit::Probe);
        // No answer tells nothing about keys.
        assert_eq!(fail(&gate, 0), Turn::Same);
        assert_eq!(gate.permit(0), Permit::Probe);
        assert_eq!(gate.ended(None, 0, |_| 0), Turn::Opens);
        assert_eq!(gate.permit(0), Permit::Go);
    }

    #[test]
    fn keys_that_an_earlier_run_saw_refused_are_probed_first() {
        let gate = Gate::default();
        gate.doubt();
        assert_eq!(gate.level(), 0);
        assert_eq!(gate.permit(0), Permit::Probe);
        assert_eq!(gate.permit(0), Permit::Rest);
        assert_eq!(gate.ended(Some(Remedy::GiveUp), 0, |_| 0), Turn::Opens);
        assert_eq!(gate.permit(0), Permit::Go);
    }
}
