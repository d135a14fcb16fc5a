//! The answers of faults: refusals before anything is done, and answers that are lost or late.

use std::time::Duration;

use koogallery::{order, upload};
use serde_json::json;

use super::connection::ConnectionCut;
use super::usage;
use crate::api_message::ApiAnswer;
use crate::faults::{Api, ApiFault};

/// Longer than any seller waits.
const HANG_DURATION: Duration = Duration::from_mins(1);

/// What is answered instead of anything being done; none where the fault only disturbs an answer.
pub(super) fn refusal(api: Api, fault: ApiFault, path: &str) -> Option<ApiAnswer> {
    let text = "a fault that was ordered";
    let (status, code) = match fault {
        ApiFault::Status(status) => (status, None),
        ApiFault::Refuse(status, code) => (status, Some(code)),
        _ => return None,
    };
    if let Api::Authorize | Api::Token | Api::UserInfo | Api::Logout = api {
        let error = code.unwrap_or(match status {
            401 => "invalid_token",
            403 => "access_denied",
            500 => "server_error",
            _ => "temporarily_unavailable",
        });
        let body = json!({ "error": error, "error_description": text });
        return Some(ApiAnswer::json(status, &body));
    }
    let write = if api == Api::Order { order::refusal } else { upload::answer };
    let code = code.unwrap_or_else(|| code_of(api, status, path));
    Some(ApiAnswer::new(status, write(code, text)))
}

/// The code that the interface's table has for a status.
fn code_of(api: Api, status: u16, path: &str) -> &'static str {
    match (api, status) {
        (Api::Order | Api::Usage, 403) => "MKT.0150",
        (Api::Order | Api::Usage, 406) => "MKT.0250",
        (Api::Upload, 406) => "CBC.0250",
        (Api::Usage, 500) if path == usage::NEW => "94060001",
        (Api::Usage, 401) if path == usage::NEW => "94060002",
        (Api::Order | Api::Usage, 401) => "MKT.0154",
        (Api::Order | Api::Usage, 500) => "MKT.0999",
        (Api::Upload, 500) => "CBC.0999",
        (Api::Upload, 403) => "CBC.0150",
        (Api::Activate | Api::Heartbeat, 403 | 500) => "92020001",
        (_, 401) => "APIGW.0301",
        // Throttled by the gateway.
        _ => "APIGW.0308",
    }
}

/// The answer to something that was done, lost or late.
pub(super) async fn disturb(
    fault: ApiFault,
    answer: ApiAnswer,
    connection: &ConnectionCut,
) -> ApiAnswer {
    match fault {
        ApiFault::Timeout => {
            tokio::time::sleep(HANG_DURATION).await;
            connection.cut();
            answer
        }
        ApiFault::Close => {
            connection.cut();
            answer
        }
        ApiFault::Slow(delay) => {
            tokio::time::sleep(delay).await;
            answer
        }
        ApiFault::Garbage => ApiAnswer::new(200, "<html><body>Service Unavailable</body></html>"),
        ApiFault::Status(_) | ApiFault::Refuse(..) => answer,
    }
}
