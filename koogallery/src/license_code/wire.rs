//! The JSON of requests and answers about authorization codes.

use serde_json::{Map, Value, json};

use super::{
    BATCH_LIMIT, CODE_LIMIT, CodeInfo, CodeInterface, Edition, LicenseCodeStatus, RAW_LIMIT,
};
use crate::time;

/// Members under which a list of codes may stand in an answer whose form is not public.
const LISTS: &[&str] = &["license_list", "licenses", "license_infos", "list", "records"];

/// What a request asks for, as the marketplace reads it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CodeRequest {
    /// The codes.
    pub codes: Vec<String>,
    /// `real_effect_time`: since when the software is used.
    pub since: Option<i64>,
}

/// A request that the marketplace answers with `92020002`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRequest(pub &'static str);

/// Reads a request as the marketplace does, for a simulated one.
///
/// # Errors
///
/// What is missing or wrong.
pub fn read_request(edition: Edition, body: &[u8]) -> Result<CodeRequest, InvalidRequest> {
    let request: Value =
        serde_json::from_slice(body).map_err(|_| InvalidRequest("the body is not JSON"))?;
    let codes = match edition {
        Edition::V1 => vec![request.get("license").ok_or(InvalidRequest("license is missing"))?],
        Edition::V2 => {
            let list = request.get("license_list").and_then(Value::as_array);
            list.ok_or(InvalidRequest("license_list is missing"))?.iter().collect()
        }
    };
    if codes.is_empty() || codes.len() > BATCH_LIMIT {
        return Err(InvalidRequest("license_list holds 1 to 100 codes"));
    }
    let codes = codes.into_iter().map(|code| match code.as_str() {
        Some(code) if !code.is_empty() && code.chars().count() <= CODE_LIMIT => Ok(code.to_owned()),
        _ => Err(InvalidRequest("a code has 1 to 64 characters")),
    });
    let since = match text(&request, &["real_effect_time"]) {
        None => None,
        Some(text) if text.len() > 16 => {
            return Err(InvalidRequest("real_effect_time is longer than 16"));
        }
        Some(text) => Some(
            time::parse(&text).ok_or(InvalidRequest("real_effect_time is not yyyyMMddHHmmss"))?,
        ),
    };
    Ok(CodeRequest { codes: codes.collect::<Result<_, _>>()?, since })
}

pub(super) fn one(code: &str, since: Option<i64>) -> Vec<u8> {
    with_since(json!({ "license": code }), since)
}

pub(super) fn many(codes: &[String], since: Option<i64>) -> Vec<u8> {
    with_since(json!({ "license_list": codes }), since)
}

fn with_since(mut request: Value, since: Option<i64>) -> Vec<u8> {
    if let Some(since) = since {
        request["real_effect_time"] = time::compact(since).into();
    }
    request.to_string().into_bytes()
}

/// Everything that an answer tells of codes: `data` is one of them, a list, or an object with a
/// list in it.
pub(super) fn infos(answer: &Value) -> Result<Vec<CodeInfo>, &'static str> {
    let Some(data) = answer.get("data").filter(|data| !data.is_null()) else {
        return Ok(Vec::new());
    };
    let nested = || LISTS.iter().find_map(|name| data.get(name)?.as_array());
    let elements = data.as_array().or_else(nested);
    let elements = elements.map_or_else(|| std::slice::from_ref(data), Vec::as_slice);
    elements.iter().filter(|element| element.is_object()).map(info).collect()
}

/// One code. "activate" hides it in a text with JSON, "query" does not.
fn info(element: &Value) -> Result<CodeInfo, &'static str> {
    let inner = match element.get("license_code_info") {
        None | Some(Value::Null) => Value::Null,
        Some(Value::String(text)) => {
            serde_json::from_str(text).map_err(|_| "license_code_info is not JSON")?
        }
        Some(object) => object.clone(),
    };
    let read = |names: &[&str]| text(&inner, names).or_else(|| text(element, names));
    let when = |names: &[&str], reason| match read(names) {
        None => Ok(None),
        Some(text) => time::parse(&text).map(Some).ok_or(reason),
    };
    Ok(CodeInfo {
        code: read(&["license_code", "license", "code"]),
        status: read(&["status"]).map(LicenseCodeStatus::from_text),
        expires: when(&["expire_time", "expireTime"], "expire_time is not a time")?,
        // Only shown: one that cannot be read is left out.
        activated: when(&["activate_time", "activateTime"], "").unwrap_or_default(),
        product_id: read(&["product_id", "productId"]),
        sku_code: read(&["sku_code", "skuCode"]),
        order_id: read(&["order_id", "orderId"]),
        amount: read(&["amount"]).and_then(|text| text.trim().parse().ok()),
        raw: element.to_string().chars().take(RAW_LIMIT).collect(),
    })
}

pub(super) fn answer(interface: CodeInterface, edition: Edition, infos: &[CodeInfo]) -> Vec<u8> {
    let mut elements = infos.iter().map(|info| element(interface, edition, info));
    let data = match edition {
        Edition::V1 => elements.next().unwrap_or(Value::Null),
        Edition::V2 => elements.collect(),
    };
    json!({ "error_code": "92020000", "error_msg": "success", "data": data })
        .to_string()
        .into_bytes()
}

fn element(interface: CodeInterface, edition: Edition, info: &CodeInfo) -> Value {
    let mut members = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(name.to_owned(), value);
        }
    };
    put("status", info.status.as_ref().map(|status| status.as_str().into()));
    put("expire_time", info.expires.map(|at| time::compact(at).into()));
    put("activate_time", info.activated.map(|at| time::compact(at).into()));
    put("product_id", info.product_id.clone().map(Value::from));
    put("sku_code", info.sku_code.clone().map(Value::from));
    put("order_id", info.order_id.clone().map(Value::from));
    put("amount", info.amount.map(Value::from));
    match interface {
        CodeInterface::Heartbeat => {
            put("license_code", info.code.clone().map(Value::from));
            Value::Object(members)
        }
        CodeInterface::Activate => {
            let hidden = Value::Object(members).to_string();
            match (edition, &info.code) {
                (Edition::V2, Some(code)) => {
                    json!({ "license_code": code, "license_code_info": hidden })
                }
                _ => json!({ "license_code_info": hidden }),
            }
        }
    }
}

impl LicenseCodeStatus {
    /// The marketplace's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Alive => "ALIVE",
            Self::Expired => "EXPIRED",
            Self::Released => "RELEASED",
            Self::Other(text) => text,
        }
    }

    fn from_text(text: String) -> Self {
        match text.trim().to_ascii_uppercase().as_str() {
            "ALIVE" => Self::Alive,
            "EXPIRED" => Self::Expired,
            "RELEASED" => Self::Released,
            _ => Self::Other(text),
        }
    }
}

fn text(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match value.get(name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}
