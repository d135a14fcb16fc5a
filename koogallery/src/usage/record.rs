//! One record of usage, and what it must be like to be accepted.

use super::{AGE_LIMIT, Amount};

/// Characters of an id.
const ID_LIMIT: usize = 64;
/// How far a clock of the seller's programs may be ahead of ours, in seconds.
const AHEAD: i64 = 300;

/// What one instance used in one stretch of time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The instance.
    pub instance_id: String,
    /// From when, UTC seconds.
    pub begin_time: i64,
    /// Until when.
    pub end_time: i64,
    /// When it was counted.
    pub record_time: i64,
    /// How much.
    pub amount: Amount,
    /// `metering_sn`: names the record for ever. Travels in V2 only.
    pub number: String,
    /// The marketplace's product. Travels in V1 only.
    pub product_id: Option<String>,
    /// `relate_pkg_instance`, where a package was bought to be used up.
    pub package: Option<String>,
}

/// What is wrong with a record.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{member}: {message}")]
pub struct InvalidRecord {
    /// The member that it is about.
    pub member: &'static str,
    /// What is wrong.
    pub message: String,
    /// The same in Chinese.
    pub message_zh: String,
}

impl InvalidRecord {
    /// A fault of a member.
    pub fn of(
        member: &'static str,
        message: impl Into<String>,
        message_zh: impl Into<String>,
    ) -> Self {
        Self { member, message: message.into(), message_zh: message_zh.into() }
    }
}

impl Record {
    /// Whether the marketplace could take it at `now`.
    ///
    /// # Errors
    ///
    /// The first member that will not do.
    pub fn check(&self, now: i64) -> Result<(), InvalidRecord> {
        id("instance_id", &self.instance_id)?;
        id("metering_sn", &self.number)?;
        for (member, text) in
            [("product_id", &self.product_id), ("relate_pkg_instance", &self.package)]
        {
            if let Some(text) = text {
                id(member, text)?;
            }
        }
        for (member, at) in [
            ("begin_time", self.begin_time),
            ("end_time", self.end_time),
            ("record_time", self.record_time),
        ] {
            if at > now.saturating_add(AHEAD) {
                return Err(InvalidRecord::of(member, "it lies in the future", "晚于当前时间"));
            }
        }
        if self.end_time < self.begin_time {
            let (en, zh) = ("it lies before begin_time", "早于begin_time");
            return Err(InvalidRecord::of("end_time", en, zh));
        }
        if self.is_too_old(now) {
            let (en, zh) = ("it lies more than 21 days back", "早于21天前");
            return Err(InvalidRecord::of("begin_time", en, zh));
        }
        Ok(())
    }

    /// Whether the marketplace no longer takes it.
    #[must_use]
    pub const fn is_too_old(&self, now: i64) -> bool {
        self.begin_time < now.saturating_sub(AGE_LIMIT)
    }
}

fn id(member: &'static str, text: &str) -> Result<(), InvalidRecord> {
    let characters = text.chars().count();
    if characters == 0 || characters > ID_LIMIT {
        let en = format!("it has 1 to {ID_LIMIT} characters");
        return Err(InvalidRecord::of(member, en, format!("长度须为1到{ID_LIMIT}个字符")));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let (en, zh) = ("it holds blanks or control characters", "不得包含空白或控制字符");
        return Err(InvalidRecord::of(member, en, zh));
    }
    Ok(())
}
