//! Circuit breaker for the marketplace: one for all of its queues, because they speak to one host
//! with one pair of keys.

use std::sync::{Mutex, MutexGuard, PoisonError};

use koogallery::Remedy;

use super::backoff::LONGEST_WAIT;

/// Failures in a row that open the breaker.
const FAILURE_THRESHOLD: u32 = 5;

/// Decides whether the marketplace may be called. Shared by the workers; every method locks for a
/// few instructions and never waits.
#[derive(Debug, Default)]
pub(crate) struct CircuitBreaker(Mutex<State>);

/// Closed -> Open after [`FAILURE_THRESHOLD`] failures in a row; Open -> `HalfOpen` when the next
/// probe is due; `HalfOpen` -> Closed by any answer, -> Open by another failure. Refused credentials
/// leave every state, and are left only by [`CircuitBreaker::retry`].
#[derive(Clone, Copy, Debug)]
enum State {
    /// Every call passes.
    Closed { failures: u32 },
    /// No call passes until the next probe is due.
    Open(Outage),
    /// One probe is under way; its outcome decides.
    HalfOpen(Outage),
    /// The keys were refused: no call passes until a person acts. `recorded`: the database says so,
    /// for other servers and the next start.
    CredentialsRefused { recorded: bool },
}

#[derive(Clone, Copy, Debug, Default)]
struct Outage {
    /// In a row.
    failures: u32,
    /// When the next probe may go, in milliseconds.
    probe_at: i64,
    /// The credentials were refused before and may still be: probes only, until one is answered.
    unproven: bool,
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// What a worker may do now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Permit {
    /// Send any number.
    Go,
    /// Send one; its outcome decides.
    Probe,
    /// Send nothing yet.
    Rest,
}

/// How an outcome changed the breaker, for the log and for waiting callers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Transition {
    Unchanged,
    /// Calls rest from now on.
    Opened,
    /// The host answers again.
    Closed,
    CredentialsRefused,
}

