//! The clock floor: the latest certain time, and how a clock below it is judged
//! (FORMAT.md, section 8). A pure rule; the SDK stores the state.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, time::DAY};

/// A clock this far below the floor was set back.
const TOLERANCE: i64 = DAY;

/// A clock this far above the floor is believed only once a signed document confirms it.
const JUMP: i64 = 30 * DAY;

/// Days of use with a warning before a clock that was set back is refused.
const WARNED_DAYS: u32 = 3;

/// The state between two readings of the clock.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ClockState {
    /// The latest time that is certain.
    pub floor: Option<Timestamp>,
    /// A time far ahead that nothing has confirmed.
    ahead: Option<Timestamp>,
    /// Use of the clock while it was set back.
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

/// One reading of the clock, with what this process knows about the time.
#[derive(Clone, Copy, Debug)]
pub struct ClockReading {
    /// What the machine's clock says.
    pub now: Timestamp,
    /// Seconds that this process ran since the previous reading.
    pub ran: i64,
    /// `iat` of a verified document.
    pub signed: Option<Timestamp>,
    /// `iat` of a receipt that answers a nonce of ours: the only thing that lowers the floor.
    pub receipt: Option<Timestamp>,
}

impl ClockReading {
    #[cfg(test)]
    const fn at(now: Timestamp) -> Self {
        Self { now, ran: 0, signed: None, receipt: None }
    }
}

/// The judgment of one reading.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClockStatus {
    /// Nothing is wrong with the clock.
    Right,
    /// It was set back and is tolerated for some more days of use.
    Warned {
        /// How many.
        days_left: u32,
    },
    /// It was set back for too long.
    RolledBack {
        /// The latest certain time.
        floor: Timestamp,
    },
}

impl ClockState {
    /// Judges one reading and keeps what it showed.
    pub fn observe(&mut self, reading: ClockReading) -> ClockStatus {
        self.floor = self.floor.map(|floor| floor.plus(reading.ran.max(0)));
        if let Some(receipt) = reading.receipt {
            *self = Self { floor: Some(receipt), ahead: None, set_back: None };
        }
        self.floor = self.floor.max(reading.signed);
        let Some(floor) = self.floor else {
            // Without a signed time there is no floor to protect and none to compare with.
            self.ahead = Some(reading.now);
            return ClockStatus::Right;
        };
        // Unconfirmed: a clock set to 2100 once must not raise the floor for good.
        if reading.now > floor.plus(JUMP) {
            self.ahead = self.ahead.max(Some(reading.now));
            self.set_back = None;
            return ClockStatus::Right;
        }
        if reading.now >= floor.plus(-TOLERANCE) {
            *self = Self { floor: Some(floor.max(reading.now)), ahead: None, set_back: None };
            return ClockStatus::Right;
        }
        self.set_back(floor, reading)
    }

    fn set_back(&mut self, floor: Timestamp, reading: ClockReading) -> ClockStatus {
        let day = reading.now.as_secs().div_euclid(DAY);
        let before = self.set_back.unwrap_or(SetBack { days: 0, day: i64::MIN, used: 0 });
        let used = before.used.saturating_add(reading.ran.max(0));
        let days = before.days.saturating_add(u32::from(before.day != day));
        self.set_back = Some(SetBack { days, day, used });
        let whole = u32::try_from(used / DAY).unwrap_or(u32::MAX);
        match WARNED_DAYS.checked_sub(days.max(whole.saturating_add(1))) {
            Some(left) => ClockStatus::Warned { days_left: left },
            None => ClockStatus::RolledBack { floor },
        }
    }

    /// Whether both record the same use of a clock that was set back; whole minutes of use count.
    #[must_use]
    pub fn same_offence(&self, other: &Self) -> bool {
        let days = |memory: &Self| memory.set_back.map(|s| (s.days, s.used / 60));
        days(self) == days(other)
    }

    /// The later of two states: a file that was wiped or restored from a backup must not win.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
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

    fn seen(at: Timestamp) -> ClockState {
        ClockState { floor: Some(at), ..ClockState::default() }
    }

    #[test]
    fn a_clock_that_goes_on_raises_the_floor() {
        let mut memory = seen(START);
        for n in 0..60 {
            assert_eq!(memory.observe(ClockReading::at(day(n))), ClockStatus::Right);
        }
        assert_eq!(memory.floor, Some(day(59)));
    }

