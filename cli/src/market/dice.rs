//! Chance that can be repeated: the same seed throws the same numbers for ever.

/// `SplitMix64`: small, and good enough to vary a test.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own for the n-th thing, whatever is thrown for the others.
    pub(crate) fn of(seed: u64, n: u64) -> Self {
        let mut dice = Self(seed ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        dice.throw();
        dice
    }

    pub(crate) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to and without `bound`; 0 where there is none.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.throw() % bound }
    }

    /// True in this share of throws.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        // 53 bits are what a float holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "both numbers have at most 53 bits")]
        let thrown = (self.throw() >> 11) as f64 / (1_u64 << 53) as f64;
        thrown < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself() {
        let throws = |mut dice: Dice| (0..4).map(|_| dice.throw()).collect::<Vec<_>>();
        assert_eq!(throws(Dice::new(0))[0], 0xe220_a839_7b1d_cdaf, "the published sequence");
        assert_eq!(throws(Dice::of(7, 3)), throws(Dice::of(7, 3)));
        assert_ne!(throws(Dice::of(7, 3)), throws(Dice::of(7, 4)));
    }

    #[test]
    fn shares_are_kept() {
        let mut dice = Dice::new(1);
        let hits = (0..10_000).filter(|_| dice.chance(0.02)).count();
        assert!((120..280).contains(&hits), "{hits}");
        assert!((0..100).all(|_| !dice.chance(0.0) && dice.chance(1.0) && dice.below(3) < 3));
    }
}
