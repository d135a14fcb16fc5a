//! The error of client and admin routes: a stable code, a status and a text in both languages.

use license_core::{Code, Lang};

/// A refusal or failure, as the caller reads it; becomes `application/problem+json` (RFC 9457).
///
/// The texts leave the server: they never hold secrets, SQL or paths.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{code}: {detail}")]
pub(crate) struct ApiError {
    /// Stable word for the outcome.
    pub(crate) code: Code,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What happened and what to do, English.
    pub(crate) detail: String,
    /// The same in Chinese.
    pub(crate) detail_zh: String,
    /// Seconds after which a retry makes sense.
    pub(crate) retry_after: Option<u32>,
}

impl ApiError {
    /// An error with the status that belongs to `code`.
    pub(crate) fn new(code: Code, detail: impl Into<String>, detail_zh: impl Into<String>) -> Self {
        Self {
            code,
            status: status_of(code),
            detail: detail.into(),
            detail_zh: detail_zh.into(),
            retry_after: None,
        }
    }

    /// An error whose text is the code's own message.
    pub(crate) fn plain(code: Code) -> Self {
        Self::new(code, code.message(Lang::En), code.message(Lang::Zh))
    }

    /// The same error under another status.
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Sets after how many seconds a retry makes sense.
    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The answer to a failure inside the server; its cause is logged here, once, and not shown.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "a request failed inside the server");
        Self::defect()
    }

    /// The answer to a failure inside the server that was logged already.
    pub(crate) fn defect() -> Self {
        Self::new(
            Code::Internal,
            "The server failed to answer; its log says why. Try again later.",
            "服务器处理失败，原因见服务器日志。请稍后重试。",
        )
        .retry_after(5)
    }

    /// The answer while the database does not respond; logged here.
    pub(crate) fn unavailable(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "a request failed because the database did not answer");
        Self::plain(Code::ServiceUnavailable).retry_after(5)
    }
}

/// The HTTP status that belongs to a code unless a route says otherwise.
fn status_of(code: Code) -> u16 {
    match code {
        Code::Ok => 200,
        Code::RequestInvalid | Code::ReceiptInvalid => 400,
        Code::Unauthorized => 401,
        Code::ActivationCodeUnknown | Code::Forbidden => 403,
        Code::NotFound | Code::ProductUnknown => 404,
        Code::Conflict | Code::MachinesExhausted | Code::SeatsExhausted | Code::OrderPending => 409,
        Code::PayloadTooLarge => 413,
        Code::RateLimited => 429,
        Code::ServiceUnavailable => 503,
        Code::Internal => 500,
        // Every other code is a rule that refuses a request that was understood.
        _ => 422,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_status() {
        for (code, status) in [
            (Code::MachinesExhausted, 409),
            (Code::ActivationCodeUnknown, 403),
            (Code::RateLimited, 429),
            (Code::PayloadTooLarge, 413),
            (Code::MachineUnreadable, 422),
            (Code::Internal, 500),
        ] {
            assert_eq!(ApiError::plain(code).status, status, "{code}");
        }
    }
}
