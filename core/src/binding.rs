//! Machine binding: digests of a machine's parts, weighted, with the rule inside the signature
//! (FORMAT.md, section 4).

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize, ser::SerializeMap};
use sha2::Sha256;

pub use crate::match_report::{ComponentMatch, ComponentReport, MatchReport};
use crate::{Refusal, component::ComponentKind, device::DeviceInfo};

const DIGEST_BYTES: usize = 12;
const DIGEST_CHARS: usize = 16;
const DIGESTS_A_KIND: usize = 4;

/// The digest of one value: first 12 bytes of HMAC-SHA256(salt, kind ‖ 0x00 ‖ value), base64url.
fn digest(salt: &[u8], kind: ComponentKind, value: &str) -> String {
    digest_with(keyed(salt), kind, value)
}

/// What is the same for every value of one machine.
fn keyed(salt: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(salt).expect("HMAC takes keys of any length")
}

fn digest_with(mut mac: Hmac<Sha256>, kind: ComponentKind, value: &str) -> String {
    mac.update(kind.as_str().as_bytes());
    mac.update(&[0]);
    mac.update(value.as_bytes());
    B64.encode(&mac.finalize().into_bytes()[..DIGEST_BYTES])
}

/// The digests of every usable value under a secret of the server's own, to find a machine by.
#[must_use]
pub fn index_digests(info: &DeviceInfo, secret: &[u8]) -> Vec<(ComponentKind, String)> {
    let key = keyed(secret);
    info.values().map(|(kind, value)| (kind, digest_with(key.clone(), kind, value))).collect()
}

/// What the issuer may set at enrollment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Enrollment {
    /// The score that a machine must reach; absent: 60 % of the enrolled weight, rounded up.
    pub need: Option<u32>,
    /// Binds to a processor model alone, which every machine of a series shares.
    pub cpu_alone: bool,
}

/// The binding made, and what the issuer should be told of it.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// The binding, for the license's `dev`.
    pub binding: Binding,
    /// Whether nothing but chosen addresses tells the machine from others (`BINDING_WEAK`).
    pub weak: bool,
}

/// The binding inside a license: for each kind its weight and its enrolled digests.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Binding {
    salt: String,
    need: u32,
    parts: BTreeMap<ComponentKind, (u32, Vec<String>)>,
}

impl Binding {
    /// Enrolls a machine under `salt`, random text of the issuer's.
    ///
    /// # Errors
    /// [`Refusal::MachineUnreadable`] where nothing but the processor model is known and the
    /// issuer did not insist.
    pub fn enroll(info: &DeviceInfo, salt: &str, rule: &Enrollment) -> Result<Enrolled, Refusal> {
        let board = info.of(ComponentKind::Board).next().is_some();
        let key = keyed(salt.as_bytes());
        let mut parts = BTreeMap::new();
        for kind in ComponentKind::ALL {
            let mut digests: Vec<String> =
                info.of(kind).map(|value| digest_with(key.clone(), kind, value)).collect();
            digests.sort_unstable();
            digests.dedup();
            digests.truncate(match kind {
                ComponentKind::Disk if !board => 1,
                ComponentKind::Mac if !board => 2,
                _ => DIGESTS_A_KIND,
            });
            if !digests.is_empty() {
                parts.insert(kind, (kind.weight(), digests));
            }
        }
        if parts.keys().all(|kind| *kind == ComponentKind::Cpu) && !rule.cpu_alone {
            return Err(Refusal::MachineUnreadable { dropped: info.dropped().to_vec() });
        }
        let total: u32 = parts.values().map(|(weight, _)| weight).sum();
        let need = rule.need.unwrap_or_else(|| (total * 3).div_ceil(5)).clamp(1, total);
        let binding = Self { salt: salt.to_owned(), need, parts };
        Ok(Enrolled { weak: binding.weak() || info.weak(), binding })
    }

    /// Whether nothing lasting is enrolled: no board, no disk, no system id.
    #[must_use]
    pub fn weak(&self) -> bool {
        self.parts.keys().all(|kind| matches!(kind, ComponentKind::Mac | ComponentKind::Cpu))
    }