    #[test]
    fn a_day_back_is_a_trip_and_more_is_warned_of_for_three_days() {
        let mut memory = seen(day(100));
        assert_eq!(memory.observe(ClockReading::at(day(99))), ClockStatus::Right);
        assert_eq!(memory.floor, Some(day(100)), "the floor stays");
        for (now, standing) in [
            (day(50), ClockStatus::Warned { days_left: 2 }),
            (day(50), ClockStatus::Warned { days_left: 2 }),
            (day(51), ClockStatus::Warned { days_left: 1 }),
            (day(52), ClockStatus::Warned { days_left: 0 }),
            (day(53), ClockStatus::RolledBack { floor: day(100) }),
            (day(53), ClockStatus::RolledBack { floor: day(100) }),
        ] {
            assert_eq!(memory.observe(ClockReading::at(now)), standing, "{now}");
        }
        assert_eq!(
            memory.observe(ClockReading::at(day(100))),
            ClockStatus::Right,
            "setting it right cures"
        );
        assert_eq!(memory.observe(ClockReading::at(day(50))), ClockStatus::Warned { days_left: 2 });
    }

    #[test]
    fn one_second_decides_at_the_tolerance() {
        let edge = day(100).plus(-TOLERANCE);
        assert_eq!(seen(day(100)).observe(ClockReading::at(edge)), ClockStatus::Right);
        let standing = seen(day(100)).observe(ClockReading::at(edge.plus(-1)));
        assert!(matches!(standing, ClockStatus::Warned { .. }));
    }

    #[test]
    fn the_same_day_at_each_start_does_not_stand_still() {
        let mut memory = seen(day(100));
        let mut refused_after = 0;
        // Each start runs eight hours on a clock that says the same.
        for start in 1..100 {
            let standing =
                memory.observe(ClockReading { ran: 8 * 3600, ..ClockReading::at(day(100)) });
            if matches!(standing, ClockStatus::RolledBack { .. }) {
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
        assert_eq!(memory.observe(ClockReading::at(far)), ClockStatus::Right);
        assert_eq!(memory.observe(ClockReading::at(day(1))), ClockStatus::Right);
        assert_eq!(memory.floor, Some(day(1)));
        let mut fresh = ClockState::default();
        assert_eq!(fresh.observe(ClockReading::at(far)), ClockStatus::Right);
        assert_eq!(
            fresh.observe(ClockReading { signed: Some(START), ..ClockReading::at(day(1)) }),
            ClockStatus::Right
        );
        assert_eq!(fresh.floor, Some(day(1)));
    }

    #[test]
    fn a_signed_document_confirms_a_jump() {
        let mut memory = seen(START);
        memory.observe(ClockReading::at(day(200)));
        assert_eq!(memory.floor, Some(START));
        memory.observe(ClockReading { signed: Some(day(190)), ..ClockReading::at(day(200)) });
        assert_eq!(memory.floor, Some(day(200)));
    }

    #[test]
    fn only_a_receipt_lowers_the_floor() {
        let mut memory = seen(day(300));
        memory.observe(ClockReading { signed: Some(day(1)), ..ClockReading::at(day(10)) });
        assert_eq!(memory.floor, Some(day(300)));
        let standing =
            memory.observe(ClockReading { receipt: Some(day(10)), ..ClockReading::at(day(10)) });
        assert_eq!(standing, ClockStatus::Right);
        assert_eq!(memory.floor, Some(day(10)));
    }

    #[test]
    fn the_later_of_two_places_counts() {
        let mut used = seen(day(100));
        used.observe(ClockReading::at(day(10)));
        for merged in [seen(day(5)).merge(used), used.merge(seen(day(5)))] {
            assert_eq!(merged.floor, Some(day(100)));
            assert!(merged.set_back.is_some());
        }
        assert_eq!(ClockState::default().merge(seen(day(7))).floor, Some(day(7)));
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        for now in [i64::MIN, 0, i64::MAX] {
            let reading =
                ClockReading { ran: i64::MAX, ..ClockReading::at(Timestamp::from_secs(now)) };
            let _ = seen(Timestamp::from_secs(i64::MAX)).observe(reading);
            let _ = seen(Timestamp::from_secs(i64::MIN)).observe(reading);
        }
    }
}
