//! Refusals of documents (a stable code, the facts behind it, what to do next) and the warnings that
//! accompany valid ones.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Code, Lang, Timestamp, component::Dropped, doc_type::DocType, key::KeyId,
    match_report::MatchReport,
};

/// Why a document was refused, in the order of the checks (FORMAT.md, section 9).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// No document of the profile; the text says at what it failed.
    Malformed(&'static str),
    /// The checksum of the file form does not match.
    Damaged,
    /// The signing key is not on the list.
    KeyUnknown(KeyId),
    /// The document is newer than the expired trust list that should cover it.
    TrustListTooOld {
        /// End of the list's validity.
        expired: Timestamp,
    },
    /// Header or signature do not match.
    SignatureInvalid,
    /// The key is known but may not sign this.
    KeyNotAllowed {
        /// The key that signed.
        kid: KeyId,
        /// Which of its limits was hit.
        limit: KeyLimit,
    },
    /// Permanently stopped.
    Revoked,
    /// Stopped for the time being.
    Suspended,
    /// For another product.
    ProductMismatch {
        /// What the license is for.
        licensed: String,
        /// What asked.
        asked: String,
    },
    /// The version is outside of the license's range.
    VersionNotCovered {
        /// The range in the license.
        range: String,
        /// The program's version.
        version: String,
    },
    /// The program was released after the maintenance window.
    MaintenanceOver {
        /// End of the maintenance window.
        until: Timestamp,
        /// When the program was released.
        released: Timestamp,
    },
    /// The validity begins later.
    NotYetValid {
        /// Its begin.
        from: Timestamp,
        /// The time of the check.
        now: Timestamp,
    },
    /// Validity and grace are over.
    Expired {
        /// End of the validity, without grace.
        at: Timestamp,
        /// The time of the check.
        now: Timestamp,
    },
    /// The clock stands behind what was seen already.
    ClockRolledBack {
        /// The latest time seen.
        floor: Timestamp,
        /// The time of the check.
        now: Timestamp,
    },
    /// Too little of the enrolled machine was found.
    MachineMismatch(MatchReport),
    /// Nothing usable in the device text.
    MachineUnreadable {
        /// The values that were left out, with the reason.
        dropped: Vec<Dropped>,
    },
}

/// Which limit of a key a document broke.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyLimit {
    /// It may not sign documents of this type.
    Purpose(DocType),
    /// It may not sign for this product.
    Product,
    /// The document was issued outside of the key's lifetime.
    Lifetime,
    /// The key was retired before the document was issued.
    Retired,
    /// The key was revoked.
    Revoked,
}