    /// Compares a machine with the enrolled one. A kind scores its weight once, when any value
    /// presented matches any enrolled; what was never enrolled does not count.
    #[must_use]
    pub fn compare(&self, info: &DeviceInfo) -> MatchReport {
        let parts: Vec<ComponentReport> = self
            .parts
            .iter()
            .map(|(kind, (weight, enrolled))| {
                let mut presented = info.of(*kind).peekable();
                let outcome = if presented.peek().is_none() {
                    ComponentMatch::NotReadable
                } else if presented
                    .any(|value| enrolled.contains(&digest(self.salt.as_bytes(), *kind, value)))
                {
                    ComponentMatch::Matches
                } else {
                    ComponentMatch::Differs
                };
                ComponentReport { kind: *kind, weight: *weight, outcome }
            })
            .collect();
        let score =
            parts.iter().filter(|p| p.outcome == ComponentMatch::Matches).map(|p| p.weight).sum();
        MatchReport { score, need: self.need, parts }
    }

    /// The score that a machine must reach.
    #[must_use]
    pub const fn need(&self) -> u32 {
        self.need
    }

    /// Every enrolled digest.
    pub fn digests(&self) -> impl Iterator<Item = (ComponentKind, &str)> {
        self.parts.iter().flat_map(|(kind, (_, digests))| {
            digests.iter().map(move |digest| (*kind, digest.as_str()))
        })
    }

    /// The kinds to find the machine by, with as few values as possible: a machine that matches shares one
    /// of them, because the others together do not reach the score. Never the processor, which many
    /// machines share.
    #[must_use]
    pub fn telling(&self) -> Vec<ComponentKind> {
        let parts: Vec<(ComponentKind, u32, usize)> = self
            .parts
            .iter()
            .filter(|(kind, _)| **kind != ComponentKind::Cpu)
            .map(|(kind, (weight, digests))| (*kind, *weight, digests.len()))
            .collect();
        let total: u32 = self.parts.values().map(|(weight, _)| weight).sum();
        let chosen = |set: u32| {
            let parts = parts.iter().enumerate();
            parts.filter(move |(place, _)| set >> place & 1 == 1).map(|(_, part)| part)
        };
        let every = (1 << parts.len()) - 1;
        let set = (0..=every)
            .filter(|set| {
                total - chosen(*set).map(|(_, weight, _)| weight).sum::<u32>() < self.need
            })
            .min_by_key(|set| (chosen(*set).map(|(.., values)| values).sum::<usize>(), *set))
            .unwrap_or(every);
        chosen(set).map(|(kind, ..)| *kind).collect()
    }

    /// Refuses a rule that no machine or every machine could satisfy.
    pub(crate) fn coherent(&self) -> Result<(), Refusal> {
        let total: u64 = self.parts.values().map(|(weight, _)| u64::from(*weight)).sum();
        let sound = self.need > 0
            && u64::from(self.need) <= total
            && !self.salt.is_empty()
            && self.parts.values().all(|(weight, digests)| {
                (1..=100).contains(weight)
                    && (1..=DIGESTS_A_KIND).contains(&digests.len())
                    && digests.iter().all(|digest| digest.len() == DIGEST_CHARS)
            });
        if sound { Ok(()) } else { Err(Refusal::Malformed("impossible machine binding")) }
    }
}

