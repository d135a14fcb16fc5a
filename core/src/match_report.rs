//! The result of comparing a machine with the enrolled one, as facts and as text.

use serde::Serialize;

use crate::{Lang, component::ComponentKind};

/// How one enrolled kind compares.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentMatch {
    /// One of its values was found again.
    Matches,
    /// Values of this kind were read, but none that was enrolled.
    Differs,
    /// No value of this kind could be read.
    NotReadable,
}

/// The comparison of one enrolled kind.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ComponentReport {
    /// The kind.
    pub kind: ComponentKind,
    /// What it counts.
    pub weight: u32,
    /// How it compares.
    pub outcome: ComponentMatch,
}

/// The comparison of a machine with the enrolled one.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct MatchReport {
    /// The weight that matches.
    pub score: u32,
    /// The weight that must match.
    pub need: u32,
    /// Each enrolled kind.
    pub parts: Vec<ComponentReport>,
}

impl MatchReport {
    /// Whether it is the machine.
    #[must_use]
    pub const fn matches(&self) -> bool {
        self.score >= self.need
    }

    /// One line: score, need and what differs.
    #[must_use]
    pub fn summary(&self, lang: Lang) -> String {
        let list = |outcome| {
            let kinds: Vec<_> = self
                .parts
                .iter()
                .filter(|part| part.outcome == outcome)
                .map(|part| part.kind.label(lang))
                .collect();
            kinds.join(if lang == Lang::En { ", " } else { "、" })
        };
        let (differs, unread) = (list(ComponentMatch::Differs), list(ComponentMatch::NotReadable));
        let mut text = match lang {
            Lang::En => format!("score {}, needed {}", self.score, self.need),
            Lang::Zh => format!("匹配得分 {}，需要 {}", self.score, self.need),
        };
        for (what, en, zh) in [(differs, "differs", "不同"), (unread, "not readable", "无法读取")]
        {
            if !what.is_empty() {
                text.extend(match lang {
                    Lang::En => ["; ", en, ": ", &what],
                    Lang::Zh => ["；", zh, "：", &what],
                });
            }
        }
        text
    }

    /// One line a kind, for people.
    #[must_use]
    pub fn explain(&self, lang: Lang) -> String {
        let mut lines = Vec::with_capacity(self.parts.len() + 1);
        for part in &self.parts {
            let outcome = match (part.outcome, lang) {
                (ComponentMatch::Matches, Lang::En) => "matches",
                (ComponentMatch::Differs, Lang::En) => "differs",
                (ComponentMatch::NotReadable, Lang::En) => "not readable",
                (ComponentMatch::Matches, Lang::Zh) => "一致",
                (ComponentMatch::Differs, Lang::Zh) => "不同",
                (ComponentMatch::NotReadable, Lang::Zh) => "无法读取",
            };
            let weight = match lang {
                Lang::En => "weight",
                Lang::Zh => "权重",
            };
            lines.push(format!(
                "{}: {outcome} ({weight} {})\n",
                part.kind.label(lang),
                part.weight
            ));
        }
        lines.push(match lang {
            Lang::En => format!("score {} of {} needed\n", self.score, self.need),
            Lang::Zh => format!("得分 {}，需要 {}\n", self.score, self.need),
        });
        lines.concat()
    }
}
