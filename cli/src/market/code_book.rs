//! Authorization codes as the marketplace keeps them: bought, received, activated, over.

use std::collections::BTreeMap;

use license_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How far a code is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Stage {
    /// Paid for; its buyer has not taken it yet.
    Bought,
    Received,
    Alive,
    Expired,
    Released,
}

/// One code.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LicenseCode {
    #[serde(rename = "license_code")]
    pub(crate) name: String,
    pub(crate) order_id: String,
    pub(crate) product_id: String,
    pub(crate) amount: u32,
    pub(crate) stage: Stage,
    pub(crate) bought_at: Timestamp,
    pub(crate) expire_time: Timestamp,
    pub(crate) activate_time: Option<Timestamp>,
    /// Requests that named it, whatever was answered.
    pub(crate) activations: u32,
    pub(crate) heartbeats: u32,
}

/// What is bought.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Purchase {
    pub(crate) order_id: String,
    pub(crate) product_id: String,
    #[serde(default = "one")]
    pub(crate) amount: u32,
    #[serde(default = "a_year")]
    pub(crate) days: i64,
    /// Whether the buyer has it already.
    #[serde(default = "yes")]
    pub(crate) received: bool,
}

fn one() -> u32 {
    1
}

fn a_year() -> i64 {
    365
}

fn yes() -> bool {
    true
}

/// What happens to a code without the seller's doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Change {
    Receive,
    Expire,
    /// Another year from now.
    Renew,
    /// To this end.
    Until(Timestamp),
    Release,
}

impl Change {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "receive" => Self::Receive,
            "expire" => Self::Expire,
            "renew" => Self::Renew,
            "release" => Self::Release,
            _ => return None,
        })
    }
}

/// Why a code cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unusable {
    Unknown,
    NotReceived,
    /// Activated at a time before it was bought.
    TooEarly,
}

impl Unusable {
    /// HTTP status and code of the interface's table.
    pub(crate) const fn code(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Unknown => (200, "92020005", "license code not exist"),
            Self::NotReceived => (200, "92020004", "can not active before user received"),
            Self::TooEarly => (400, "92020002", "real_effect_time is before the order"),
        }
    }
}

/// Every code that was sold.
#[derive(Debug, Default)]
pub(crate) struct CodeBook(BTreeMap<String, LicenseCode>);

impl CodeBook {
    /// Sells a code under this name; the first sale of a name stands.
    pub(crate) fn sell(
        &mut self,
        name: String,
        purchase: &Purchase,
        now: Timestamp,
    ) -> LicenseCode {
        let code = LicenseCode {
            name: name.clone(),
            order_id: purchase.order_id.clone(),
            product_id: purchase.product_id.clone(),
            amount: purchase.amount,
            stage: if purchase.received { Stage::Received } else { Stage::Bought },
            bought_at: now,
            expire_time: now.plus(purchase.days * 86_400),
            activate_time: None,
            activations: 0,
            heartbeats: 0,
        };
        self.0.entry(name).or_insert(code).clone()
    }

    pub(crate) fn change(
        &mut self,
        name: &str,
        change: Change,
        now: Timestamp,
    ) -> Option<LicenseCode> {
        let code = self.0.get_mut(name)?;
        match change {
            Change::Receive if code.stage == Stage::Bought => code.stage = Stage::Received,
            Change::Receive => {}
            Change::Expire => {
                code.expire_time = code.expire_time.min(now);
                code.stage = Stage::Expired;
            }
            Change::Renew | Change::Until(_) => {
                code.expire_time = match change {
                    Change::Until(end) => end,
                    _ => now.plus(365 * 86_400),
                };
                let used = code.activate_time.is_some();
                code.stage = if used { Stage::Alive } else { Stage::Received };
            }
            Change::Release => code.stage = Stage::Released,
        }
        Some(code.clone())
    }

