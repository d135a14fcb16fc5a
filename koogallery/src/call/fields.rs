//! Reads one member at a time and names it in the refusal.

use crate::body::{Body, ValueKind};
use crate::call::{FINGERPRINT_LIMIT, QUERY_LIMIT, Status};
use crate::code::{Rejection, ResultCode};
use crate::time;

/// The longest spelling of a time (table of `getLicenseAsync`).
const TIME_LIMIT: usize = 32;

#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a Body);

impl<'a> Fields<'a> {
    /// A text that must be there, of at most `max` characters.
    pub(crate) fn required(self, name: &str, max: usize) -> Result<String, Rejection> {
        self.optional(name, max)?.ok_or_else(|| refused(name, "is missing", "缺失"))
    }

    /// A text that may be absent or empty, of at most `max` characters.
    pub(crate) fn optional(self, name: &str, max: usize) -> Result<Option<String>, Rejection> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if text.chars().count() > max {
            return Err(too_long(name, max, "characters", "个字符"));
        }
        // Neither a database's text nor a path can hold them.
        if text.chars().any(char::is_control) {
            return Err(refused(name, "has control characters", "包含控制字符"));
        }
        Ok(Some(text.to_owned()))
    }

    pub(crate) fn required_time(self, name: &str) -> Result<i64, Rejection> {
        self.optional_time(name)?.ok_or_else(|| refused(name, "is missing", "缺失"))
    }

    pub(crate) fn optional_time(self, name: &str) -> Result<Option<i64>, Rejection> {
        let Some(text) = self.optional(name, TIME_LIMIT)? else { return Ok(None) };
        match time::parse(&text) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(refused(name, "is not a time", "不是合法的时间")),
        }
    }

    /// `eventId` becomes a segment of the upload's path, which two names would leave.
    pub(crate) fn event(self) -> Result<String, Rejection> {
        let event = self.required("eventId", 64)?;
        if event == "." || event == ".." {
            return Err(refused("eventId", "is not an ID", "不是合法的ID"));
        }
        Ok(event)
    }

    /// Limited in bytes, unlike every other field.
    pub(crate) fn device_fingerprint(self) -> Result<Option<String>, Rejection> {
        const NAME: &str = "deviceFingerprint";
        let Some(text) = self.text(NAME)? else { return Ok(None) };
        if text.len() > FINGERPRINT_LIMIT {
            return Err(too_long(NAME, FINGERPRINT_LIMIT, "bytes", "字节"));
        }
        if text.contains('\0') {
            return Err(refused(NAME, "has control characters", "包含控制字符"));
        }
        Ok(Some(text.to_owned()))
    }

    /// `instanceId` of `queryInstance`: the printed length of 100 is the number of IDs.
    pub(crate) fn instance_ids(self) -> Result<Vec<String>, Rejection> {
        const NAME: &str = "instanceId";
        let text = self.text(NAME)?.ok_or_else(|| refused(NAME, "is missing", "缺失"))?;
        let ids: Vec<&str> = text.split(',').map(str::trim).collect();
        if ids.len() > QUERY_LIMIT {
            return Err(refused(NAME, "names more than 100 instances", "超过100个实例"));
        }
        if ids.iter().any(|id| id.is_empty()) {
            return Err(refused(NAME, "holds an empty ID", "包含空的实例ID"));
        }
        if ids.iter().any(|id| id.chars().count() > 64) {
            return Err(too_long(NAME, 64, "characters", "个字符"));
        }
        if text.chars().any(char::is_control) {
            return Err(refused(NAME, "has control characters", "包含控制字符"));
        }
        Ok(ids.into_iter().map(str::to_owned).collect())
    }

    pub(super) fn status(self) -> Result<Status, Rejection> {
        match self.required("status", 32)?.as_str() {
            "FREEZE" => Ok(Status::Freeze),
            "UNFREEZE" => Ok(Status::Unfreeze),
            _ => Err(refused("status", "is neither FREEZE nor UNFREEZE", "应为FREEZE或UNFREEZE")),
        }
    }

    /// An object, or the text of one, as some callers send it.
    pub(super) fn object(self, name: &str) -> Result<Body, Rejection> {
        let missing = || refused(name, "is missing", "缺失");
        let text = match self.0.kind(name).ok_or_else(missing)? {
            ValueKind::Text | ValueKind::Nested => self.0.text(name).unwrap_or_default(),
            ValueKind::Number | ValueKind::Boolean => "",
        };
        if text.is_empty() && self.0.kind(name) == Some(ValueKind::Text) {
            return Err(missing());
        }
        Body::parse(text.as_bytes())
            .map_err(|_| refused(name, "is not a JSON object", "不是JSON对象"))
    }

    /// `testFlag`: absent, empty and "0" are alike.
    pub(crate) fn test(self) -> Result<bool, Rejection> {
        self.flag("testFlag")
    }

    /// Yes or no; absent, empty and "0" are alike.
    pub(crate) fn flag(self, name: &str) -> Result<bool, Rejection> {
        match self.optional(name, 2)?.as_deref() {
            None | Some("0") => Ok(false),
            Some("1") => Ok(true),
            Some(_) => Err(refused(name, "is neither 0 nor 1", "应为0或1")),
        }
    }

    /// A whole number of at most `digits` digits, at most nine.
    pub(crate) fn number(self, name: &str, digits: usize) -> Result<Option<u32>, Rejection> {
        let Some(text) = self.optional(name, digits)? else { return Ok(None) };
        let number = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        number.map(Some).ok_or_else(|| refused(name, "is not a whole number", "不是整数"))
    }

    /// A text that must be there; its length and what it holds are the caller's to judge.
    pub(crate) fn long(self, name: &str) -> Result<&'a str, Rejection> {
        self.text(name)?.ok_or_else(|| refused(name, "is missing", "缺失"))
    }

    /// A number stands for its text, as the vendor's sample reads it; an empty text is none.
    fn text(self, name: &str) -> Result<Option<&'a str>, Rejection> {
        match self.0.kind(name) {
            None => Ok(None),
            Some(ValueKind::Text | ValueKind::Number) => {
                Ok(self.0.text(name).filter(|t| !t.is_empty()))
            }
            Some(ValueKind::Boolean | ValueKind::Nested) => {
                Err(refused(name, "is not a text", "不是字符串"))
            }
        }
    }
}

pub(crate) fn refused(name: &str, english: &str, chinese: &str) -> Rejection {
    Rejection::new(
        ResultCode::BadParameter,
        &format!("{name} {english}"),
        &format!("参数{name}{chinese}"),
    )
}

pub(crate) fn too_long(name: &str, max: usize, unit: &str, unit_zh: &str) -> Rejection {
    refused(name, &format!("is longer than {max} {unit}"), &format!("超过{max}{unit_zh}"))
}
