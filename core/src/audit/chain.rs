//! Verifies chains link by link, without keeping them: what is broken, what is missing, and where
//! each chain begins and ends.

use std::collections::BTreeMap;
use std::{fmt, str::FromStr};

use super::{Link, LinkHash};
use crate::Timestamp;

/// Where an earlier verification ended, or an earlier chain began: `[SERVER:]SEQ:HASH`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Anchor {
    /// Whose chain; may be left out where there is one.
    pub server: Option<String>,
    /// The number of the link.
    pub seq: u64,
    /// Its hash.
    pub hash: LinkHash,
}

/// The text is no anchor.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an anchor is SEQ:HASH or SERVER:SEQ:HASH, as an earlier verification printed it")]
pub struct InvalidAnchor;

impl FromStr for Anchor {
    type Err = InvalidAnchor;

    fn from_str(text: &str) -> Result<Self, InvalidAnchor> {
        let (rest, hash) = text.trim().rsplit_once(':').ok_or(InvalidAnchor)?;
        let (server, seq) = match rest.rsplit_once(':') {
            Some((server, seq)) => (Some(server.to_owned()), seq),
            None => (None, rest),
        };
        let seq = seq.parse().map_err(|_| InvalidAnchor)?;
        let hash = hash.parse().map_err(|_| InvalidAnchor)?;
        Ok(Self { server, seq, hash })
    }
}

/// What is wrong at one place of a chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The hash is not that of the content: the link was changed.
    Changed,
    /// It does not follow from the one before: that one was replaced, or this one.
    Unlinked,
    /// The numbers from the first to the last are not there.
    Missing {
        /// The first number that is not there.
        from: u64,
        /// The last one.
        to: u64,
    },
    /// Its number was there already.
    Repeated,
    /// An earlier verification saw another hash here.
    Replaced,
    /// An earlier verification saw a link that is not there any more, nor any behind it.
    CutShort,
}

/// The place and the fault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Break {
    /// Whose chain.
    pub server: String,
    /// The link where it shows.
    pub seq: u64,
    /// What it is.
    pub fault: Fault,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, seq, fault } = self;
        match fault {
            Fault::Changed => write!(f, "{server}: link {seq} was changed"),
            Fault::Unlinked => {
                write!(f, "{server}: link {seq} does not follow from the one before it")
            }
            Fault::Missing { from, to } if from == to => {
                write!(f, "{server}: link {from} is missing")
            }
            Fault::Missing { from, to } => write!(f, "{server}: links {from} to {to} are missing"),
            Fault::Repeated => write!(f, "{server}: link {seq} stands there twice"),
            Fault::Replaced => {
                write!(f, "{server}: link {seq} is not the one that was seen before")
            }
            Fault::CutShort => {
                write!(f, "{server}: link {seq} was there before, and the chain ends earlier now")
            }
        }
    }
}

/// One chain, from end to end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chain {
    /// Whose.
    pub server: String,
    /// The number of its oldest link.
    pub first: u64,
    /// The hash before that one: of a link that was swept, or zeros.
    pub before: LinkHash,
    /// When that one was made.
    pub since: Timestamp,
    /// The number of its newest link.
    pub last: u64,
    /// The hash of it, for the next verification.
    pub hash: LinkHash,
    /// When that one was made.
    pub until: Timestamp,
    /// How many links were seen.
    pub links: u64,
    /// How many entries.
    pub entries: u64,
}

/// What a verification found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// Every chain, by the name of its server.
    pub chains: Vec<Chain>,
    /// What is wrong, the first one first; the first hundred.
    pub breaks: Vec<Break>,
}

/// Faults that are kept: the first one tells, a thousand more do not.
const MOST: usize = 100;

/// Takes links in the order of their numbers, chain after chain or mixed.
#[derive(Clone, Debug, Default)]
pub struct Auditor {
    anchors: Vec<Anchor>,
    /// Anchors that were met at a link or before the first one, with what was there.
    met: Vec<(usize, String, LinkHash)>,
    chains: BTreeMap<String, Chain>,
    breaks: Vec<Break>,
}

impl Auditor {
    /// Compares with what earlier verifications have seen.
    #[must_use]
    pub fn new(anchors: Vec<Anchor>) -> Self {
        Self { anchors, ..Self::default() }
    }

    /// Takes the next link.
    pub fn take(&mut self, link: &Link) {
        if link.expected() != link.hash {
            self.found(link, Fault::Changed);
        }
        match self.chains.get(&link.server) {
            None => {
                if link.seq == 0 || (link.seq == 1 && link.previous != LinkHash::NONE) {
                    self.found(link, Fault::Unlinked);
                }
                self.meet(&link.server, link.seq.wrapping_sub(1), link.previous);
            }
            Some(chain) if link.seq <= chain.last => {
                self.found(link, Fault::Repeated);
                return;
            }
            Some(chain) if link.seq - 1 > chain.last => {
                let missing = Fault::Missing { from: chain.last + 1, to: link.seq - 1 };
                self.found(link, missing);
            }
            Some(chain) if link.previous != chain.hash => self.found(link, Fault::Unlinked),
            Some(_) => {}
        }
        self.meet(&link.server, link.seq, link.hash);
        let count = u64::try_from(link.entries.len()).unwrap_or(u64::MAX);
        let chain = self.chains.entry(link.server.clone()).or_insert_with(|| Chain {
            server: link.server.clone(),
            first: link.seq,
            before: link.previous,
            since: link.at,
            last: link.seq,
            hash: link.hash,
            until: link.at,
            links: 0,
            entries: 0,
        });
        (chain.last, chain.hash, chain.until) = (link.seq, link.hash, link.at);
        chain.links += 1;
        chain.entries = chain.entries.saturating_add(count);
    }

    /// Ends: judges the anchors.
    ///
    /// # Errors
    /// An anchor without a server's name, although there is not exactly one chain.
    pub fn finish(mut self) -> Result<Report, InvalidAnchor> {
        for (i, anchor) in std::mem::take(&mut self.anchors).into_iter().enumerate() {
            let server = match (anchor.server, self.chains.len()) {
                (Some(server), _) => server,
                (None, 1) => self.chains.keys().next().cloned().unwrap_or_default(),
                (None, _) => return Err(InvalidAnchor),
            };
            let met = self.met.iter().find(|(met, of, _)| *met == i && *of == server);
            let fault = match (met, self.chains.get(&server)) {
                (Some((_, _, hash)), _) if *hash == anchor.hash => continue,
                (Some(_), _) => Fault::Replaced,
                (None, Some(chain)) if chain.first > anchor.seq => {
                    Fault::Missing { from: anchor.seq + 1, to: chain.first - 1 }
                }
                (None, Some(chain)) if chain.last > anchor.seq => {
                    Fault::Missing { from: anchor.seq, to: anchor.seq }
                }
                (None, _) => Fault::CutShort,
            };
            self.breaks.push(Break { server, seq: anchor.seq, fault });
        }
        Ok(Report { chains: self.chains.into_values().collect(), breaks: self.breaks })
    }

    fn meet(&mut self, server: &str, seq: u64, hash: LinkHash) {
        for (i, anchor) in self.anchors.iter().enumerate() {
            let concerned = anchor.server.as_deref().is_none_or(|of| of == server);
            if concerned && anchor.seq == seq {
                self.met.push((i, server.to_owned(), hash));
            }
        }
    }

    fn found(&mut self, link: &Link, fault: Fault) {
        if self.breaks.len() < MOST {
            self.breaks.push(Break { server: link.server.clone(), seq: link.seq, fault });
        }
    }
}

#[cfg(test)]
mod tests;
