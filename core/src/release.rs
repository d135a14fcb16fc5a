//! The releases of a product as a signed list, and what a program should do about them
//! (FORMAT.md, section 3).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Refusal, Timestamp,
    jws::DocType,
    key::KeyId,
    license::License,
    trust::KeyRing,
    version::{Version, VersionRange},
};

/// Notes for people, in both languages.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Notes {
    /// Chinese.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub zh: String,
    /// English.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub en: String,
}

/// One release.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Release {
    /// Its version.
    #[serde(rename = "ver")]
    pub version: Version,
    /// When it was released: maintenance windows are compared with it.
    #[serde(rename = "dat")]
    pub date: Timestamp,
    /// Where its package is.
    #[serde(rename = "url")]
    pub url: String,
    /// Bytes of the package.
    #[serde(rename = "len")]
    pub len: u64,
    /// SHA-256 of the package, lower-case hex.
    #[serde(rename = "sha")]
    pub sha256: String,
    /// The older versions that must upgrade to it.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub obliges: Option<VersionRange>,
    /// From when on they must; absent: at once.
    #[serde(rename = "due", default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// What is new.
    #[serde(rename = "txt", default)]
    pub notes: Notes,
}

impl Release {
    /// Whether the license pays for the release; without a license nothing forbids it.
    #[must_use]
    pub fn is_covered_by(&self, license: Option<&License>) -> bool {
        license.is_none_or(|license| {
            license.versions.as_ref().is_none_or(|range| range.covers(&self.version))
                && license.maintenance_until.is_none_or(|until| self.date <= until)
        })
    }

    /// Whether a program of this version must upgrade.
    fn obliged(&self, version: &Version) -> bool {
        let range = self.obliges.as_ref();
        *version < self.version && range.is_some_and(|range| range.covers(version))
    }

    /// Whether it is time for those who must.
    fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_none_or(|due| due <= now)
    }
}

/// The releases of a product for one channel and platform. Serialized, it is the payload of a
/// `release+jwt`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReleaseList {
    /// Who signed.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// When it was signed.
    #[serde(rename = "iat")]
    pub issued_at: Timestamp,
    /// The product.
    #[serde(rename = "prd")]
    pub product: String,
    /// The channel, `stable`.
    #[serde(rename = "chn")]
    pub channel: String,
    /// The platform; `*`: every one.
    #[serde(rename = "plt")]
    pub platform: String,
    /// Its sequence number: readers keep the highest for each key.
    pub seq: u64,
    /// From then on the list says nothing about the present.
    #[serde(rename = "exp")]
    pub expires: Timestamp,
    /// The oldest version still supported.
    #[serde(rename = "min", default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Version>,
    /// The releases.
    #[serde(rename = "rel")]
    pub releases: Vec<Release>,
}

/// What a program should know of newer versions.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpgradeState {
    /// Nothing newer exists.
    UpToDate,
    /// A newer version may be used.
    Available,
    /// A newer version exists; the license does not cover it.
    AvailableNotLicensed,
    /// The program must be upgraded.
    RequiredByDate,
    /// The running version is no longer supported.
    UnsupportedVersion,
    /// The list is missing, too old, or for something else.
    Unknown,
}

/// The decision about an upgrade.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Upgrade {
    /// What the program should know.
    pub state: UpgradeState,
    /// The newest version that the license covers, else the newest there is.
    pub release: Option<Release>,
    /// Whether the running version is obliged to upgrade now.
    pub forced: bool,
}

impl Upgrade {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { state: UpgradeState::Unknown, release: None, forced: false };
}

impl ReleaseList {
    /// Verifies a list.
    ///
    /// # Errors
    /// As [`KeyRing::open`]; [`Refusal::Malformed`] for a list that cannot be used.
    pub fn open(document: &str, keys: &KeyRing, now: Timestamp) -> Result<(Self, KeyId), Refusal> {
        let opened = keys.open(DocType::Release, document, now)?;
        let list = serde_json::from_value(Value::Object(opened.payload))
            .map_err(|_| Refusal::Malformed("the release list cannot be used"))?;
        Ok((list, opened.kid))
    }

    /// Whether the list speaks of this product, channel and platform.
    #[must_use]
    pub fn is_for(&self, product: &str, channel: &str, platform: &str) -> bool {
        self.product == product
            && self.channel == channel
            && (self.platform == "*" || self.platform == platform)
    }

