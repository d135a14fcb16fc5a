//! Randomness that can be repeated: the same seed gives the same numbers for ever.

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{RngCore as _, SeedableRng as _};

/// Numbers of a seed; `SplitMix64` is good enough to vary a test.
#[derive(Clone, Debug)]
pub(crate) struct SeededRng(SplitMix64);

impl SeededRng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SplitMix64::seed_from_u64(seed))
    }

    /// A sequence of its own for the n-th thing, whatever is drawn for the others.
    pub(crate) fn stream(seed: u64, n: u64) -> Self {
        let mut rng = Self::new(seed ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        rng.next_u64();
        rng
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 up to and without `bound`; 0 where there is none.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next_u64() % bound }
    }

    /// True in this share of draws.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        // 53 bits are what a float holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "both numbers have at most 53 bits")]
        let drawn = (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself() {
        let draws = |mut rng: SeededRng| (0..4).map(|_| rng.next_u64()).collect::<Vec<_>>();
        assert_eq!(draws(SeededRng::new(0))[0], 0xe220_a839_7b1d_cdaf, "the published sequence");
        assert_eq!(draws(SeededRng::stream(7, 3)), draws(SeededRng::stream(7, 3)));
        assert_ne!(draws(SeededRng::stream(7, 3)), draws(SeededRng::stream(7, 4)));
    }

    #[test]
    fn shares_are_kept() {
        let mut rng = SeededRng::new(1);
        let hits = (0..10_000).filter(|_| rng.chance(0.02)).count();
        assert!((120..280).contains(&hits), "{hits}");
        assert!((0..100).all(|_| !rng.chance(0.0) && rng.chance(1.0) && rng.below(3) < 3));
    }
}