impl Serialize for Binding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2 + self.parts.len()))?;
        map.serialize_entry("salt", &self.salt)?;
        map.serialize_entry("need", &self.need)?;
        for (kind, (weight, digests)) in &self.parts {
            let mut list = vec![serde_json::Value::from(*weight)];
            list.extend(digests.iter().map(|digest| serde_json::Value::from(digest.as_str())));
            map.serialize_entry(kind.as_str(), &list)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Binding {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;

        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Item {
            Weight(u32),
            Digest(String),
        }
        #[derive(Deserialize)]
        struct Members {
            salt: String,
            need: u32,
            #[serde(flatten)]
            kinds: BTreeMap<ComponentKind, Vec<Item>>,
        }
        let members = Members::deserialize(deserializer)?;
        let mut parts = BTreeMap::new();
        for (kind, items) in members.kinds {
            let mut items = items.into_iter();
            let Some(Item::Weight(weight)) = items.next() else {
                return Err(D::Error::custom("a kind begins with its weight"));
            };
            let digests = items
                .map(|item| match item {
                    Item::Digest(digest) => Ok(digest),
                    Item::Weight(_) => Err(D::Error::custom("digests are text")),
                })
                .collect::<Result<Vec<_>, _>>()?;
            parts.insert(kind, (weight, digests));
        }
        Ok(Self { salt: members.salt, need: members.need, parts })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Lang;

    const SALT: &str = "c2FsdHNhbHQ";

    fn device(text: &str) -> DeviceInfo {
        DeviceInfo::parse(text).unwrap()
    }

    fn enrolled(text: &str) -> Binding {
        Binding::enroll(&device(text), SALT, &Enrollment::default()).unwrap().binding
    }

    #[test]
    fn nothing_without_the_board_reaches_the_need() {
        let binding = enrolled("04:7C:16:5E:E3:5D|D1|B1|C1");
        assert_eq!(binding.need(), 6);
        for (text, score, is_it) in [
            ("04:7C:16:5E:E3:5D|D1|B1|C1", 9, true),
            ("|D1|B1|", 7, true),
            ("04:7C:16:5E:E3:5D||B1|C1", 6, true),
            ("04:7C:16:5E:E3:5D|D2|B1|", 5, false),
            ("04:7C:16:5E:E3:5D|D1|B2|C1", 5, false),
            ("04:7C:16:5E:E3:5E|D2|B2|C2", 0, false),
        ] {
            let report = binding.compare(&device(text));
            assert_eq!((report.score, report.matches()), (score, is_it), "{text}");
        }
    }

    #[test]
    fn missing_is_not_different() {
        let report = enrolled("04:7C:16:5E:E3:5D|D1|B1|C1").compare(&device("|D2|B1|"));
        let outcome = |kind| report.parts.iter().find(|p| p.kind == kind).unwrap().outcome;
        assert_eq!(outcome(ComponentKind::Board), ComponentMatch::Matches);
        assert_eq!(outcome(ComponentKind::Disk), ComponentMatch::Differs);
        assert_eq!(outcome(ComponentKind::Mac), ComponentMatch::NotReadable);
        assert!(report.summary(Lang::En).contains("differs: disk"));
        assert!(report.summary(Lang::Zh).contains("不同：硬盘"));
    }

    #[test]
    fn one_of_several_is_enough_and_a_lost_dock_does_not_matter() {
        let binding = enrolled("04:7C:16:5E:E3:5D,0C:9D:92:00:00:01|D1,D2|B1|");
        assert!(binding.compare(&device("0C:9D:92:00:00:01|D2|B1|")).matches());
        assert!(binding.compare(&device("04:7C:16:5E:E3:5D|D1|B1|")).matches());
    }

    #[test]
    fn whoever_matches_shares_a_telling_kind() {
        let parts = [
            (ComponentKind::Mac, "04:7C:16:5E:E3:5D"),
            (ComponentKind::Disk, "D1"),
            (ComponentKind::Board, "B1"),
            (ComponentKind::Cpu, "C1"),
        ];
        let of = |set: u32| {
            let part = |place: usize| if set >> place & 1 == 1 { parts[place].1 } else { "" };
            device(&[part(0), part(1), part(2), part(3)].join("|"))
        };
        for enrolled in 1..16 {
            for need in [None, Some(1), Some(3), Some(5), Some(9)] {
                let rule = Enrollment { need, cpu_alone: true };
                let binding = Binding::enroll(&of(enrolled), SALT, &rule).unwrap().binding;
                let telling = binding.telling();
                assert!(!telling.contains(&ComponentKind::Cpu));
                for presented in 1..16_u32 {
                    if !binding.compare(&of(presented)).matches() {
                        continue;
                    }
                    let shared = (0..4).filter(|place| (enrolled & presented) >> place & 1 == 1);
                    let shared: Vec<ComponentKind> = shared.map(|place| parts[place].0).collect();
                    assert!(
                        shared.iter().any(|kind| telling.contains(kind))
                            || shared == [ComponentKind::Cpu],
                        "{enrolled:04b} {need:?}: {telling:?} does not find {presented:04b}"
                    );
                }
            }
        }
        assert_eq!(enrolled("04:7C:16:5E:E3:5D|D1,D2|B1|C1").telling(), [ComponentKind::Board]);
        assert_eq!(enrolled("04:7C:16:5E:E3:5D|D1|").telling(), [ComponentKind::Disk]);
    }

    #[test]
    fn a_processor_alone_needs_insistence() {
        let info = device("|||BFEBFBFF00090672");
        assert!(Binding::enroll(&info, SALT, &Enrollment::default()).is_err());
        let rule = Enrollment { cpu_alone: true, need: None };
        assert!(Binding::enroll(&info, SALT, &rule).unwrap().weak);
    }

    #[test]
    fn few_digests_without_a_board() {
        let macs = "04:7C:16:5E:E3:5D,04:7C:16:5E:E3:5E,04:7C:16:5E:E3:5F";
        let count = |binding: &Binding, kind| binding.digests().filter(|(k, _)| *k == kind).count();
        let bare = enrolled(&format!("{macs}|D1,D2,D3||"));
        assert_eq!((count(&bare, ComponentKind::Mac), count(&bare, ComponentKind::Disk)), (2, 1));
        let board = enrolled(&format!("{macs}|D1,D2,D3,D4,D5|B1|"));
        assert_eq!((count(&board, ComponentKind::Mac), count(&board, ComponentKind::Disk)), (3, 4));
    }

    #[test]
    fn reads_back_what_it_writes() {
        let binding = enrolled("04:7C:16:5E:E3:5D|D1|B1|C1");
        let text = serde_json::to_string(&binding).unwrap();
        assert!(text.starts_with(r#"{"salt":"c2FsdHNhbHQ","need":6,"board":[4,""#), "{text}");
        assert_eq!(serde_json::from_str::<Binding>(&text).unwrap(), binding);
        for bad in [
            r#"{"salt":"s","need":0,"board":[4,"AAAAAAAAAAAAAAAA"]}"#,
            r#"{"salt":"s","need":5,"board":[4,"AAAAAAAAAAAAAAAA"]}"#,
            r#"{"salt":"s","need":1,"board":[4,"A"]}"#,
            r#"{"salt":"s","need":1,"board":[4]}"#,
            r#"{"salt":"","need":1,"board":[4,"AAAAAAAAAAAAAAAA"]}"#,
        ] {
            let binding: Binding = serde_json::from_str(bad).unwrap();
            assert!(binding.coherent().is_err(), "{bad}");
        }
        assert!(
            serde_json::from_str::<Binding>(r#"{"salt":"s","need":1,"bios":[4,"A"]}"#).is_err()
        );
    }

    proptest! {
        /// What is presented beside the enrolled parts never raises the score.
        #[test]
        fn more_parts_present_never_beat_the_enrolled_weight(extra in "[A-Z0-9]{4,12}") {
            let binding = enrolled("04:7C:16:5E:E3:5D|D1|B1|");
            let report = binding.compare(&device(&format!("04:7C:16:5E:E3:5D|D1,{extra}|B1|{extra}")));
            prop_assert_eq!(report.score, 8);
        }

        /// The order of parts never matters.
        #[test]
        fn order_never_matters(mut disks in prop::collection::vec("[A-Z]{3}[0-9]{3}", 1..9)) {
            let a = enrolled(&format!("|{}||", disks.join(",")));
            disks.reverse();
            prop_assert_eq!(a, enrolled(&format!("|{}||", disks.join(","))));
        }
    }
}
