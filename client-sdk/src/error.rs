//! The error of every operation: a stable code and sentences in English and Chinese.

use license_core::{Code, Lang, Refusal};
use serde_json::{Value, json};

/// An error as events and outcomes carry it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {}", details.message)]
pub(crate) struct SdkError {
    pub(crate) code: Code,
    /// Boxed: errors are rare and must not enlarge every `Result`.
    details: Box<ErrorDetails>,
}

#[derive(Clone, Debug, PartialEq)]
struct ErrorDetails {
    message: String,
    message_zh: String,
    remedy: String,
    remedy_zh: String,
    explanation: Option<Value>,
}

impl SdkError {
    /// The code's own sentence and nothing more.
    pub(crate) fn of(code: Code) -> Self {
        Self::new(code, code.message(Lang::En), code.message(Lang::Zh))
    }

    pub(crate) fn new(
        code: Code,
        message: impl Into<String>,
        message_zh: impl Into<String>,
    ) -> Self {
        let (remedy, remedy_zh) = remedy(code);
        let details = ErrorDetails {
            message: message.into(),
            message_zh: message_zh.into(),
            remedy: remedy.to_owned(),
            remedy_zh: remedy_zh.to_owned(),
            explanation: None,
        };
        Self { code, details: Box::new(details) }
    }

    /// The code's sentence followed by a fact, the same in both languages.
    pub(crate) fn with(code: Code, fact: impl std::fmt::Display) -> Self {
        Self::new(
            code,
            format!("{}: {fact}", code.message(Lang::En)),
            format!("{}：{fact}", code.message(Lang::Zh)),
        )
    }

    /// Adds what else went wrong on the way.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.details.message = format!("{}; {}", self.details.message, other.details.message);
        self.details.message_zh =
            format!("{}；{}", self.details.message_zh, other.details.message_zh);
        self
    }

    /// For `ErrorMsg`: English and Chinese in one text.
    pub(crate) fn bilingual(&self) -> String {
        let join = |message: &str, stop: &str, remedy: &str| {
            let message = message.trim_end_matches(['.', '。']);
            if remedy.is_empty() { message.to_owned() } else { format!("{message}{stop}{remedy}") }
        };
        let details = &self.details;
        let english = join(&details.message, ". ", &details.remedy);
        let chinese = join(&details.message_zh, "。", &details.remedy_zh);
        format!("{english} / {chinese}")
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut json = json!({
            "code": self.code,
            "message": self.details.message,
            "message_zh": self.details.message_zh,
            "remedy": self.details.remedy,
            "remedy_zh": self.details.remedy_zh,
        });
        if let Some(explanation) = &self.details.explanation {
            json["explanation"] = explanation.clone();
        }
        json
    }
}

impl From<Refusal> for SdkError {
    fn from(refusal: Refusal) -> Self {
        let mut json = refusal.to_json();
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        let details = ErrorDetails {
            message: text("message"),
            message_zh: text("message_zh"),
            remedy: text("remedy"),
            remedy_zh: text("remedy_zh"),
            explanation: json.get_mut("explanation").map(Value::take),
        };
        Self { code: refusal.code(), details: Box::new(details) }
    }
}

/// What the user can do, for the codes that no document's refusal explains.
const fn remedy(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::ActivationCodeUnknown => (
            "Check the activation code; it stands in the order's details.",
            "请核对激活码，可在订单详情中查看。",
        ),
        Code::MachinesExhausted => (
            "Release a machine that is no longer used, or buy more.",
            "请释放不再使用的机器，或增购数量。",
        ),
        Code::RateLimited | Code::ServiceUnavailable | Code::OrderPending => {
            ("Try again in some minutes.", "请稍后重试。")
        }
        Code::ServerUnreachable => (
            "Check the network and the proxy, or install a license file.",
            "请检查网络和代理设置，或安装许可证文件。",
        ),
        Code::LicenseMissing => (
            "Enter the activation code, or open a license file.",
            "请输入激活码，或打开许可证文件。",
        ),
        Code::ReceiptInvalid => (
            "Try again; if it stays, something between this machine and the server changes answers.",
            "请重试；如仍失败，说明网络中有设备篡改应答。",
        ),
        Code::StateUnwritable => (
            "Make the folder writable, or set another one (LICSDK_STATE_DIR).",
            "请检查目录权限，或通过 LICSDK_STATE_DIR 指定其他目录。",
        ),
        Code::PackageDamaged => {
            ("Try again, or get the package from the seller.", "请重试，或向销售方获取安装包。")
        }
        _ => ("", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_holds_both_languages_and_what_to_do() {
        let failure = SdkError::of(Code::RateLimited);
        assert_eq!(
            failure.bilingual(),
            "too many requests. Try again in some minutes. / 请求过于频繁。请稍后重试。"
        );
        let both = SdkError::of(Code::LicenseExpired).and(&SdkError::of(Code::ServerUnreachable));
        assert_eq!(both.code, Code::LicenseExpired);
        assert!(both.to_string().contains("cannot be reached"));
    }

    #[test]
    fn a_refusal_keeps_its_explanation() {
        let failure = SdkError::from(Refusal::MachineUnreadable { dropped: Vec::new() });
        assert_eq!(failure.to_json()["code"], "MACHINE_UNREADABLE");
        assert!(failure.to_json()["explanation"].is_object());
        assert!(failure.to_json()["remedy"].as_str().unwrap().contains("devinfo"));
    }
}
