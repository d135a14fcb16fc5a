//! Authorization codes as the marketplace keeps them: bought, received, activated, over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How far a code is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum CodeStage {
    /// Paid for; its buyer has not taken it yet.
    Bought,
    Received,
    Alive,
    Expired,
    Released,
}

/// One code.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SoldCode {
    #[serde(rename = "license_code")]
    pub(crate) name: String,
    pub(crate) order_id: String,
    pub(crate) product_id: String,
    pub(crate) amount: u32,
    pub(crate) stage: CodeStage,
    pub(crate) bought_at: i64,
    pub(crate) expire_time: i64,
    pub(crate) activate_time: Option<i64>,
    /// Requests that named it, whatever was answered.
    pub(crate) activations: u32,
    pub(crate) heartbeats: u32,
}

/// What is bought.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CodePurchase {
    /// The order that it belongs to.
    pub order_id: String,
    /// The marketplace's product.
    pub product_id: String,
    /// Machines.
    #[serde(default = "one")]
    pub amount: u32,
    /// How long it is valid from now.
    #[serde(default = "a_year")]
    pub days: i64,
    /// Whether the buyer has it already.
    #[serde(default = "yes")]
    pub received: bool,
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
pub enum CodeChange {
    /// Its buyer takes it.
    Receive,
    /// It ends now.
    Expire,
    /// Another year from now.
    Renew,
    /// To this end.
    Until(i64),
    /// It was given back.
    Release,
}

impl CodeChange {
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
pub(crate) enum CodeRefusal {
    Unknown,
    NotReceived,
    /// Activated at a time before it was bought.
    TooEarly,
}

impl CodeRefusal {
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
pub(crate) struct CodeStore(BTreeMap<String, SoldCode>);

impl CodeStore {
    /// Sells a code under this name; a second sale of a name changes nothing.
    pub(crate) fn sell(&mut self, name: String, purchase: &CodePurchase, now: i64) -> SoldCode {
        let code = SoldCode {
            name: name.clone(),
            order_id: purchase.order_id.clone(),
            product_id: purchase.product_id.clone(),
            amount: purchase.amount,
            stage: if purchase.received { CodeStage::Received } else { CodeStage::Bought },
            bought_at: now,
            expire_time: now + (purchase.days * 86_400),
            activate_time: None,
            activations: 0,
            heartbeats: 0,
        };
        self.0.entry(name).or_insert(code).clone()
    }

    pub(crate) fn change(&mut self, name: &str, change: CodeChange, now: i64) -> Option<SoldCode> {
        let code = self.0.get_mut(name)?;
        match change {
            CodeChange::Receive if code.stage == CodeStage::Bought => {
                code.stage = CodeStage::Received;
            }
            CodeChange::Receive => {}
            CodeChange::Expire => {
                code.expire_time = code.expire_time.min(now);
                code.stage = CodeStage::Expired;
            }
            CodeChange::Renew | CodeChange::Until(_) => {
                code.expire_time = match change {
                    CodeChange::Until(end) => end,
                    _ => now + (365 * 86_400),
                };
                let used = code.activate_time.is_some();
                code.stage = if used { CodeStage::Alive } else { CodeStage::Received };
            }
            CodeChange::Release => code.stage = CodeStage::Released,
        }
        Some(code.clone())
    }

    /// Activates a code; the first time counts.
    pub(crate) fn activate(
        &mut self,
        name: &str,
        effective: Option<i64>,
        now: i64,
    ) -> Result<SoldCode, CodeRefusal> {
        let code = self.0.get_mut(name).ok_or(CodeRefusal::Unknown)?;
        code.activations += 1;
        if code.stage == CodeStage::Bought {
            return Err(CodeRefusal::NotReceived);
        }
        // To the second: that is all that the request can say.
        if effective.is_some_and(|at| at < code.bought_at) {
            return Err(CodeRefusal::TooEarly);
        }
        if code.stage == CodeStage::Received {
            code.stage = CodeStage::Alive;
            code.activate_time = Some(effective.unwrap_or(now));
        }
        code.age(now);
        Ok(code.clone())
    }

    pub(crate) fn heartbeat(&mut self, name: &str, now: i64) -> Result<SoldCode, CodeRefusal> {
        let code = self.0.get_mut(name).ok_or(CodeRefusal::Unknown)?;
        code.heartbeats += 1;
        code.age(now);
        Ok(code.clone())
    }

    pub(crate) fn find(&self, name: &str) -> Option<&SoldCode> {
        self.0.get(name)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &SoldCode> {
        self.0.values()
    }
}

impl SoldCode {
    fn age(&mut self, now: i64) {
        if self.stage == CodeStage::Alive && self.expire_time <= now {
            self.stage = CodeStage::Expired;
        }
    }

    /// `ALIVE`, `EXPIRED`, `RELEASED`: the three words of the interface.
    pub(crate) fn status(&self) -> &'static str {
        match self.stage {
            CodeStage::Bought | CodeStage::Received | CodeStage::Alive => "ALIVE",
            CodeStage::Expired => "EXPIRED",
            CodeStage::Released => "RELEASED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000;

    fn store(received: bool) -> CodeStore {
        let mut store = CodeStore::default();
        let purchase = CodePurchase {
            order_id: "CS1".to_owned(),
            product_id: "P".to_owned(),
            amount: 2,
            days: 30,
            received,
        };
        store.sell("PL1".to_owned(), &purchase, NOW);
        store
    }

    #[test]
    fn a_code_is_activated_once_and_runs_out() {
        let mut store = store(true);
        let first = store.activate("PL1", Some(NOW + (60)), NOW).unwrap();
        assert_eq!((first.status(), first.activate_time), ("ALIVE", Some(NOW + (60))));
        let again = store.activate("PL1", None, NOW + (500)).unwrap();
        assert_eq!((again.activate_time, again.activations), (Some(NOW + (60)), 2));
        assert_eq!(store.heartbeat("PL1", NOW + (30 * 86_400 - 1)).unwrap().status(), "ALIVE");
        assert_eq!(store.heartbeat("PL1", NOW + (30 * 86_400)).unwrap().status(), "EXPIRED");
    }

    #[test]
    fn what_cannot_be_used_has_its_code() {
        let mut store = store(false);
        let refused = |result: Result<SoldCode, CodeRefusal>| result.unwrap_err().code().1;
        assert_eq!(refused(store.activate("PL1", None, NOW)), "92020004");
        assert_eq!(refused(store.activate("PL2", None, NOW)), "92020005");
        assert_eq!(refused(store.heartbeat("PL2", NOW)), "92020005");
        store.change("PL1", CodeChange::Receive, NOW).unwrap();
        assert_eq!(refused(store.activate("PL1", Some(NOW + (-1)), NOW)), "92020002");
        assert!(store.activate("PL1", Some(NOW), NOW).is_ok());
    }

    #[test]
    fn codes_are_expired_renewed_and_released() {
        let mut store = store(true);
        store.activate("PL1", None, NOW).unwrap();
        let mut status = |change| store.change("PL1", change, NOW + (9)).unwrap().status();
        assert_eq!(status(CodeChange::Expire), "EXPIRED");
        assert_eq!(status(CodeChange::Renew), "ALIVE");
        assert_eq!(status(CodeChange::Release), "RELEASED");
        assert!(store.change("PL2", CodeChange::Expire, NOW).is_none());
        assert_eq!(CodeChange::parse("explode"), None);
    }
}
