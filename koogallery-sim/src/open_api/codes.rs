//! Authorization codes: activate and heartbeat, one at a time (v1) and up to 100 (v2).
//!
//! What a v2 answer looks like is not public: here it is v1's `data`, one for each code.

use jiff::civil::DateTime;
use koogallery::upload;
use serde_json::{Value, json};

use crate::api_message::{ApiAnswer, ApiRequest};
use crate::codes::{CodeChange, CodePurchase, CodeRefusal, SoldCode};
use crate::events::MarketEvent;
use crate::faults::Api;
use crate::lock::locked;
use crate::simulator::Simulator;

const PREFIX: &str = "/api/mkp-openapi-public/global/";
const MAX_BATCH: usize = 100;
const INVALID: &str = "92020002";

pub(super) fn api_of(path: &str) -> Option<Api> {
    let (version, rest) = path.strip_prefix(PREFIX)?.split_once('/')?;
    match (version, rest) {
        ("v1" | "v2", "license/activate") => Some(Api::Activate),
        ("v1" | "v2", "license/heartbeat") => Some(Api::Heartbeat),
        _ => None,
    }
}

impl Simulator {
    pub(super) fn codes(&self, request: &ApiRequest<'_>, api: Api) -> ApiAnswer {
        if let Err(refused) = self.authenticate(request) {
            return self.refuse(request, 403, "92020001", &refused.to_string(), &upload::answer);
        }
        let batch = request.uri.path().starts_with(&format!("{PREFIX}v2/"));
        let (names, effective) = match read(request.body, batch) {
            Ok(read) => read,
            Err(wrong) => return self.refuse(request, 400, INVALID, wrong, &upload::answer),
        };
        let found: Vec<_> =
            names.into_iter().map(|name| (self.use_code(&name, api, effective), name)).collect();
        if batch {
            let rows: Vec<_> = found.iter().map(|(code, name)| row(api, name, code)).collect();
            let answer = json!({ "error_code": "92020000", "error_msg": "success", "data": rows });
            return ApiAnswer::json(200, &answer);
        }
        match found.into_iter().next() {
            Some((Ok(code), _)) => {
                let data = data(api, &code);
                let answer =
                    json!({ "error_code": "92020000", "error_msg": "success", "data": data });
                ApiAnswer::json(200, &answer)
            }
            Some((Err(unusable), _)) => {
                let (status, code, text) = unusable.code();
                self.refuse(request, status, code, text, &upload::answer)
            }
            None => self.refuse(request, 400, INVALID, "license is missing", &upload::answer),
        }
    }

    fn use_code(
        &self,
        name: &str,
        api: Api,
        effective: Option<i64>,
    ) -> Result<SoldCode, CodeRefusal> {
        let now = self.now();
        let found = {
            let mut codes = locked(&self.codes);
            match api {
                Api::Activate => codes.activate(name, effective, now),
                _ => codes.heartbeat(name, now),
            }
        };
        let outcome = match &found {
            Ok(code) => code.status().to_owned(),
            Err(unusable) => unusable.code().2.to_owned(),
        };
        let step = api.word();
        self.report(MarketEvent::Code { step, code: name.to_owned(), outcome });
        found
    }

    /// Sells codes and changes them: no interface of the marketplace, but what its pages do.
    pub(super) fn change_codes(&self, request: &ApiRequest<'_>) -> ApiAnswer {
        let wrong = |text: &str| ApiAnswer::new(400, upload::answer(INVALID, text));
        let path = request.uri.path().trim_start_matches("/codes").trim_start_matches('/');
        let now = self.now();
        if path.is_empty() {
            let purchase = match serde_json::from_slice::<CodePurchase>(request.body) {
                Ok(purchase) => purchase,
                Err(error) => return wrong(&error.to_string()),
            };
            let Ok(random) = self.sources.random::<12>() else {
                return wrong("no random numbers");
            };
            let name = format!("PL{}", hex::encode_upper(random));
            let code = locked(&self.codes).sell(name, &purchase, now);
            return self.changed("sell", 201, &code);
        }
        let change = path.split_once('/').and_then(|(name, word)| {
            Some((name, ["receive", "expire", "renew", "release"].iter().find(|w| **w == word)?))
        });
        let Some((name, word)) = change else {
            return wrong("POST /codes/CODE/receive, expire, renew or release");
        };
        let code = CodeChange::parse(word).and_then(|to| locked(&self.codes).change(name, to, now));
        match code {
            Some(code) => self.changed(word, 200, &code),
            None => ApiAnswer::new(404, upload::answer("92020005", "license code not exist")),
        }
    }

    fn changed(&self, step: &'static str, status: u16, code: &SoldCode) -> ApiAnswer {
        let (outcome, name) = (code.status().to_owned(), code.name.clone());
        self.report(MarketEvent::Code { step, code: name, outcome });
        ApiAnswer::json(status, &json!(code))
    }
}

/// The codes of a request, and from when they are in use.
fn read(body: &[u8], batch: bool) -> Result<(Vec<String>, Option<i64>), &'static str> {
    let body: Value = serde_json::from_slice(body).map_err(|_| "the body is no JSON")?;
    let name = |value: &Value| {
        let name = value.as_str().filter(|name| !name.is_empty() && name.chars().count() <= 64);
        name.map(ToOwned::to_owned)
    };
    let names = if batch {
        let list = body.get("license_list").and_then(Value::as_array);
        let list = list.ok_or("license_list is no array")?;
        if list.is_empty() || list.len() > MAX_BATCH {
            return Err("license_list has 1 to 100 codes");
        }
        list.iter().map(name).collect::<Option<_>>().ok_or("a code has 1 to 64 characters")?
    } else {
        let one = body.get("license").ok_or("license is missing")?;
        vec![name(one).ok_or("license has 1 to 64 characters")?]
    };
    let effective = match body.get("real_effect_time") {
        None | Some(Value::Null) => None,
        Some(text) => {
            let text = text.as_str().filter(|text| text.len() <= 16);
            let at = text.and_then(|text| DateTime::strptime("%Y%m%d%H%M%S", text).ok());
            let at = at.and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC).ok());
            let at = at.ok_or("real_effect_time is not yyyyMMddHHmmss")?;
            Some(at.timestamp().as_second())
        }
    };
    Ok((names, effective))
}

fn data(api: Api, code: &SoldCode) -> Value {
    let digits = |at: i64| crate::time::stamp("%Y%m%d%H%M%S", at);
    if api == Api::Activate {
        let info = json!({
            "status": code.status(),
            "expire_time": digits(code.expire_time),
            "product_id": code.product_id,
            "order_id": code.order_id,
            "amount": code.amount,
        });
        return json!({ "license_code_info": info.to_string() });
    }
    json!({
        "license_code": code.name,
        "status": code.status(),
        "activate_time": code.activate_time.map(digits),
        "expire_time": digits(code.expire_time),
        "product_id": code.product_id,
        "order_id": code.order_id,
        "amount": code.amount,
    })
}

fn row(api: Api, name: &str, code: &Result<SoldCode, CodeRefusal>) -> Value {
    let (mut row, word, text) = match code {
        Ok(code) => (data(api, code), "92020000", "success"),
        Err(unusable) => (json!({}), unusable.code().1, unusable.code().2),
    };
    row["license_code"] = name.into();
    row["error_code"] = word.into();
    row["error_msg"] = text.into();
    row
}
