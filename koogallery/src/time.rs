//! The marketplace's spellings of a time, all of them UTC, to and from seconds since 1970.

use jiff::SignedDuration;
use jiff::civil::DateTime;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Reads any spelling that the marketplace's pages and samples hold:
///
/// - `yyyyMMddHHmmss`, and with three digits of milliseconds, which are dropped;
/// - `yyyy-MM-dd HH:mm:ss z` with the `z` in either case, with or without the blank, or absent;
/// - ISO 8601 with `T`, a fraction (dropped), `Z` or an offset.
///
/// `None` for anything else and for days and hours that do not exist.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if !text.is_ascii() {
        return None;
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return match text.len() {
            14 | 17 => seconds([
                &text[..4],
                &text[4..6],
                &text[6..8],
                &text[8..10],
                &text[10..12],
                &text[12..14],
            ]),
            _ => None,
        };
    }
    separated(text)
}

/// `yyyyMMddHHmmss`, as in orders and refreshes.
#[must_use]
pub fn compact(seconds: i64) -> String {
    let t = civil(seconds);
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        t.year(),
        t.month(),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

/// `yyyy-MM-dd HH:mm:ss z`, as in applications for a License.
#[must_use]
pub fn spaced(seconds: i64) -> String {
    let t = civil(seconds);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} z",
        t.year(),
        t.month(),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

/// `yyyyMMdd'T'HHmmss'Z'`, as in signed requests.
#[must_use]
pub fn basic(seconds: i64) -> String {
    let text = compact(seconds);
    format!("{}T{}Z", &text[..8], &text[8..])
}

/// Reads `yyyyMMdd'T'HHmmss'Z'`.
#[must_use]
pub fn parse_basic(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let all_digits = date.bytes().chain(time.bytes()).all(|b| b.is_ascii_digit());
    if date.len() != 8 || time.len() != 6 || !all_digits {
        return None;
    }
    parse(&format!("{date}{time}"))
}

/// The calendar ends in the year 9999; so do times.
pub(crate) fn civil(seconds: i64) -> DateTime {
    let edge = if seconds < 0 { DateTime::constant(0, 1, 1, 0, 0, 0, 0) } else { DateTime::MAX };
    match EPOCH.checked_add(SignedDuration::from_secs(seconds)) {
        Ok(t) if t.year() >= 0 => t,
        _ => edge,
    }
}

/// The inverse of [`civil`].
pub(crate) fn since_epoch(t: DateTime) -> i64 {
    t.duration_since(EPOCH).as_secs()
}

fn seconds(fields: [&str; 6]) -> Option<i64> {
    let [year, month, day, hour, minute, second] = fields;
    if fields.iter().any(|f| !f.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let t = DateTime::new(
        year.parse().ok()?,
        month.parse().ok()?,
        day.parse().ok()?,
        hour.parse().ok()?,
        minute.parse().ok()?,
        second.parse().ok()?,
        0,
    );
    Some(since_epoch(t.ok()?))
}

/// `text` is ASCII, so that every index is a boundary.
fn separated(text: &str) -> Option<i64> {
    let (stamp, mut zone) = text.split_at_checked(19)?;
    let bytes = stamp.as_bytes();
    let marks = [bytes[4], bytes[7], bytes[13], bytes[16]];
    if marks != *b"--::" || !matches!(bytes[10], b' ' | b'T' | b't') {
        return None;
    }
    let local = seconds([
        &stamp[..4],
        &stamp[5..7],
        &stamp[8..10],
        &stamp[11..13],
        &stamp[14..16],
        &stamp[17..19],
    ])?;

    if let Some(fraction) = zone.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return None;
        }
        zone = &fraction[digits..];
    }
    Some(local - offset(zone.trim())?)
}

/// Seconds east of UTC; none given means UTC.
fn offset(zone: &str) -> Option<i64> {
    if ["", "z", "utc", "gmt"].iter().any(|utc| zone.eq_ignore_ascii_case(utc)) {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = zone[1..].replacen(':', "", 1);
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits[..2].parse().ok()?;
    let minutes: i64 = digits.get(2..).filter(|m| !m.is_empty()).unwrap_or("0").parse().ok()?;
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_printed_spelling_is_read() {
        let cases = [
            ("20221124023618", 1_669_257_378),
            ("20221124023618256", 1_669_257_378),
            ("2023-10-27 10:30:15 z", 1_698_402_615),
            ("2023-10-27 10:30:15 Z", 1_698_402_615),
            ("2023-10-27 10:30:15z", 1_698_402_615),
            ("2023-10-27 10:30:15", 1_698_402_615),
            ("  2023-10-27 10:30:15 z ", 1_698_402_615),
            ("2023-10-27 10:30:15 UTC", 1_698_402_615),
            ("2023-10-27T10:30:15Z", 1_698_402_615),
            ("2023-10-27T10:30:15.999Z", 1_698_402_615),
            ("2023-10-27T18:30:15+08:00", 1_698_402_615),
            ("2023-10-27T18:30:15+0800", 1_698_402_615),
            ("2023-10-27T07:00:15-03:30", 1_698_402_615),
            ("20240229000000", 1_709_164_800),
            ("99991231235959", 253_402_300_799),
            ("19700101000000", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "2022112402361",
            "202211240236182",
            "2022112402361825",
            "202211240236182561",
            "20230229000000",
            "20221324023618",
            "20221124240000",
            "20221124023660",
            "2022112402361x",
            "+2221124023618",
            "2023-10-27",
            "2023/10/27 10:30:15 z",
            "2023-10-27 10:30:15 x",
            "2023-10-27 10:30:15.z",
            "2023-10-27 10:30:15 +8",
            "2023-10-27 10:30:15 +99:00",
            "2023-10-27 10:+0:15 z",
            "1698402615",
            "1698402615000",
            "2023-10-27 10:30:15 时",
            "二零二三年",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_beyond_the_calendar_end_with_it() {
        assert_eq!(compact(i64::MAX), "99991231235959");
        assert_eq!(compact(i64::MIN), "00000101000000");
    }

    proptest! {
        #[test]
        fn every_format_reads_back(t in 0i64..253_402_300_800) {
            prop_assert_eq!(parse(&compact(t)), Some(t));
            prop_assert_eq!(parse(&spaced(t)), Some(t));
            prop_assert_eq!(parse_basic(&basic(t)), Some(t));
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,40}", digits in "[0-9TtZz:.+ -]{0,32}") {
            let _ = (parse(&text), parse(&digits), parse_basic(&text), parse_basic(&digits));
        }

        #[test]
        fn formatting_takes_every_number(t: i64) {
            prop_assert_eq!(compact(t).len(), 14);
            prop_assert_eq!(basic(t).len(), 16);
        }
    }
}
