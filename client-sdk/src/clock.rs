//! The clock floor: the latest time that was seen for certain, and what a clock below it means
//! (FORMAT.md, section 8). A pure rule; where the floor is kept is the state folder's business.

use license_core::{Timestamp, time::DAY};
use serde::{Deserialize, Serialize};

/// A clock this far below the floor was set back.
const TOLERANCE: i64 = DAY;

/// A clock this far above the floor is believed only once a signed document confirms it.
const JUMP: i64 = 30 * DAY;

/// Days of use with a warning before a clock that was set back is refused.
const WARNED_DAYS: u32 = 3;

/// What is remembered between two looks at the clock.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Memory {
    /// The latest time that is certain.
    pub(crate) floor: Option<Timestamp>,
    /// A time far ahead that nothing has confirmed.
    ahead: Option<Timestamp>,
    /// How long the clock has been used while set back.
    set_back: Option<SetBack>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct SetBack {
    /// Days of the clock that was set back, one for each change of its date.
    days: u32,
    /// The last of these days.
    day: i64,
    /// Seconds of use: a clock that is set to the same day at each start counts no days.
    used: i64,
}

/// One look at the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// What the machine's clock says.
    pub(crate) now: Timestamp,
    /// Seconds that this process ran since the look before.
    pub(crate) ran: i64,
    /// `iat` of a verified document.
    pub(crate) signed: Option<Timestamp>,
    /// `iat` of a receipt that answers a nonce of ours: the only thing that lowers the floor.
    pub(crate) receipt: Option<Timestamp>,
}

impl Look {
    #[cfg(test)]
    pub(crate) const fn at(now: Timestamp) -> Self {
        Self { now, ran: 0, signed: None, receipt: None }
    }
}

/// What the look tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// Nothing is wrong with the clock.
    Right,
    /// It was set back; it is still tolerated for so many days of use.
    Warned { days_left: u32 },
    /// It was set back for too long.
    RolledBack { floor: Timestamp },
}

impl Memory {
    /// Takes one look and remembers what it showed.
    pub(crate) fn look(&mut self, look: Look) -> Standing {
        self.floor = self.floor.map(|floor| floor.plus(look.ran.max(0)));
        if let Some(receipt) = look.receipt {
            *self = Self { floor: Some(receipt), ahead: None, set_back: None };
        }
        self.floor = self.floor.max(look.signed);
        let Some(floor) = self.floor else {
            // Before anything signed was seen there is nothing to protect and nothing to go by.
            self.ahead = Some(look.now);
            return Standing::Right;
        };
        if look.now > floor.plus(JUMP) {
            self.ahead = self.ahead.max(Some(look.now));
            self.set_back = None;
            return Standing::Right;
        }
        if look.now >= floor.plus(-TOLERANCE) {
            *self = Self { floor: Some(floor.max(look.now)), ahead: None, set_back: None };
            return Standing::Right;
        }
        self.set_back(floor, look)
    }

    fn set_back(&mut self, floor: Timestamp, look: Look) -> Standing {
        let day = look.now.as_secs().div_euclid(DAY);
        let before = self.set_back.unwrap_or(SetBack { days: 0, day: i64::MIN, used: 0 });
        let used = before.used.saturating_add(look.ran.max(0));
        let days = before.days.saturating_add(u32::from(before.day != day));
        self.set_back = Some(SetBack { days, day, used });
        let whole = u32::try_from(used / DAY).unwrap_or(u32::MAX);
        match WARNED_DAYS.checked_sub(days.max(whole.saturating_add(1))) {
            Some(left) => Standing::Warned { days_left: left },
            None => Standing::RolledBack { floor },
        }
    }

    /// Whether both tell the same of a clock that was set back.
    pub(crate) fn same_offence(&self, other: &Self) -> bool {
        let days = |memory: &Self| memory.set_back.map(|s| (s.days, s.used / 60));
        days(self) == days(other)
    }

