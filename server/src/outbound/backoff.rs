//! Exponential backoff with jitter: how long to wait before a failed call is tried again.

use crate::environment::Environment;

/// The wait after the first failure, in seconds.
const SHORTEST_WAIT: i64 = 2;
/// No wait between two attempts is longer, in seconds. A due time that lies further ahead was
/// written by a clock that was ahead.
pub(crate) const LONGEST_WAIT: i64 = 300;

/// Seconds before the attempt after `failed` ones: doubling, with up to half as much again at
/// random, so that what failed together is not tried again together.
pub(crate) fn seconds(failed: i64, environment: &Environment) -> i64 {
    let doublings = u32::try_from((failed - 1).clamp(0, 10)).unwrap_or_default();
    let base = (SHORTEST_WAIT << doublings).min(LONGEST_WAIT);
    let mut random = [0; 2];
    environment.entropy.fill(&mut random);
    let jitter = base * i64::from(u16::from_le_bytes(random)) / (2 * i64::from(u16::MAX));
    (base + jitter).min(LONGEST_WAIT)
}

/// The longest wait, for what will not change soon.
pub(crate) fn longest(environment: &Environment) -> i64 {
    seconds(10, environment)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::environment::{Clock, Entropy};

    struct Fixed(u8);
    impl Clock for Fixed {
        fn now_ms(&self) -> i64 {
            0
        }
    }
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn from_two_seconds_to_five_minutes() {
        let with = |byte| Environment { clock: Arc::new(Fixed(0)), entropy: Arc::new(Fixed(byte)) };
        let (low, high) = (with(0), with(255));
        for (failed, least, most) in [(0, 2, 3), (1, 2, 3), (2, 4, 6), (5, 32, 48), (8, 256, 300)] {
            assert_eq!(seconds(failed, &low), least);
            assert_eq!(seconds(failed, &high), most);
        }
        assert_eq!(seconds(1_000_000, &high), 300);
        assert_eq!(longest(&low), 300);
    }
}
