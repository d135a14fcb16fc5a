//! The wall clock, and waiting for something to become true.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long to wait for what comes by itself, on a busy machine and after a crash: a server that
/// died is succeeded after at most 30 s.
pub const SOON: Duration = Duration::from_mins(1);

/// Now, in milliseconds of Unix time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the marketplace lives by the wall clock")]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    i64::try_from(since.as_millis()).expect("the clock is before the year 292 million")
}

/// Now, in seconds of Unix time.
#[must_use]
pub fn now() -> i64 {
    now_ms() / 1000
}

/// Text that no other call in any test ever used.
#[must_use]
pub fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:x}-{}-{}", now_ms(), std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Asks every 30 ms until there is an answer.
///
/// # Panics
///
/// When there was none in time; `what` says what was waited for.
pub fn wait_for<T>(what: &str, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + within;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "{what}: not within {within:?}");
        thread::sleep(Duration::from_millis(30));
    }
}

/// `20261120083000`, as `refreshInstance` and orders write a time.
#[must_use]
pub fn digits(seconds: i64) -> String {
    civil(seconds, "", "", "")
}

/// `2026-11-20 08:30:00 z`, as applications write a time.
#[must_use]
pub fn spaced(seconds: i64) -> String {
    format!("{} z", civil(seconds, "-", " ", ":"))
}

/// The proleptic Gregorian date, so that the suite shares no date code with what it tests.
fn civil(seconds: i64, dash: &str, gap: &str, colon: &str) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!(
        "{year:04}{dash}{month:02}{dash}{day:02}{gap}{hour:02}{colon}{minute:02}{colon}{second:02}"
    )
}

#[cfg(test)]
mod tests {
    use super::{digits, spaced};

    #[test]
    fn known_dates() {
        assert_eq!(digits(0), "19700101000000");
        assert_eq!(digits(951_782_400), "20000229000000");
        assert_eq!(digits(1_700_475_015), "20231120101015");
        assert_eq!(spaced(1_698_402_615), "2023-10-27 10:30:15 z");
    }
}