    /// The later of two memories: a place that was wiped or restored must not win.
    pub(crate) fn merge(self, other: Self) -> Self {
        let later = if other.floor > self.floor { other } else { self };
        let used = |memory: &Self| memory.set_back.map(|s| (s.days, s.used));
        let set_back = if used(&other) > used(&self) { other.set_back } else { self.set_back };
        Self { set_back, ..later }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn day(n: i64) -> Timestamp {
        START.plus(n * DAY)
    }

    fn seen(at: Timestamp) -> Memory {
        Memory { floor: Some(at), ..Memory::default() }
    }

    #[test]
    fn a_clock_that_goes_on_raises_the_floor() {
        let mut memory = seen(START);
        for n in 0..60 {
            assert_eq!(memory.look(Look::at(day(n))), Standing::Right);
        }
        assert_eq!(memory.floor, Some(day(59)));
    }

    #[test]
    fn a_day_back_is_a_trip_and_more_is_warned_of_for_three_days() {
        let mut memory = seen(day(100));
        assert_eq!(memory.look(Look::at(day(99))), Standing::Right);
        assert_eq!(memory.floor, Some(day(100)), "the floor stays");
        for (now, standing) in [
            (day(50), Standing::Warned { days_left: 2 }),
            (day(50), Standing::Warned { days_left: 2 }),
            (day(51), Standing::Warned { days_left: 1 }),
            (day(52), Standing::Warned { days_left: 0 }),
            (day(53), Standing::RolledBack { floor: day(100) }),
            (day(53), Standing::RolledBack { floor: day(100) }),
        ] {
            assert_eq!(memory.look(Look::at(now)), standing, "{now}");
        }
        assert_eq!(memory.look(Look::at(day(100))), Standing::Right, "setting it right cures");
        assert_eq!(memory.look(Look::at(day(50))), Standing::Warned { days_left: 2 });
    }

    #[test]
    fn one_second_decides_at_the_tolerance() {
        let edge = day(100).plus(-TOLERANCE);
        assert_eq!(seen(day(100)).look(Look::at(edge)), Standing::Right);
        let standing = seen(day(100)).look(Look::at(edge.plus(-1)));
        assert!(matches!(standing, Standing::Warned { .. }));
    }

    #[test]
    fn the_same_day_at_each_start_does_not_stand_still() {
        let mut memory = seen(day(100));
        let mut refused_after = 0;
        // Each start runs eight hours on a clock that says the same.
        for start in 1..100 {
            let standing = memory.look(Look { ran: 8 * 3600, ..Look::at(day(100)) });
            if matches!(standing, Standing::RolledBack { .. }) {
                refused_after = start;
                break;
            }
        }
        assert!((4..=16).contains(&refused_after), "{refused_after}");
    }

    #[test]
    fn one_start_in_the_year_2100_does_no_harm() {
        let mut memory = seen(START);
        let far = Timestamp::from_secs(4_102_444_800);
        assert_eq!(memory.look(Look::at(far)), Standing::Right);
        assert_eq!(memory.look(Look::at(day(1))), Standing::Right);
        assert_eq!(memory.floor, Some(day(1)));
        let mut fresh = Memory::default();
        assert_eq!(fresh.look(Look::at(far)), Standing::Right);
        assert_eq!(fresh.look(Look { signed: Some(START), ..Look::at(day(1)) }), Standing::Right);
        assert_eq!(fresh.floor, Some(day(1)));
    }

    #[test]
    fn a_signed_document_confirms_a_jump() {
        let mut memory = seen(START);
        memory.look(Look::at(day(200)));
        assert_eq!(memory.floor, Some(START));
        memory.look(Look { signed: Some(day(190)), ..Look::at(day(200)) });
        assert_eq!(memory.floor, Some(day(200)));
    }

    #[test]
    fn only_a_receipt_lowers_the_floor() {
        let mut memory = seen(day(300));
        memory.look(Look { signed: Some(day(1)), ..Look::at(day(10)) });
        assert_eq!(memory.floor, Some(day(300)));
        let standing = memory.look(Look { receipt: Some(day(10)), ..Look::at(day(10)) });
        assert_eq!(standing, Standing::Right);
        assert_eq!(memory.floor, Some(day(10)));
    }

    #[test]
    fn the_later_of_two_places_counts() {
        let mut used = seen(day(100));
        used.look(Look::at(day(10)));
        for merged in [seen(day(5)).merge(used), used.merge(seen(day(5)))] {
            assert_eq!(merged.floor, Some(day(100)));
            assert!(merged.set_back.is_some());
        }
        assert_eq!(Memory::default().merge(seen(day(7))).floor, Some(day(7)));
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        for now in [i64::MIN, 0, i64::MAX] {
            let look = Look { ran: i64::MAX, ..Look::at(Timestamp::from_secs(now)) };
            let _ = seen(Timestamp::from_secs(i64::MAX)).look(look);
            let _ = seen(Timestamp::from_secs(i64::MIN)).look(look);
        }
    }
}
