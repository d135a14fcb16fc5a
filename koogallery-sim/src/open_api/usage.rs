//! Usage push, in its new form (signed once more, with numbered records) and its old one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use koogallery::upload;
use serde_json::{Value, json};
use sha2::Sha256;

use super::authentication::DATE_WINDOW_SECONDS;
use crate::api_message::{ApiAnswer, ApiRequest};
use crate::events::MarketEvent;
use crate::lock::locked;
use crate::simulator::Simulator;
use crate::usage::{MAX_RECORDS, UsageForm};

pub(super) const NEW: &str = "/api/mkp-openapi-public/global/v1/isv/usage-data";
pub(super) const OLD: &str = "/rest/marketplace/v1/isv/usage-data";

impl Simulator {
    pub(super) fn push_usage(&self, request: &ApiRequest<'_>) -> ApiAnswer {
        let form = if request.uri.path() == NEW { UsageForm::New } else { UsageForm::Old };
        let unauthorized = if form == UsageForm::New { "94060002" } else { "MKT.0154" };
        if let Err(refused) = self.authenticate(request) {
            return self.refuse(request, 401, unauthorized, &refused.to_string(), &upload::answer);
        }
        if form == UsageForm::New
            && let Err(wrong) = self.signed_usage(request)
        {
            return self.refuse(request, 401, unauthorized, wrong, &upload::answer);
        }
        let body: Value = serde_json::from_slice(request.body).unwrap_or_default();
        let Some(records) = body.get("usage_records").and_then(Value::as_array) else {
            let reason = "usage_records is no array";
            return self.refuse(request, 400, "MKT.0101", reason, &upload::answer);
        };
        if records.is_empty() || records.len() > MAX_RECORDS {
            let reason = "usage_records has 1 to 1,000 records";
            return self.refuse(request, 500, "MKT.9003", reason, &upload::answer);
        }
        let taken = locked(&self.usage).receive(form, records, self.now());
        self.report(MarketEvent::Usage {
            form: if form == UsageForm::New { "new" } else { "old" },
            counted: taken.counted,
            repeated: taken.repeated,
            abnormal: taken.abnormal.len(),
        });
        let Some(first) = taken.abnormal.first() else {
            return ApiAnswer::new(200, upload::answer("MKT.0000", "success"));
        };
        // The old form has no list: it names the first.
        let (status, code) = match form {
            UsageForm::New => (200, "94060999"),
            UsageForm::Old => (500, first.error_code),
        };
        let answer = json!({
            "error_code": code, "error_msg": first.error_msg, "abnormal_usage_data": taken.abnormal,
        });
        ApiAnswer::json(status, &answer)
    }

    /// Headers `signature`, `ts` and `nonce` over the body with its keys in natural order.
    fn signed_usage(&self, request: &ApiRequest<'_>) -> Result<(), &'static str> {
        let header = |name: &str| {
            let value = request.headers.get(name).and_then(|value| value.to_str().ok());
            value.filter(|value| !value.is_empty())
        };
        let signature = header("signature").ok_or("the header signature is missing")?;
        let ts = header("ts").filter(|ts| ts.len() == 13).ok_or("the header ts is not in ms")?;
        let nonce = header("nonce").filter(|nonce| nonce.len() <= 64);
        let nonce = nonce.ok_or("the header nonce is missing or over 64 characters")?;
        let at: i64 = ts.parse().map_err(|_| "the header ts is not in ms")?;
        if (self.now() - at / 1000).abs() > DATE_WINDOW_SECONDS {
            return Err("the header ts is outside of the window");
        }
        if let Some(key) = &self.access_key {
            let body: Value = serde_json::from_slice(request.body).map_err(|_| "no JSON")?;
            // serde_json keeps members by name: that is the natural order.
            let signed = sign(key.as_bytes(), ts, nonce, body.to_string().as_bytes());
            if signed != signature {
                return Err("the header signature is wrong");
            }
        }
        if locked(&self.usage_nonces).insert(nonce.to_owned()) {
            Ok(())
        } else {
            Err("the nonce was used before")
        }
    }
}

pub(super) fn sign(key: &[u8], ts: &str, nonce: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(format!("ts={ts}&nonce={nonce}&body=").as_bytes());
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}
