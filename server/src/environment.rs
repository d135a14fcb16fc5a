//! The wall clock and the random source of the process. `main` makes them once and passes them on,
//! so that tests can give their own.

use std::sync::Arc;

/// Reads the wall clock.
pub(crate) trait Clock: Send + Sync {
    /// Milliseconds since 1970, UTC: the marketplace signs milliseconds.
    fn now_ms(&self) -> i64;
}

/// Makes bytes that cannot be guessed.
pub(crate) trait Entropy: Send + Sync {
    /// Fills the whole of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// Clock and randomness together, cheap to clone.
#[derive(Clone)]
pub(crate) struct Environment {
    /// The wall clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// The random source.
    pub(crate) entropy: Arc<dyn Entropy>,
}

#[cfg(test)]
pub(crate) mod fixed {
    //! For tests: a clock that moves only by `advance_ms`, and randomness that is the same in each run.

    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

    use super::{Arc, Clock, Entropy, Environment};

    /// 2026-11-20T00:00:00Z, in milliseconds.
    pub(crate) const START_MS: i64 = 1_795_132_800_000;

    /// A clock that only tests move.
    pub(crate) struct FixedClock(AtomicI64);

    impl FixedClock {
        /// Moves the clock, forwards or back.
        pub(crate) fn advance_ms(&self, by: i64) {
            self.0.fetch_add(by, Ordering::SeqCst);
        }
    }

    impl Clock for FixedClock {
        fn now_ms(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }
    }

    struct CountingEntropy(AtomicU64);

    impl Entropy for CountingEntropy {
        fn fill(&self, bytes: &mut [u8]) {
            for chunk in bytes.chunks_mut(8) {
                // splitmix64: different at every call, the same in every run.
                let step = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
                let mixed = (step ^ (step >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
            }
        }
    }

    /// Randomness that differs from that of [`environment`], the same in every run.
    pub(crate) fn other_entropy() -> Arc<dyn Entropy> {
        static OTHERS: AtomicU64 = AtomicU64::new(1);
        Arc::new(CountingEntropy(AtomicU64::new(OTHERS.fetch_add(1, Ordering::SeqCst) << 40)))
    }

    /// An environment that gives the same in every run, and its clock.
    pub(crate) fn environment() -> (Environment, Arc<FixedClock>) {
        let clock = Arc::new(FixedClock(AtomicI64::new(START_MS)));
        let entropy = Arc::new(CountingEntropy(AtomicU64::new(1)));
        (Environment { clock: clock.clone(), entropy }, clock)
    }
}
