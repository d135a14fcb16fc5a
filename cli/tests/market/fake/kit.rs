//! The fake seller's side of the kit.

use std::collections::HashSet;

use axum::http::{HeaderMap, StatusCode};
use koogallery::Edition;
use koogallery::kit::{KitCall, KitInterface, LIMIT, V1_PATH, V2_PATH, signature};
use koogallery::{Answer, Body, Presented, Rejection, ResultCode};

use super::{Desk, Fault, now_ms};

impl Desk {
    pub(super) fn kit(&self, path: &str, headers: &HeaderMap, raw: &[u8]) -> (StatusCode, Vec<u8>) {
        let below = path.split_once("/koogallery").unwrap_or_default().1;
        let found = below
            .strip_prefix(V2_PATH)
            .map(|segment| (Edition::V2, segment))
            .or_else(|| Some((Edition::V1, below.strip_prefix(V1_PATH)?)))
            .and_then(|(edition, segment)| Some((edition, KitInterface::from_segment(segment)?)));
        let Some((edition, interface)) = found else { return (StatusCode::NOT_FOUND, Vec::new()) };
        if raw.len() > LIMIT {
            return (StatusCode::PAYLOAD_TOO_LARGE, Vec::new());
        }
        let answer = self.judge_kit(edition, interface, headers, raw).unwrap_or_else(Answer::from);
        (StatusCode::OK, answer.to_json())
    }

    fn judge_kit(
        &self,
        edition: Edition,
        interface: KitInterface,
        headers: &HeaderMap,
        raw: &[u8],
    ) -> Result<Answer, Rejection> {
        let body = Body::parse(raw)?;
        let header = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let keys = self.accepted(&self.keys.kit);
        if edition == Edition::V1 {
            signature::verify_token(&header("authToken"), &body, &keys)?;
        } else {
            let presented = Presented {
                signature: header(signature::SIGN),
                timestamp: header(signature::TIMESTAMP),
                nonce: header(signature::NONCE),
            };
            signature::verify(&presented, raw, &body, &keys, now_ms(), 60_000)?;
        }
        KitCall::read(interface, edition, &body)?;
        let mut synced: std::sync::MutexGuard<'_, HashSet<String>> = self.synced.lock().unwrap();
        let key = format!("{}{:?}", interface.as_str(), body.text("flag"));
        if !synced.insert(key) && self.fault == Some(Fault::SyncsOnce) {
            return Err(ResultCode::Internal.into());
        }
        Ok(Answer::success())
    }
}
