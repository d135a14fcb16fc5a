//! Outcomes of calls as data: a code, and the JSON object that explains it.

use std::fmt;

use license_core::{Code, api::UsageAnswer, verify::Verified};
use serde_json::{Value, json};

use crate::error::SdkError;

/// The answer to a question about a license.
///
/// [`Display`](fmt::Display) prints the JSON object: the verified claims, `state`, `warnings` and
/// `days_left`, or `code`, `message`, `message_zh`, `remedy`, `remedy_zh` and, where parts of the
/// machine were compared, `explanation`.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    code: Code,
    json: Value,
}

impl Outcome {
    /// The stable code; [`Code::Ok`] for a valid license.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// Whether the license is valid.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.code == Code::Ok
    }

    /// The whole answer.
    #[must_use]
    pub const fn json(&self) -> &Value {
        &self.json
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json.fmt(f)
    }
}

impl From<&Verified> for Outcome {
    fn from(verified: &Verified) -> Self {
        Self { code: Code::Ok, json: verified.to_json() }
    }
}

impl From<&UsageAnswer> for Outcome {
    fn from(answer: &UsageAnswer) -> Self {
        Self { code: Code::Ok, json: json!({ "code": Code::Ok, "records": answer.records }) }
    }
}

impl From<&SdkError> for Outcome {
    fn from(failure: &SdkError) -> Self {
        Self { code: failure.code, json: failure.to_json() }
    }
}

impl From<Result<Verified, SdkError>> for Outcome {
    fn from(result: Result<Verified, SdkError>) -> Self {
        match result {
            Ok(verified) => Self::from(&verified),
            Err(failure) => Self::from(&failure),
        }
    }
}