    /// Activates a code; the first time counts.
    pub(crate) fn activate(
        &mut self,
        name: &str,
        effective: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<LicenseCode, Unusable> {
        let code = self.0.get_mut(name).ok_or(Unusable::Unknown)?;
        code.activations += 1;
        if code.stage == Stage::Bought {
            return Err(Unusable::NotReceived);
        }
        // To the second: that is all that the request can say.
        if effective.is_some_and(|at| at < code.bought_at) {
            return Err(Unusable::TooEarly);
        }
        if code.stage == Stage::Received {
            code.stage = Stage::Alive;
            code.activate_time = Some(effective.unwrap_or(now));
        }
        code.age(now);
        Ok(code.clone())
    }

    pub(crate) fn heartbeat(
        &mut self,
        name: &str,
        now: Timestamp,
    ) -> Result<LicenseCode, Unusable> {
        let code = self.0.get_mut(name).ok_or(Unusable::Unknown)?;
        code.heartbeats += 1;
        code.age(now);
        Ok(code.clone())
    }

    pub(crate) fn find(&self, name: &str) -> Option<&LicenseCode> {
        self.0.get(name)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &LicenseCode> {
        self.0.values()
    }
}

impl LicenseCode {
    fn age(&mut self, now: Timestamp) {
        if self.stage == Stage::Alive && self.expire_time <= now {
            self.stage = Stage::Expired;
        }
    }

    /// `ALIVE`, `EXPIRED`, `RELEASED`: the three words of the interface.
    pub(crate) fn status(&self) -> &'static str {
        match self.stage {
            Stage::Bought | Stage::Received | Stage::Alive => "ALIVE",
            Stage::Expired => "EXPIRED",
            Stage::Released => "RELEASED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn book(received: bool) -> CodeBook {
        let mut book = CodeBook::default();
        let purchase = Purchase {
            order_id: "CS1".to_owned(),
            product_id: "P".to_owned(),
            amount: 2,
            days: 30,
            received,
        };
        book.sell("PL1".to_owned(), &purchase, NOW);
        book
    }

    #[test]
    fn a_code_is_activated_once_and_runs_out() {
        let mut book = book(true);
        let first = book.activate("PL1", Some(NOW.plus(60)), NOW).unwrap();
        assert_eq!((first.status(), first.activate_time), ("ALIVE", Some(NOW.plus(60))));
        let again = book.activate("PL1", None, NOW.plus(500)).unwrap();
        assert_eq!((again.activate_time, again.activations), (Some(NOW.plus(60)), 2));
        assert_eq!(book.heartbeat("PL1", NOW.plus(30 * 86_400 - 1)).unwrap().status(), "ALIVE");
        assert_eq!(book.heartbeat("PL1", NOW.plus(30 * 86_400)).unwrap().status(), "EXPIRED");
    }

    #[test]
    fn what_cannot_be_used_has_its_code() {
        let mut book = book(false);
        let refused = |result: Result<LicenseCode, Unusable>| result.unwrap_err().code().1;
        assert_eq!(refused(book.activate("PL1", None, NOW)), "92020004");
        assert_eq!(refused(book.activate("PL2", None, NOW)), "92020005");
        assert_eq!(refused(book.heartbeat("PL2", NOW)), "92020005");
        book.change("PL1", Change::Receive, NOW).unwrap();
        assert_eq!(refused(book.activate("PL1", Some(NOW.plus(-1)), NOW)), "92020002");
        assert!(book.activate("PL1", Some(NOW), NOW).is_ok());
    }

    #[test]
    fn codes_are_expired_renewed_and_released() {
        let mut book = book(true);
        book.activate("PL1", None, NOW).unwrap();
        let mut status = |change| book.change("PL1", change, NOW.plus(9)).unwrap().status();
        assert_eq!(status(Change::Expire), "EXPIRED");
        assert_eq!(status(Change::Renew), "ALIVE");
        assert_eq!(status(Change::Release), "RELEASED");
        assert!(book.change("PL2", Change::Expire, NOW).is_none());
        assert_eq!(Change::parse("explode"), None);
    }
}
