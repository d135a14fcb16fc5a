//! Outcome codes: one stable word each, the same in HTTP answers, `licctl --json` and C++.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The languages that buyers and operators read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal, $text:literal, $en:literal, $zh:literal;)*) => {
        /// A stable outcome (FORMAT.md, section 9). Append only: numbers are part of the C++ ABI.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])* $name = $number,)*
        }

        impl Code {
            /// Every code, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable word, `LICENSE_EXPIRED`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// One sentence for people.
            #[must_use]
            pub const fn message(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$name, Lang::En) => $en, (Self::$name, Lang::Zh) => $zh,)*
                }
            }
        }
    };
}

codes! {
    /// Done, or valid.
    Ok = 0, "OK", "valid", "有效";
    /// No license could be read from the text.
    LicenseMalformed = 1, "LICENSE_MALFORMED", "this is not a license", "这不是许可证";
    /// The text was changed on its way (the checksum says so).
    LicenseDamaged = 2, "LICENSE_DAMAGED", "the license text was damaged in copying", "许可证文本在复制过程中损坏";
    /// Signed by a key that the reader does not know.
    KeyUnknown = 3, "KEY_UNKNOWN", "the license was signed by a key that this program does not know", "许可证由本程序不认识的密钥签名";
    /// Not genuine.
    SignatureInvalid = 4, "SIGNATURE_INVALID", "the license is not genuine", "许可证不是真的";
    /// The key may not sign this.
    KeyNotAllowed = 5, "KEY_NOT_ALLOWED", "the key that signed the license was not allowed to", "签名密钥无权签发此许可证";
    /// Permanently stopped by the seller.
    LicenseRevoked = 6, "LICENSE_REVOKED", "the license was revoked", "许可证已被吊销";
    /// Stopped by the seller for the time being.
    LicenseSuspended = 7, "LICENSE_SUSPENDED", "the license is suspended", "许可证已被冻结";
    /// For another product.
    ProductMismatch = 8, "PRODUCT_MISMATCH", "the license is for another product", "许可证属于其他产品";
    /// For other versions of the product.
    VersionNotCovered = 9, "VERSION_NOT_COVERED", "the license does not cover this version", "许可证不包含此版本";
    /// Its validity has not begun.
    LicenseNotYetValid = 10, "LICENSE_NOT_YET_VALID", "the license is not valid yet", "许可证尚未生效";
    /// Its validity and grace are over.
    LicenseExpired = 11, "LICENSE_EXPIRED", "the license has expired", "许可证已过期";
    /// The computer's clock was set back.
    ClockRolledBack = 12, "CLOCK_ROLLED_BACK", "the computer's clock was set back", "计算机时钟被回拨";
    /// Issued to another machine.
    MachineMismatch = 13, "MACHINE_MISMATCH", "the license belongs to another machine", "许可证属于其他机器";
    /// Nothing in the device text can tell this machine from others.
    MachineUnreadable = 14, "MACHINE_UNREADABLE", "nothing usable identifies this machine", "无法识别本机硬件信息";

    /// No instance has this activation code.
    ActivationCodeUnknown = 20, "ACTIVATION_CODE_UNKNOWN", "the activation code is not known", "激活码不存在";
    /// Every place for a machine is taken.
    MachinesExhausted = 21, "MACHINES_EXHAUSTED", "every machine that was bought is in use", "已购买的机器数已用完";
    /// Every floating seat is taken.
    SeatsExhausted = 22, "SEATS_EXHAUSTED", "every seat is in use", "浮动席位已用完";
    /// The order behind the instance could not be read yet.
    OrderPending = 23, "ORDER_PENDING", "the order is still being read", "订单正在读取中";
    /// Too many requests.
    RateLimited = 24, "RATE_LIMITED", "too many requests", "请求过于频繁";
    /// A member is missing, too long or of the wrong type.
    RequestInvalid = 25, "REQUEST_INVALID", "the request is not well formed", "请求格式不正确";
    /// The product is not configured.
    ProductUnknown = 26, "PRODUCT_UNKNOWN", "the product is not known", "产品未配置";
    /// There is no such thing at this address.
    NotFound = 27, "NOT_FOUND", "not found", "未找到";
    /// No token, or a wrong one.
    Unauthorized = 28, "UNAUTHORIZED", "a valid token is needed", "需要有效的令牌";
    /// The token's role does not allow it.
    Forbidden = 29, "FORBIDDEN", "the token's role does not allow this", "令牌权限不足";
    /// The state does not allow it.
    Conflict = 30, "CONFLICT", "the present state does not allow this", "当前状态不允许此操作";
    /// The body is over its limit.
    PayloadTooLarge = 31, "PAYLOAD_TOO_LARGE", "the request is too large", "请求体过大";
    /// The server's answer does not belong to our question.
    ReceiptInvalid = 32, "RECEIPT_INVALID", "the server's answer does not belong to this question", "服务器应答与请求不符";
    /// The server cannot serve at the moment.
    ServiceUnavailable = 33, "SERVICE_UNAVAILABLE", "the service cannot answer at the moment", "服务暂时不可用";
    /// A link of the audit chain was changed, replaced or taken away.
    AuditBroken = 34, "AUDIT_BROKEN", "the audit chain is broken", "审计链已损坏";
    /// Nothing is paid by use here: no such entitlement is metered, or the order is paid otherwise.
    NotMetered = 35, "NOT_METERED", "nothing is paid by use here", "此处没有按使用量计费的内容";

    /// `Init` was not called, or failed.
    NotInitialized = 40, "NOT_INITIALIZED", "the SDK is not initialized", "SDK 尚未初始化";
    /// The program's configuration cannot be used.
    ConfigInvalid = 41, "CONFIG_INVALID", "the configuration cannot be used", "配置无效";
    /// The license server cannot be reached.
    ServerUnreachable = 42, "SERVER_UNREACHABLE", "the license server cannot be reached", "无法连接许可证服务器";
    /// There is no license on this machine and no server to ask.
    LicenseMissing = 43, "LICENSE_MISSING", "there is no license on this machine", "本机没有许可证";
    /// The SDK was shut down.
    ShutDown = 44, "SHUT_DOWN", "the SDK was shut down", "SDK 已关闭";
    /// The state folder cannot be written.
    StateUnwritable = 45, "STATE_UNWRITABLE", "the state folder cannot be written", "状态目录不可写";
    /// No upgrade was offered that could be accepted.
    UpgradeNotOffered = 46, "UPGRADE_NOT_OFFERED", "no upgrade was offered", "没有可用的升级";
    /// The downloaded package is not the one that was signed for.
    PackageDamaged = 47, "PACKAGE_DAMAGED", "the package is not the one that was published", "安装包与发布内容不一致";

    /// A defect of ours.
    Internal = 255, "INTERNAL", "internal error", "内部错误";
}

impl Code {
    /// The number in the C and C++ enums.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is no code of ours.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no known code")]
pub struct UnknownCode(String);

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == text)
            .ok_or_else(|| UnknownCode(text.to_owned()))
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_unique_and_read_back() {
        for (i, code) in Code::ALL.iter().enumerate() {
            assert_eq!(code.as_str().parse(), Ok(*code));
            assert!(Code::ALL[..i].iter().all(|other| other.number() < code.number()), "{code}");
            assert!(!code.message(Lang::Zh).is_ascii(), "{code} has no Chinese message");
        }
        assert!("LICENSE".parse::<Code>().is_err());
    }
}
