//! Versions of programs and ranges of them: semver, with one to three numbers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A program's version. `2` and `2.1` read as `2.0.0` and `2.1.0`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String))]
pub struct Version(semver::Version);

/// The text is no version.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no version: write 2.1.0")]
pub struct InvalidVersion(String);

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim().trim_start_matches(['v', 'V']);
        let numbers = trimmed.find(['-', '+']).unwrap_or(trimmed.len());
        let (numbers, rest) = trimmed.split_at(numbers);
        let missing = match numbers.matches('.').count() {
            0 => ".0.0",
            1 => ".0",
            _ => "",
        };
        format!("{numbers}{missing}{rest}")
            .parse()
            .map(Self)
            .map_err(|_| InvalidVersion(text.to_owned()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A range of versions, `>=2.0, <3`; a bare `2.1` means 2.1 and what is compatible with it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String))]
pub struct VersionRange(semver::VersionReq);

/// The text is no range of versions.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no range of versions: write >=2.0, <3")]
pub struct InvalidRange(String);

impl VersionRange {
    /// Whether `version` lies in the range; a pre-release counts as the release it precedes.
    #[must_use]
    pub fn covers(&self, version: &Version) -> bool {
        let mut release = version.0.clone();
        release.pre = semver::Prerelease::EMPTY;
        self.0.matches(&version.0) || self.0.matches(&release)
    }
}

impl FromStr for VersionRange {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| InvalidRange(text.to_owned()))
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! as_text {
    ($($name:ident)*) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

as_text!(Version VersionRange);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_versions_are_filled_up() {
        for (text, full) in [
            ("2", "2.0.0"),
            ("2.1", "2.1.0"),
            ("v2024.1.3", "2024.1.3"),
            ("2.1-rc.1", "2.1.0-rc.1"),
        ] {
            assert_eq!(text.parse::<Version>().unwrap().to_string(), full);
        }
        for text in ["", "two", "1.2.3.4", "1..2"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_cover() {
        for (range, version, covered) in [
            (">=2.0, <3", "2.9.1", true),
            (">=2.0, <3", "3.0.0", false),
            (">=2.0, <3", "2.0.0-rc.1", true),
            ("2.1", "2.4", true),
            ("2.1", "3.0", false),
            ("*", "0.1", true),
        ] {
            let got = range.parse::<VersionRange>().unwrap().covers(&version.parse().unwrap());
            assert_eq!(got, covered, "{range} {version}");
        }
    }
}
