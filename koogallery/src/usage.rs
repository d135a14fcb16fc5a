//! "Push usage": what metered instances have used, in the form that numbers each record and in the
//! older one that does not; and the same read back for a simulated marketplace.

mod amount;
mod record;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use crate::edition::Edition;
use crate::failure::{self, Failure};
use crate::mac::hmac;
use crate::signature::AccessKey;
use crate::time;

pub use amount::{Amount, InvalidAmount};
pub use record::{InvalidRecord, Record};

/// The most records of one call.
pub const RECORDS_LIMIT: usize = 1000;
/// How long ago a usage may have begun, in seconds.
pub const AGE_LIMIT: i64 = 21 * 86_400;

/// "Some records are wrong": the answer lists them.
const PARTLY: &str = "94060999";

/// The path of a call. V2: each record has a number (`metering_sn`), and the body is signed with the
/// access key. V1: records name the marketplace's product instead, and what is sent twice cannot be
/// recognized.
#[must_use]
pub const fn path(edition: Edition) -> &'static str {
    match edition {
        Edition::V1 => "/rest/marketplace/v1/isv/usage-data",
        Edition::V2 => "/api/mkp-openapi-public/global/v1/isv/usage-data",
    }
}

/// One record as it travels: members in their natural order, which is what is signed.
#[derive(Debug, Deserialize, Serialize)]
struct Wire {
    begin_time: String,
    end_time: String,
    instance_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metering_sn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    product_id: Option<String>,
    record_time: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relate_pkg_instance: Option<String>,
    usage_value: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct UsageBody {
    usage_records: Vec<Wire>,
}

/// The body of a call: compact, without any member that is absent.
#[must_use]
pub fn body(edition: Edition, records: &[Record]) -> Vec<u8> {
    let usage_records = records
        .iter()
        .map(|record| Wire {
            begin_time: time::basic(record.begin_time),
            end_time: time::basic(record.end_time),
            instance_id: record.instance_id.clone(),
            metering_sn: (edition == Edition::V2).then(|| record.number.clone()),
            product_id: record.product_id.clone().filter(|_| edition == Edition::V1),
            record_time: time::basic(record.record_time),
            relate_pkg_instance: record.package.clone(),
            usage_value: record.amount.to_string(),
        })
        .collect();
    serde_json::to_vec(&UsageBody { usage_records }).expect("texts always serialize")
}

/// What V2 adds to a request, beside the headers of [`crate::aksk`].
#[must_use]
pub fn headers(
    key: &AccessKey,
    body: &[u8],
    nonce: &str,
    now_ms: i64,
) -> [(&'static str, String); 3] {
    let ts = now_ms.to_string();
    let signature = STANDARD.encode(tag(key, &ts, nonce, body));
    [("signature", signature), ("ts", ts), ("nonce", nonce.to_owned())]
}

/// Whether a body was signed with this key, for a simulated marketplace.
#[must_use]
pub fn is_signed(key: &AccessKey, signature: &str, ts: &str, nonce: &str, body: &[u8]) -> bool {
    let expected = STANDARD.encode(tag(key, ts, nonce, body));
    expected.as_bytes().ct_eq(signature.as_bytes()).into()
}

fn tag(key: &AccessKey, ts: &str, nonce: &str, body: &[u8]) -> [u8; 32] {
    let head = format!("ts={ts}&nonce={nonce}&body=");
    hmac(key.bytes(), &[head.as_bytes(), body])
}

/// What the marketplace says about each record of a call, in the order of the call.
pub type Verdicts = Vec<Result<(), Failure>>;

/// Reads the answer to a call of these records.
///
/// # Errors
///
/// What the marketplace said about the call as a whole. An answer that calls some records wrong
/// and does not tell which is of that kind, too: sent one by one they tell.
pub fn read_answer(status: u16, answer: &[u8], records: &[Record]) -> Result<Verdicts, Failure> {
    let Err(failure) = failure::read(status, answer) else {
        return Ok(records.iter().map(|_| Ok(())).collect());
    };
    if failure.code != PARTLY {
        return Err(failure);
    }
    let answer = failure::parse(answer);
    let Some(wrong) = abnormal(&answer).filter(|wrong| !wrong.is_empty()) else {
        return Err(failure);
    };
    let mut verdicts: Verdicts = records.iter().map(|_| Ok(())).collect();
    for element in wrong {
        let mut named = false;
        let said = said(status, element, &failure);
        for (record, verdict) in records.iter().zip(&mut verdicts) {
            if verdict.is_ok() && names(element, record) {
                *verdict = Err(said.clone());
                named = true;
                // Without a number equal records cannot be told apart: one complaint is one record.
                break;
            }
        }
        if !named {
            return Err(failure);
        }
    }
    Ok(verdicts)
}

/// Whether a failure is about the signature over the body: the access key is wrong or not there, while AK and
/// SK, which everything else depends on, are not.
#[must_use]
pub fn is_about_the_access_key(failure: &Failure) -> bool {
    let codes = ["94060002", "MKT.0102", "CBC.0102", "ACCESS_KEY_MISSING"];
    codes.contains(&failure.code.as_str())
}

/// Whether some records of the call were taken, and the answer does not tell which.
#[must_use]
pub fn is_partial(failure: &Failure) -> bool {
    failure.code == PARTLY
}

/// The list of wrong records. Its name is printed in one spelling and the rest of the interface in
/// another, so that any list whose name begins like it will do.
fn abnormal(answer: &Value) -> Option<&Vec<Value>> {
    let members = answer.as_object()?;
    let bare = |name: &str| name.replace('_', "").to_lowercase();
    members
        .iter()
        .find_map(|(name, value)| value.as_array().filter(|_| bare(name).starts_with("abnormal")))
        .or_else(|| {
            // It may be wrapped: `{"data": {"abnormal_usage_data": []}}`.
            members.values().filter(|value| value.is_object()).find_map(abnormal)
        })
}

/// What was said about one record; the call's own code where nothing was.
fn said(status: u16, element: &Value, whole: &Failure) -> Failure {
    let find = |names: [&str; 4]| {
        names.iter().find_map(|name| match element.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    let code = find(["error_code", "errorCode", "code", "result_code"]);
    let message = find(["error_msg", "errorMsg", "message", "result_msg"]);
    let code = code.unwrap_or_else(|| PARTLY.to_owned());
    let message = message.unwrap_or_else(|| whole.message.clone());
    failure::of_part(status, code, &message)
}

/// Whether an element of the list is about this record: by its number, or by everything else.
fn names(element: &Value, record: &Record) -> bool {
    let nested = || {
        let members = element.as_object()?;
        members.values().find(|value| value.is_object())
    };
    let text = |name: &str| element.get(name).and_then(Value::as_str);
    match text("metering_sn").or_else(|| text("meteringSn")) {
        Some(number) => number == record.number,
        None => match text("instance_id") {
            Some(instance) => {
                let same = |name, at| text(name).is_none_or(|text| text == time::basic(at));
                instance == record.instance_id
                    && text("begin_time").is_some()
                    && same("begin_time", record.begin_time)
                    && same("end_time", record.end_time)
                    && same("record_time", record.record_time)
            }
            None => nested().is_some_and(|nested| names(nested, record)),
        },
    }
}

/// Reads a call as the marketplace does, for a simulated one.
///
/// # Errors
///
/// What is missing or wrong.
pub fn read_body(edition: Edition, body: &[u8]) -> Result<Vec<Record>, InvalidRecord> {
    let of = |member| InvalidRecord::of(member, "it is missing or wrong", "缺失或不正确");
    let body: UsageBody = serde_json::from_slice(body).map_err(|_| of("usage_records"))?;
    if body.usage_records.is_empty() || body.usage_records.len() > RECORDS_LIMIT {
        return Err(of("usage_records"));
    }
    body.usage_records
        .into_iter()
        .map(|wire| {
            let at = |text: &str, name| time::parse_basic(text).ok_or_else(|| of(name));
            let number = match edition {
                Edition::V2 => wire.metering_sn.ok_or_else(|| of("metering_sn"))?,
                Edition::V1 => String::new(),
            };
            if edition == Edition::V1 && wire.product_id.is_none() {
                return Err(of("product_id"));
            }
            Ok(Record {
                begin_time: at(&wire.begin_time, "begin_time")?,
                end_time: at(&wire.end_time, "end_time")?,
                record_time: at(&wire.record_time, "record_time")?,
                instance_id: wire.instance_id,
                amount: wire.usage_value.parse().map_err(|_| of("usage_value"))?,
                number,
                product_id: wire.product_id,
                package: wire.relate_pkg_instance,
            })
        })
        .collect()
}

/// The marketplace's answer that calls some records wrong, for a simulated one: numbers with
/// their codes.
#[must_use]
pub fn partly(wrong: &[(&str, &str)]) -> Vec<u8> {
    let list: Vec<Value> = wrong
        .iter()
        .map(|(number, code)| {
            json!({ "metering_sn": number, "error_code": code, "error_msg": "refused" })
        })
        .collect();
    let answer = json!({
        "error_code": PARTLY, "error_msg": "some records are wrong", "abnormal_usage_data": list
    });
    answer.to_string().into_bytes()
}

#[cfg(test)]
mod tests;
