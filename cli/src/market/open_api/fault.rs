//! How a fault looks from outside.

use std::time::Duration;

use koogallery::{order, upload};
use serde_json::json;

use super::{Answer, usage};
use crate::market::connection::Cord;
use crate::market::faults::{Api, Fault};

/// Longer than any seller waits.
const SILENCE: Duration = Duration::from_mins(1);
const DELAY: Duration = Duration::from_secs(3);

/// A status that is answered instead of anything being done.
pub(super) fn refusal(api: Api, status: u16, path: &str) -> Answer {
    let text = "a fault that was ordered";
    let code = match (api, status) {
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
        (Api::Authorize | Api::Token | Api::UserInfo | Api::Logout, _) => {
            let error = match status {
                401 => "invalid_token",
                403 => "access_denied",
                500 => "server_error",
                _ => "temporarily_unavailable",
            };
            let body = json!({ "error": error, "error_description": text });
            return Answer::json(status, &body);
        }
        (_, 401) => "APIGW.0301",
        // Throttled by the gateway.
        _ => "APIGW.0308",
    };
    let write = if api == Api::Order { order::refusal } else { upload::answer };
    Answer::new(status, write(code, text))
}

/// The answer to something that was done, lost or late.
pub(super) async fn disturb(fault: Fault, answer: Answer, cord: &Cord) -> Answer {
    match fault {
        Fault::Timeout => {
            tokio::time::sleep(SILENCE).await;
            cord.cut();
            answer
        }
        Fault::Close => {
            cord.cut();
            answer
        }
        Fault::Slow => {
            tokio::time::sleep(DELAY).await;
            answer
        }
        Fault::Garbage => Answer::new(200, "<html><body>Service Unavailable</body></html>"),
        Fault::Status(_) => answer,
    }
}
