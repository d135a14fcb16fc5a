//! Events: their kinds, and the marketplace's JSON envelope around them.

use std::path::Path;

use license_core::Code;
use serde_json::{Map, Value, json};

use crate::error::SdkError;

/// What an event is about. The numbers are those of the C++ enum; append only.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(i32)]
#[non_exhaustive]
pub enum EventType {
    /// The service answered a sign of life.
    Heartbeat = 1,
    /// The end of a request for a license.
    LicenseVerify = 2,
    /// The end of a question for newer versions.
    UpgradeNotice = 3,
    /// An upgrade is due, or its package is ready.
    Update = 4,
    /// A floating seat was claimed, renewed or lost.
    Lease = 5,
    /// The service closed.
    Closed = 6,
}

impl EventType {
    /// The number in the C and C++ enums.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }
}

/// The form in which a program takes its license.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum LicenseType {
    /// The license string, in `LicenseContent`.
    String,
    /// A `.lic` file, its absolute path in `LicenseFilePath`.
    File,
}

impl LicenseType {
    /// As the envelope writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::File => "file",
        }
    }
}

/// One event on its way to the program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Event {
    pub(crate) kind: EventType,
    pub(crate) message: String,
}

impl Event {
    fn new(kind: EventType, operate: &str, params: &Value) -> Self {
        let message = json!({ "operate": operate, "params": params, "comeBackParams": {} });
        Self { kind, message: message.to_string() }
    }

    /// A verified license as text.
    pub(crate) fn license_string(content: &str, warnings: &[String]) -> Self {
        Self::license(json!({ "LicenseContent": content, "LicenseType": "string" }), warnings)
    }

    /// A verified license as a file.
    pub(crate) fn license_file(path: &Path, warnings: &[String]) -> Self {
        let path = path.to_string_lossy();
        Self::license(json!({ "LicenseFilePath": path, "LicenseType": "file" }), warnings)
    }

    fn license(mut params: Value, warnings: &[String]) -> Self {
        params["Status"] = "success".into();
        if !warnings.is_empty() {
            params["Warnings"] = warnings.join(",").into();
        }
        Self::new(EventType::LicenseVerify, "LicenseVerify", &params)
    }

    /// A license could not be had.
    pub(crate) fn license_failed(kind: LicenseType, failure: &SdkError) -> Self {
        let params = json!({
            "Status": "failed",
            "LicenseType": kind.as_str(),
            "ErrorCode": failure.code,
            "ErrorMsg": failure.bilingual(),
        });
        Self::new(EventType::LicenseVerify, "LicenseVerify", &params)
    }

    /// What is known of newer versions; `facts` are text members.
    pub(crate) fn upgrade_notice(available: bool, state: &str, facts: Map<String, Value>) -> Self {
        let mut params = facts;
        params.insert("available".to_owned(), available.to_string().into());
        params.insert("state".to_owned(), state.into());
        Self::new(EventType::UpgradeNotice, "UpgradeNotice", &Value::Object(params))
    }

    /// This version must be left: there is no choice.
    pub(crate) fn update_forced() -> Self {
        Self::new(EventType::Update, "Update", &json!({ "fromForceWin": "true" }))
    }

    /// The package was fetched and is the published one.
    pub(crate) fn update_ready(version: &str, path: &Path) -> Self {
        let params = json!({
            "fromForceWin": "false",
            "Status": "success",
            "version": version,
            "path": path.to_string_lossy(),
        });
        Self::new(EventType::Update, "Update", &params)
    }

    /// The package could not be had.
    pub(crate) fn update_failed(failure: &SdkError) -> Self {
        let params = json!({
            "fromForceWin": "false",
            "Status": "failed",
            "ErrorCode": failure.code,
            "ErrorMsg": failure.bilingual(),
        });
        Self::new(EventType::Update, "Update", &params)
    }
}

/// A request that an event will end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RequestKind {
    License(LicenseType),
    Versions,
    Package,
}

impl RequestKind {
    /// The event that ends the question when it cannot be answered.
    pub(crate) fn failed(self, failure: &SdkError) -> Event {
        match self {
            Self::License(kind) => Event::license_failed(kind, failure),
            Self::Versions => {
                let mut facts = Map::new();
                // No network and no release are nothing to bother a user with.
                if !matches!(failure.code, Code::ServerUnreachable | Code::NotFound) {
                    facts.insert("ErrorCode".to_owned(), json!(failure.code));
                    facts.insert("ErrorMsg".to_owned(), failure.bilingual().into());
                }
                Event::upgrade_notice(false, "unknown", facts)
            }
            Self::Package => Event::update_failed(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_the_marketplaces() {
        let event = Event::license_string("0078369f54", &[]);
        let expected = json!({
            "operate": "LicenseVerify",
            "params": {"Status": "success", "LicenseContent": "0078369f54", "LicenseType": "string"},
            "comeBackParams": {}
        });
        assert_eq!(serde_json::from_str::<Value>(&event.message).unwrap(), expected);
        assert_eq!(event.kind.number(), 2);

        let event =
            Event::license_file(Path::new("D:\\许可\\license.lic"), &["BINDING_WEAK".to_owned()]);
        let message: Value = serde_json::from_str(&event.message).unwrap();
        assert_eq!(message["params"]["LicenseFilePath"], "D:\\许可\\license.lic");
        assert_eq!(message["params"]["Warnings"], "BINDING_WEAK");
    }

    #[test]
    fn every_question_has_an_end_for_failures() {
        let failure = SdkError::of(Code::Internal);
        for (asked, kind, operate) in [
            (RequestKind::License(LicenseType::File), EventType::LicenseVerify, "LicenseVerify"),
            (RequestKind::Versions, EventType::UpgradeNotice, "UpgradeNotice"),
            (RequestKind::Package, EventType::Update, "Update"),
        ] {
            let event = asked.failed(&failure);
            assert_eq!(event.kind, kind);
            let message: Value = serde_json::from_str(&event.message).unwrap();
            assert_eq!(message["operate"], operate);
            assert_eq!(message["params"]["ErrorCode"], "INTERNAL");
            assert_eq!(message["params"]["ErrorMsg"], "internal error / 内部错误");
        }
        let silent = RequestKind::Versions.failed(&SdkError::of(Code::ServerUnreachable));
        let message: Value = serde_json::from_str(&silent.message).unwrap();
        assert_eq!(message["params"], json!({"available": "false", "state": "unknown"}));
    }
}
