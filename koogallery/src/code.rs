//! The seller's result codes, and the refusal of one call.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What `resultMsg` may hold, in characters ("interface description", every answer table).
pub const MESSAGE_LIMIT: usize = 255;

/// `resultCode` of the seller's answers (chapter "result codes" of the online-License guide).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ResultCode {
    /// `000000`: done.
    Success,
    /// `000001`: authentication failed.
    AuthFailed,
    /// `000002`: bad request parameter.
    BadParameter,
    /// `000003`: the instance ID does not exist.
    InstanceUnknown,
    /// `000004`: accepted, the result follows.
    InProgress,
    /// `000005`: other internal error.
    Internal,
    /// `000100`: no instance resource can be allocated.
    NoResource,
    /// `000900`: the order in force has not enough License quota left.
    QuotaUsedUp,
    /// `000901`: not within the validity of the current order.
    OutOfValidity,
    /// `000902`: a period License needs an expiry date.
    ExpiryMissing,
    /// `000903`: the device fingerprint is needed.
    FingerprintMissing,
}

impl ResultCode {
    /// Every code, in the order of the numbers.
    pub const ALL: &[Self] = &[
        Self::Success,
        Self::AuthFailed,
        Self::BadParameter,
        Self::InstanceUnknown,
        Self::InProgress,
        Self::Internal,
        Self::NoResource,
        Self::QuotaUsedUp,
        Self::OutOfValidity,
        Self::ExpiryMissing,
        Self::FingerprintMissing,
    ];

    /// The six digits as they are sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "000000",
            Self::AuthFailed => "000001",
            Self::BadParameter => "000002",
            Self::InstanceUnknown => "000003",
            Self::InProgress => "000004",
            Self::Internal => "000005",
            Self::NoResource => "000100",
            Self::QuotaUsedUp => "000900",
            Self::OutOfValidity => "000901",
            Self::ExpiryMissing => "000902",
            Self::FingerprintMissing => "000903",
        }
    }

    /// A general `resultMsg`, English and Chinese, where nothing closer can be said.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Success => "success. / 成功",
            Self::AuthFailed => "authentication failed / 鉴权失败",
            Self::BadParameter => "invalid request parameter / 请求参数不合法",
            Self::InstanceUnknown => "the instance ID does not exist / 实例ID不存在",
            Self::InProgress => "request is processing / 请求处理中",
            Self::Internal => "internal error, please send the request again / 内部错误，请重试",
            Self::NoResource => "no instance resource can be allocated / 无可用实例资源分配",
            Self::QuotaUsedUp => {
                "the order in force has no License quota left / 当前生效订单的License可用额度不足"
            }
            Self::OutOfValidity => {
                "not within the validity of the current order / 请在当前订单有效期内申请License"
            }
            Self::ExpiryMissing => {
                "a period License needs expireTime / 包周期License需要传入失效日期"
            }
            Self::FingerprintMissing => "deviceFingerprint is needed / 缺少设备指纹信息",
        }
    }

    /// Whether the call was taken: `000000` or `000004`.
    #[must_use]
    pub const fn accepted(self) -> bool {
        matches!(self, Self::Success | Self::InProgress)
    }
}

impl fmt::Display for ResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text that is none of the seller's result codes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a result code")]
pub struct UnknownResultCode;

impl FromStr for ResultCode {
    type Err = UnknownResultCode;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|code| code.as_str() == s).ok_or(UnknownResultCode)
    }
}

impl Serialize for ResultCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ResultCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Why a call is not accepted: the code and a bilingual text that fits into `resultMsg`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Rejection {
    /// `resultCode`.
    pub code: ResultCode,
    /// `resultMsg`, "English / 中文", at most [`MESSAGE_LIMIT`] characters.
    pub message: String,
}

impl Rejection {
    /// A refusal in both languages.
    #[must_use]
    pub fn new(code: ResultCode, english: &str, chinese: &str) -> Self {
        Self { code, message: fit(format!("{english} / {chinese}")) }
    }

    /// A refusal with the code's own text.
    #[must_use]
    pub fn plain(code: ResultCode) -> Self {
        Self { code, message: code.message().to_owned() }
    }
}

impl From<ResultCode> for Rejection {
    fn from(code: ResultCode) -> Self {
        Self::plain(code)
    }
}

/// Cuts a message to what `resultMsg` may hold.
pub(crate) fn fit(mut message: String) -> String {
    if let Some((at, _)) = message.char_indices().nth(MESSAGE_LIMIT) {
        message.truncate(at);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_six_digits_and_read_back() {
        for &code in ResultCode::ALL {
            assert!(code.as_str().len() == 6 && code.as_str().bytes().all(|b| b.is_ascii_digit()));
            assert_eq!(code.as_str().parse(), Ok(code));
            assert!(code.message().contains(" / "), "{code} lacks a language");
        }
        assert_eq!("0000004".parse::<ResultCode>(), Err(UnknownResultCode));
        assert_eq!(ResultCode::ALL.iter().filter(|c| c.accepted()).count(), 2);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let rejection =
            Rejection::new(ResultCode::BadParameter, &"字".repeat(300), &"符".repeat(10));
        assert_eq!(rejection.message.chars().count(), MESSAGE_LIMIT);
        assert_eq!(rejection.message, "字".repeat(MESSAGE_LIMIT));
    }

    #[test]
    fn a_code_is_text_in_json() {
        let json = serde_json::to_string(&ResultCode::OutOfValidity).unwrap();
        assert_eq!(json, r#""000901""#);
        assert_eq!(serde_json::from_str::<ResultCode>(&json).unwrap(), ResultCode::OutOfValidity);
        assert!(serde_json::from_str::<ResultCode>(r#""000999""#).is_err());
    }
}