impl CircuitBreaker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for leave to send; a granted probe ends with [`CircuitBreaker::record`] or
    /// [`CircuitBreaker::cancel_probe`].
    pub(crate) fn permit(&self, now_ms: i64) -> Permit {
        let mut state = self.state();
        match *state {
            State::Closed { .. } => Permit::Go,
            State::HalfOpen(_) | State::CredentialsRefused { .. } => Permit::Rest,
            State::Open(outage) => {
                // A probe that is further away than the longest wait was set by a clock that was
                // ahead.
                if (1..=LONGEST_WAIT * 1000).contains(&(outage.probe_at - now_ms)) {
                    return Permit::Rest;
                }
                *state = State::HalfOpen(outage);
                Permit::Probe
            }
        }
    }

    /// A probe was granted and there was nothing to send.
    pub(crate) fn cancel_probe(&self) {
        let mut state = self.state();
        if let State::HalfOpen(outage) = *state {
            *state = State::Open(outage);
        }
    }

    /// Records the outcome of a call, the probe's or one that was under way before the breaker
    /// opened. `wait` gives the milliseconds to rest after that many failed probes.
    pub(crate) fn record(
        &self,
        outcome: Option<Remedy>,
        now_ms: i64,
        wait: impl FnOnce(u32) -> i64,
    ) -> Transition {
        let mut state = self.state();
        let mut outage = match *state {
            State::CredentialsRefused { .. } => return Transition::Unchanged,
            State::Closed { failures } => Outage { failures, ..Outage::default() },
            State::Open(outage) | State::HalfOpen(outage) => outage,
        };
        match outcome {
            Some(Remedy::FixCredentials) => {
                *state = State::CredentialsRefused { recorded: false };
                Transition::CredentialsRefused
            }
            Some(Remedy::TryAgain) => {
                outage.failures = outage.failures.saturating_add(1);
                if outage.failures >= FAILURE_THRESHOLD {
                    outage.probe_at = now_ms + wait(outage.failures - FAILURE_THRESHOLD + 1);
                }
                *state = if outage.failures >= FAILURE_THRESHOLD || outage.unproven {
                    State::Open(outage)
                } else {
                    State::Closed { failures: outage.failures }
                };
                if outage.failures == FAILURE_THRESHOLD {
                    Transition::Opened
                } else {
                    Transition::Unchanged
                }
            }
            // A refusal is an answer as well.
            Some(Remedy::GiveUp) | None => {
                let was_closed = matches!(*state, State::Closed { .. });
                *state = State::default();
                if was_closed { Transition::Unchanged } else { Transition::Closed }
            }
        }
    }

    /// The credentials were refused before and have not changed since, or another server learned it:
    /// the database says so already.
    pub(crate) fn refuse_credentials(&self) {
        *self.state() = State::CredentialsRefused { recorded: true };
    }

    /// The refusal was written to the database; deleting it there closes the breaker again.
    pub(crate) fn refusal_recorded(&self) {
        if let State::CredentialsRefused { recorded } = &mut *self.state() {
            *recorded = true;
        }
    }

    pub(crate) fn is_refusal_recorded(&self) -> bool {
        matches!(*self.state(), State::CredentialsRefused { recorded: true })
    }

    /// An operator says that it is worth trying. Where credentials were refused, a probe decides.
    pub(crate) fn retry(&self) {
        let mut state = self.state();
        let unproven = match *state {
            State::CredentialsRefused { .. } => true,
            State::Open(outage) | State::HalfOpen(outage) => outage.unproven,
            State::Closed { .. } => false,
        };
        *state = if unproven { Self::unproven() } else { State::default() };
    }

    /// Other credentials were refused while the last run lasted: probes only, until one is answered.
    pub(crate) fn doubt_credentials(&self) {
        *self.state() = Self::unproven();
    }

    fn unproven() -> State {
        State::Open(Outage { unproven: true, ..Outage::default() })
    }

    pub(crate) fn are_credentials_refused(&self) -> bool {
        matches!(*self.state(), State::CredentialsRefused { .. })
    }

    /// 0 closed, 1 open, 2 credentials refused: for the metrics. Credentials that are only doubted
    /// count as closed.
    pub(crate) fn level(&self) -> u8 {
        match *self.state() {
            State::CredentialsRefused { .. } => 2,
            State::Open(outage) | State::HalfOpen(outage) => {
                u8::from(outage.failures >= FAILURE_THRESHOLD)
            }
            State::Closed { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &CircuitBreaker, now: i64) -> Transition {
        breaker.record(Some(Remedy::TryAgain), now, |n| i64::from(n) * 1000)
    }

    #[test]
    fn five_failures_in_a_row_and_then_one_probe_at_a_time() {
        let breaker = CircuitBreaker::default();
        for _ in 0..4 {
            assert_eq!(breaker.permit(0), Permit::Go);
            assert_eq!(fail(&breaker, 0), Transition::Unchanged);
        }
        assert_eq!(fail(&breaker, 0), Transition::Opened);
        assert_eq!(breaker.permit(999), Permit::Rest);
        assert_eq!(breaker.permit(1000), Permit::Probe);
        assert_eq!(breaker.permit(1000), Permit::Rest);
        assert_eq!(fail(&breaker, 1000), Transition::Unchanged);
        assert_eq!(breaker.permit(2999), Permit::Rest);
        assert_eq!(breaker.permit(3000), Permit::Probe);
        breaker.cancel_probe();
        assert_eq!(breaker.permit(3000), Permit::Probe);
        assert_eq!(breaker.record(None, 3000, |_| 0), Transition::Closed);
        assert_eq!(breaker.permit(3000), Permit::Go);
    }

    #[test]
    fn a_clock_that_was_set_back_delays_no_probe() {
        let breaker = CircuitBreaker::default();
        for _ in 0..5 {
            fail(&breaker, 86_400_000);
        }
        assert_eq!(breaker.permit(86_400_000), Permit::Rest);
        assert_eq!(breaker.permit(0), Permit::Probe);
        assert_eq!(breaker.permit(0), Permit::Rest);
    }

    #[test]
    fn a_refusal_is_an_answer() {
        let breaker = CircuitBreaker::default();
        for _ in 0..20 {
            fail(&breaker, 0);
            breaker.record(Some(Remedy::GiveUp), 0, |_| 0);
        }
        assert_eq!(breaker.permit(0), Permit::Go);
    }

    #[test]
    fn wrong_keys_close_it_until_somebody_acts() {
        let breaker = CircuitBreaker::default();
        assert_eq!(
            breaker.record(Some(Remedy::FixCredentials), 0, |_| 0),
            Transition::CredentialsRefused
        );
        assert_eq!(breaker.permit(i64::MAX), Permit::Rest);
        assert_eq!(breaker.record(None, 0, |_| 0), Transition::Unchanged);
        assert!(breaker.are_credentials_refused());
        breaker.retry();
        assert!(!breaker.are_credentials_refused());
        assert_eq!(breaker.permit(0), Permit::Probe);
        assert_eq!(breaker.permit(0), Permit::Rest, "one question tells");
        assert_eq!(
            breaker.record(Some(Remedy::FixCredentials), 0, |_| 0),
            Transition::CredentialsRefused
        );
        assert_eq!(breaker.permit(i64::MAX), Permit::Rest);
        breaker.retry();
        breaker.retry();
        assert_eq!(breaker.permit(0), Permit::Probe);
        // No answer tells nothing about keys.
        assert_eq!(fail(&breaker, 0), Transition::Unchanged);
        assert_eq!(breaker.permit(0), Permit::Probe);
        assert_eq!(breaker.record(None, 0, |_| 0), Transition::Closed);
        assert_eq!(breaker.permit(0), Permit::Go);
    }

    #[test]
    fn keys_that_an_earlier_run_saw_refused_are_probed_first() {
        let breaker = CircuitBreaker::default();
        breaker.doubt_credentials();
        assert_eq!(breaker.level(), 0);
        assert_eq!(breaker.permit(0), Permit::Probe);
        assert_eq!(breaker.permit(0), Permit::Rest);
        assert_eq!(breaker.record(Some(Remedy::GiveUp), 0, |_| 0), Transition::Closed);
        assert_eq!(breaker.permit(0), Permit::Go);
    }
}
