//! The error of client and admin routes: a stable code, a status and a text in both languages.

use license_core::{Code, Lang};

/// What a client or an operator is told; becomes `application/problem+json` (RFC 9457).
///
/// The texts are shown to strangers: they never hold secrets, SQL or paths.
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
    /// Seconds after which asking again makes sense.
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

    /// Tells when asking again makes sense.
    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// What the caller is told when something broke here; the cause goes to the log, once.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "a request failed inside the server");
        Self::defect()
    }

    /// The answer to a failure of ours that was logged already.
    pub(crate) fn defect() -> Self {
        Self::new(
            Code::Internal,
            "The server failed to answer; its log says why. Try again later.",
            "服务器处理失败，原因见服务器日志。请稍后重试。",
        )
        .retry_after(5)
    }

    /// The database or another part that a request needs does not answer just now.
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
        // Everything else is a rule that the request ran into: understood, and refused.
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
