//! Times as whole UTC seconds, the only form that signed documents know (FORMAT.md, section 2).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// A moment in UTC seconds since 1970.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = i64))]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `secs` seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0
    }

    /// This moment moved by `secs`, stopping at the ends of the range.
    #[must_use]
    pub const fn plus(self, secs: i64) -> Self {
        Self(self.0.saturating_add(secs))
    }

    /// The calendar day in UTC, `2027-11-20`.
    #[must_use]
    pub fn date(self) -> String {
        let text = self.to_string();
        text.split_once('T').map_or(text.clone(), |(day, _)| day.to_owned())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(at) => write!(f, "{at}"),
            // Outside of the years that a calendar can print.
            Err(_) => write!(f, "{} s", self.0),
        }
    }
}

/// The text is no time.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "`{0}` is no time: write a date (2027-11-20), a time (2027-11-20T08:00:00Z) or UTC seconds"
)]
pub struct InvalidTime(String);

impl FromStr for Timestamp {
    type Err = InvalidTime;

    /// Reads a date (its first second in UTC), an RFC 3339 time or whole UTC seconds.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let refuse = || InvalidTime(text.to_owned());
        if let Ok(secs) = text.parse::<i64>() {
            return Ok(Self(secs));
        }
        if let Ok(day) = text.parse::<jiff::civil::Date>()
            && text.len() == 10
        {
            let at = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| refuse())?;
            return Ok(Self(at.timestamp().as_second()));
        }
        let at = text.parse::<jiff::Timestamp>().map_err(|_| refuse())?;
        Ok(Self(at.as_second()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dates_times_and_seconds() {
        for (text, secs) in [
            ("1970-01-02", 86_400),
            ("2027-11-20T00:00:00Z", 1_826_668_800),
            ("2027-11-20T08:00:00+08:00", 1_826_668_800),
            (" 17 ", 17),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp::from_secs(secs)), "{text}");
        }
        for text in ["", "tomorrow", "2027-13-01", "2027-11-20T00:00:00", "2027-11-20 x"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn prints_what_it_reads() {
        let at = Timestamp::from_secs(1_826_668_800);
        assert_eq!(at.to_string(), "2027-11-20T00:00:00Z");
        assert_eq!(at.date(), "2027-11-20");
        assert_eq!(Timestamp::from_secs(i64::MAX).plus(1), Timestamp::from_secs(i64::MAX));
    }
}