impl Refusal {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Malformed(_) => Code::LicenseMalformed,
            Self::Damaged => Code::LicenseDamaged,
            Self::KeyUnknown(_) | Self::TrustListTooOld { .. } => Code::KeyUnknown,
            Self::SignatureInvalid => Code::SignatureInvalid,
            Self::KeyNotAllowed { .. } => Code::KeyNotAllowed,
            Self::Revoked => Code::LicenseRevoked,
            Self::Suspended => Code::LicenseSuspended,
            Self::ProductMismatch { .. } => Code::ProductMismatch,
            Self::VersionNotCovered { .. } | Self::MaintenanceOver { .. } => {
                Code::VersionNotCovered
            }
            Self::NotYetValid { .. } => Code::LicenseNotYetValid,
            Self::Expired { .. } => Code::LicenseExpired,
            Self::ClockRolledBack { .. } => Code::ClockRolledBack,
            Self::MachineMismatch(_) => Code::MachineMismatch,
            Self::MachineUnreadable { .. } => Code::MachineUnreadable,
        }
    }

    /// What is wrong, in one sentence.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        let general = self.code().message(lang);
        let en = lang == Lang::En;
        match self {
            // What it failed at is for those who write readers; they read English.
            Self::Malformed(at) if en => format!("{general} ({at})"),
            Self::KeyUnknown(kid) if en => format!("{general} ({kid})"),
            Self::KeyUnknown(kid) => format!("{general}（{kid}）"),
            Self::TrustListTooOld { expired } => {
                if en {
                    format!("the trust list ended on {} and the license is newer", expired.date())
                } else {
                    format!("信任列表已于 {} 到期，而许可证签发于其后", expired.date())
                }
            }
            Self::KeyNotAllowed { kid, limit } => {
                let limit = limit.message(lang);
                if en {
                    format!("{general} ({kid}: {limit})")
                } else {
                    format!("{general}（{kid}：{limit}）")
                }
            }
            Self::ProductMismatch { licensed, asked } => {
                if en {
                    format!("the license is for `{licensed}`, this is `{asked}`")
                } else {
                    format!("许可证属于产品“{licensed}”，当前产品为“{asked}”")
                }
            }
            Self::VersionNotCovered { range, version } => {
                if en {
                    format!("the license covers versions {range}, this is {version}")
                } else {
                    format!("许可证适用版本为 {range}，当前版本为 {version}")
                }
            }
            Self::MaintenanceOver { until, released } => {
                let (until, released) = (until.date(), released.date());
                if en {
                    format!("maintenance ended on {until}, this version was released on {released}")
                } else {
                    format!("维护期已于 {until} 结束，此版本发布于 {released}")
                }
            }
            Self::NotYetValid { from, .. } => {
                if en {
                    format!("the license is valid from {from}")
                } else {
                    format!("许可证自 {from} 起生效")
                }
            }
            Self::Expired { at, .. } => {
                if en {
                    format!("the license expired on {at}")
                } else {
                    format!("许可证已于 {at} 过期")
                }
            }
            Self::ClockRolledBack { floor, now } => {
                if en {
                    format!("the clock says {now}, but {floor} was seen before")
                } else {
                    format!("时钟显示 {now}，但此前已出现过 {floor}")
                }
            }
            Self::MachineMismatch(report) => {
                let colon = if en { ": " } else { "：" };
                format!("{general}{colon}{}", report.summary(lang))
            }
            Self::Malformed(_)
            | Self::Damaged
            | Self::SignatureInvalid
            | Self::Revoked
            | Self::Suspended
            | Self::MachineUnreadable { .. } => general.to_owned(),
        }
    }

    /// What the user should do next.
    #[must_use]
    pub fn remedy(&self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Self::Malformed(_) => (
                "Paste the whole license, from `eyJ` to its end, or use the .lic file.",
                "请粘贴完整的许可证（从 eyJ 到结尾），或使用 .lic 文件。",
            ),
            Self::Damaged => (
                "Get the file again; send it as an attachment, not as text in a mail.",
                "请重新获取文件，并以附件形式传送，不要粘贴在邮件正文中。",
            ),
            Self::KeyUnknown(_) | Self::TrustListTooOld { .. } => (
                "Update the trust list, or the program; ask the seller for both.",
                "请更新信任列表或程序，可向销售方索取。",
            ),
            Self::SignatureInvalid => (
                "Get the license again from the seller; do not edit it.",
                "请向销售方重新获取许可证，不要修改其内容。",
            ),
            Self::KeyNotAllowed { .. } => (
                "Ask the seller for a license signed with a valid key.",
                "请向销售方索取由有效密钥签发的许可证。",
            ),
            Self::Revoked => ("Ask the seller why it was revoked.", "请联系销售方了解吊销原因。"),
            Self::Suspended => (
                "Renew the order, or ask the seller why it was frozen.",
                "请续费，或联系销售方了解冻结原因。",
            ),
            Self::ProductMismatch { .. } => (
                "Use the license that was bought for this product.",
                "请使用为本产品购买的许可证。",
            ),
            Self::VersionNotCovered { .. } | Self::MaintenanceOver { .. } => (
                "Run a version that the license covers, or renew maintenance.",
                "请使用许可证包含的版本，或续购维护服务。",
            ),
            Self::NotYetValid { .. } => (
                "Check the computer's date and time, or wait until the license begins.",
                "请检查计算机的日期时间，或等待许可证生效。",
            ),
            Self::Expired { .. } => (
                "Renew the license; what was computed so far stays yours.",
                "请续费；已有的计算结果不受影响。",
            ),
            Self::ClockRolledBack { .. } => (
                "Set the computer's clock right and start again.",
                "请校准计算机时钟后重新启动程序。",
            ),
            Self::MachineMismatch(_) => (
                "Ask for a license for this machine, or put the changed part back.",
                "请为本机申请许可证，或恢复更换的部件。",
            ),
            Self::MachineUnreadable { .. } => (
                "Run `licctl devinfo` on this machine and send its output to the seller.",
                "请在本机运行 licctl devinfo，并将输出发给销售方。",
            ),
        };
        match lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    /// The comparison with the enrolled machine, where that is what failed.
    #[must_use]
    pub const fn report(&self) -> Option<&MatchReport> {
        match self {
            Self::MachineMismatch(report) => Some(report),
            _ => None,
        }
    }

    /// The refusal as one JSON object, as `licctl --json` and the SDK print it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "code": self.code(),
            "message": self.message(Lang::En),
            "message_zh": self.message(Lang::Zh),
            "remedy": self.remedy(Lang::En),
            "remedy_zh": self.remedy(Lang::Zh),
        });
        if let Some(report) = self.report() {
            json["explanation"] = json!(report);
        }
        if let Self::MachineUnreadable { dropped } = self {
            json["explanation"] = json!({ "dropped": dropped });
        }
        json
    }
}

impl KeyLimit {
    fn message(self, lang: Lang) -> String {
        let (en, zh) = match self {
            Self::Purpose(doc) => {
                return match lang {
                    Lang::En => format!("it may not sign a {}", doc.purpose()),
                    Lang::Zh => format!("无权签发 {}", doc.purpose()),
                };
            }
            Self::Product => ("it is for other products", "仅限其他产品"),
            Self::Lifetime => ("signed outside of its lifetime", "签发时间不在密钥有效期内"),
            Self::Retired => ("it was retired before", "密钥此前已停用"),
            Self::Revoked => ("it was revoked", "密钥已吊销"),
        };
        match lang {
            Lang::En => en.to_owned(),
            Lang::Zh => zh.to_owned(),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message(Lang::En))
    }
}

impl std::error::Error for Refusal {}

/// What the user should know of a license that is valid.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Warning {
    /// No device text was given, so the machine was not compared.
    BindingNotChecked,
    /// The binding rests on addresses that software chose.
    BindingWeak,
    /// The clock stands behind what was seen already, within tolerance or its first days.
    ClockBehind,
    /// The validity is over; the grace period runs.
    InGrace,
    /// A list that was used should have been renewed.
    ListExpired,
}

impl Warning {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BindingNotChecked => "BINDING_NOT_CHECKED",
            Self::BindingWeak => "BINDING_WEAK",
            Self::ClockBehind => "CLOCK_BEHIND",
            Self::InGrace => "IN_GRACE",
            Self::ListExpired => "LIST_EXPIRED",
        }
    }
}