    /// Decides what a program of version `running` should know. An upgrade is obliged only to a
    /// version that the license covers: no program is pushed onto a version that was not bought.
    #[must_use]
    pub fn decide(&self, running: &Version, license: Option<&License>, now: Timestamp) -> Upgrade {
        if now > self.expires {
            return Upgrade::UNKNOWN;
        }
        let mut newer: Vec<&Release> =
            self.releases.iter().filter(|release| release.version > *running).collect();
        newer.sort_by(|a, b| b.version.cmp(&a.version));
        let covered = newer.iter().copied().find(|release| release.is_covered_by(license));
        let forced = covered.is_some_and(|covered| {
            newer.iter().any(|release| {
                // A release that is itself obliged is no way out.
                release.is_due(now)
                    && release.obliged(running)
                    && !release.obliged(&covered.version)
            })
        });
        let state = match (newer.first(), covered) {
            _ if self.min.as_ref().is_some_and(|min| running < min) => {
                UpgradeState::UnsupportedVersion
            }
            (None, _) => UpgradeState::UpToDate,
            (Some(_), None) => UpgradeState::AvailableNotLicensed,
            (Some(_), Some(_)) if forced => UpgradeState::RequiredByDate,
            (Some(_), Some(_)) => UpgradeState::Available,
        };
        Upgrade { state, release: covered.or(newer.first().copied()).cloned(), forced }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn release(version: &str, date: i64, obliges: Option<&str>) -> Release {
        Release {
            version: version.parse().unwrap(),
            date: Timestamp::from_secs(date),
            url: "https://example.com/p".to_owned(),
            len: 1,
            sha256: "0".repeat(64),
            obliges: obliges.map(|range| range.parse().unwrap()),
            due: None,
            notes: Notes::default(),
        }
    }

    fn list(releases: Vec<Release>) -> ReleaseList {
        ReleaseList {
            issuer: "licd".to_owned(),
            issued_at: NOW,
            product: "flowsim".to_owned(),
            channel: "stable".to_owned(),
            platform: "*".to_owned(),
            seq: 1,
            expires: NOW.plus(10),
            min: None,
            releases,
        }
    }

    fn maintained_until(at: i64) -> License {
        serde_json::from_value(serde_json::json!({
            "iss": "a", "iat": 0, "sub": "i", "jti": "l", "prd": "flowsim", "knd": "unbound",
            "mnt": at
        }))
        .unwrap()
    }

    #[test]
    fn decides_as_the_table_says() {
        let running = "2.0.0".parse().unwrap();
        let two = || vec![release("2.1.0", 100, None), release("3.0.0", 200, None)];
        let licensed = maintained_until(150);
        for (list, license, state, version, forced) in [
            (list(vec![]), None, UpgradeState::UpToDate, None, false),
            (list(vec![release("2.0.0", 1, None)]), None, UpgradeState::UpToDate, None, false),
            (list(two()), None, UpgradeState::Available, Some("3.0.0"), false),
            (list(two()), Some(&licensed), UpgradeState::Available, Some("2.1.0"), false),
            (
                list(vec![release("3.0.0", 200, Some("<3"))]),
                Some(&licensed),
                UpgradeState::AvailableNotLicensed,
                Some("3.0.0"),
                false,
            ),
            (
                list(vec![release("2.1.0", 100, Some("<2.1"))]),
                Some(&licensed),
                UpgradeState::RequiredByDate,
                Some("2.1.0"),
                true,
            ),
            (
                list(vec![release("2.1.0", 100, None), release("3.0.0", 200, Some("<3"))]),
                Some(&licensed),
                UpgradeState::Available,
                Some("2.1.0"),
                false,
            ),
            (
                list(vec![release("2.1.0", 100, None), release("3.0.0", 200, Some("<2.1"))]),
                Some(&licensed),
                UpgradeState::RequiredByDate,
                Some("2.1.0"),
                true,
            ),
            (
                list(vec![release("2.1.0", 100, Some("<1.5"))]),
                None,
                UpgradeState::Available,
                Some("2.1.0"),
                false,
            ),
            (
                ReleaseList { min: Some("2.1".parse().unwrap()), ..list(two()) },
                None,
                UpgradeState::UnsupportedVersion,
                Some("3.0.0"),
                false,
            ),
            (
                ReleaseList { expires: NOW.plus(-1), ..list(two()) },
                None,
                UpgradeState::Unknown,
                None,
                false,
            ),
        ] {
            let got = list.decide(&running, license, NOW);
            assert_eq!((got.state, got.forced), (state, forced));
            assert_eq!(got.release.map(|r| r.version.to_string()).as_deref(), version);
        }
    }

    #[test]
    fn an_obligation_waits_for_its_date() {
        let mut obliged = release("2.1.0", 100, Some("*"));
        obliged.due = Some(NOW.plus(5));
        let running = "2.0.0".parse().unwrap();
        assert!(!list(vec![obliged.clone()]).decide(&running, None, NOW).forced);
        assert!(list(vec![obliged]).decide(&running, None, NOW.plus(5)).forced);
    }
}
