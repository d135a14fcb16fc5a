//! Why the marketplace did not take what was sent to it, and what that asks for.

use serde_json::Value;

/// What to do about a failure.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Remedy {
    /// Sending the same again changes nothing: stop this one and show it.
    GiveUp,
    /// Nothing gets through until the configuration changes: stop everything.
    FixCredentials,
    /// The same may pass later.
    TryAgain,
}

impl Remedy {
    /// A stable word for the database and for `--json`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GiveUp => "give_up",
            Self::FixCredentials => "fix_credentials",
            Self::TryAgain => "try_again",
        }
    }
}

/// One request to the marketplace that failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{code}: {message} ({meaning})")]
pub struct Failure {
    /// The HTTP status; `None` where no answer came.
    pub status: Option<u16>,
    /// The marketplace's code, or `HTTP 503`, `ANSWER_INVALID`, `NO_ANSWER`.
    pub code: String,
    /// What the marketplace said, at most 1,024 characters.
    pub message: String,
    /// What the code means, in English.
    pub meaning: &'static str,
    /// What the code means, in Chinese.
    pub meaning_zh: &'static str,
    /// What to do.
    pub remedy: Remedy,
}

impl Failure {
    /// No answer came: a connection error or a time-out. What was sent may have arrived.
    #[must_use]
    pub fn unanswered(reason: &str) -> Self {
        Self::of(None, "NO_ANSWER".to_owned(), reason)
    }

    /// Nothing was sent: there is no access key to sign usage with.
    #[must_use]
    pub fn no_access_key() -> Self {
        Self::of(None, "ACCESS_KEY_MISSING".to_owned(), "")
    }

    /// An answer that says success and lacks what it has to hold.
    pub(crate) fn unreadable(status: u16, reason: &str) -> Self {
        Self::of(Some(status), "ANSWER_INVALID".to_owned(), reason)
    }

    fn of(status: Option<u16>, mut code: String, message: &str) -> Self {
        code.retain(|c| !c.is_control());
        let (remedy, meaning, meaning_zh) = classify(status, &code);
        // What stands in front of a service may answer with anything, and people read this.
        let legible = message.chars().map(|c| if c.is_control() { ' ' } else { c });
        let message = legible.take(1024).collect();
        Self { status, code, message, meaning, meaning_zh, remedy }
    }
}

/// What was said about one part of a request, `status` being that of the whole.
pub(crate) fn of_part(status: u16, code: String, message: &str) -> Failure {
    Failure::of(Some(status), code, message)
}

/// Reads the part that all of the marketplace's answers share. Business failures come with
/// HTTP 200, so the code decides; the answer is passed on where it says success.
pub(crate) fn read(status: u16, body: &[u8]) -> Result<Value, Failure> {
    let answer = parse(body);
    // The open APIs print `resultCode`, the upload and one edition of the rest `error_code`.
    let code = text(&answer, &["error_code", "resultCode", "errorCode", "result_code"]);
    let mut message =
        text(&answer, &["error_msg", "resultMsg", "errorMsg", "result_msg"]).unwrap_or_default();
    if let Some(extra) = answer.get("extra_info").filter(|extra| !extra.is_null()) {
        let extra = extra.as_str().map_or_else(|| extra.to_string(), str::to_owned);
        message = format!("{message} ({extra})");
    }

    let success = (200..300).contains(&status);
    match code {
        // One edition of the guide has a blank inside of the code.
        Some(code) => match code.split_whitespace().collect::<String>() {
            code if success && is_success(&code) => Ok(answer),
            code => Err(Failure::of(Some(status), code, &message)),
        },
        None if success => Err(Failure::unreadable(status, "the answer holds no code")),
        None => {
            let start: String = String::from_utf8_lossy(body).chars().take(200).collect();
            Err(Failure::of(Some(status), format!("HTTP {status}"), &start))
        }
    }
}

/// An answer of the marketplace as JSON, `null` if it is none. No text of it has a NUL: databases
/// refuse that one character, and an answer that cannot be written down would be asked for again
/// and again.
pub(crate) fn parse(body: &[u8]) -> Value {
    fn clean(value: &mut Value) {
        match value {
            Value::String(text) if text.contains('\0') => *text = text.replace('\0', ""),
            Value::Array(values) => values.iter_mut().for_each(clean),
            Value::Object(members) => members.values_mut().for_each(clean),
            _ => {}
        }
    }
    let mut answer = serde_json::from_slice(body).unwrap_or(Value::Null);
    clean(&mut answer);
    answer
}

/// The open APIs, the upload and the authorization codes have a number each.
fn is_success(code: &str) -> bool {
    matches!(code, "CBC.0000" | "MKT.0000" | "92020000")
}

fn text(answer: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match answer.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// What a listed code means, in English and Chinese; `None` where it is not listed.
#[must_use]
pub fn meaning(code: &str) -> Option<(&'static str, &'static str)> {
    by_code(None, code).map(|(_, meaning, meaning_zh)| (meaning, meaning_zh))
}

type Class = (Remedy, &'static str, &'static str);

const BUSY: Class =
    (Remedy::TryAgain, "too many requests, the marketplace asks to wait", "请求过于频繁");

/// The code first, as it says more than the status; the status where the code is not listed.
fn classify(status: Option<u16>, code: &str) -> Class {
    if let Some(class) = by_code(status, code) {
        return class;
    }
    match status {
        None => (Remedy::TryAgain, "the marketplace could not be reached", "无法连接云商店"),
        Some(401 | 403 | 407) => {
            (Remedy::FixCredentials, "the marketplace refused the AK/SK", "云商店拒绝了AK/SK认证")
        }
        Some(406 | 408 | 425 | 429) => BUSY,
        Some(500..) => {
            (Remedy::TryAgain, "the marketplace has an internal error", "云商店内部错误")
        }
        // A proxy or a wrong address answers so: the marketplace itself always names a code.
        Some(_) if code.starts_with("HTTP ") || code == "ANSWER_INVALID" => (
            Remedy::TryAgain,
            "this is not an answer of the marketplace; see base_url and proxies",
            "该响应不是云商店的响应，请检查base_url和代理",
        ),
        Some(_) => (
            Remedy::GiveUp,
            "the marketplace refused, with an unlisted code",
            "云商店返回未知错误码",
        ),
    }
}

/// Whether the status alone says that it may pass later.
const fn is_passing(status: Option<u16>) -> bool {
    matches!(status, Some(406 | 408 | 425 | 429 | 500..))
}

fn by_code(status: Option<u16>, code: &str) -> Option<Class> {
    use Remedy::{FixCredentials, GiveUp, TryAgain};

    Some(match code {
        "ACCESS_KEY_MISSING" => (
            TryAgain,
            "koogallery.access_key is empty: nothing can sign the usage",
            "koogallery.access_key为空，无法为使用量签名",
        ),
        "91381033" => (GiveUp, "the License resource is not usable", "License资源不可用"),
        "91381034" => {
            (GiveUp, "the user's application for a License is not legal", "用户的License申请不合法")
        }
        "91381035" => (GiveUp, "no quota is left in this period", "当前周期内已无可用额度"),
        // The same number twice in the authorization codes' table.
        "92020001" if matches!(status, Some(401 | 403)) => {
            (FixCredentials, "the marketplace does not permit this", "云商店不允许该操作")
        }
        "91381036" | "92020001" | "94060001" => {
            (TryAgain, "the marketplace has an internal error", "云商店内部错误")
        }
        "91381037" => (GiveUp, "the License has a wrong format", "License格式不正确"),
        "91381038" => (GiveUp, "the application for a License was denied", "License申请已被拒绝"),
        "91380150" => (FixCredentials, "no permission, or a wrong role", "无权限或角色错误"),
        "94060002" => (
            FixCredentials,
            "the marketplace refused the AK/SK or the signature of the usage records",
            "云商店拒绝了AK/SK或使用量签名",
        ),
        "94060999" => (GiveUp, "usage records of this call are wrong", "部分使用量记录有误"),
        "92020002" => (GiveUp, "a parameter is invalid", "参数不合法"),
        "92020004" => (
            GiveUp,
            "the buyer has to receive the code in the marketplace's console first",
            "用户领取授权码后才能激活",
        ),
        "92020005" => (GiveUp, "the authorization code does not exist", "授权码不存在"),
        "APIGW.0308" => BUSY,
        // Throttling and failing back-ends have the gateway's prefix too: what passes must not stop
        // everything for good.
        _ if code.starts_with("APIGW") && !is_passing(status) => (
            FixCredentials,
            "the API gateway refused the AK/SK or the signature",
            "API网关拒绝了AK/SK或签名",
        ),
        _ => return by_number(code.strip_prefix("MKT.").or_else(|| code.strip_prefix("CBC."))?),
    })
}

/// One edition of the open APIs' guide prints their codes with the prefix `MKT.`, the other `CBC.`.
fn by_number(number: &str) -> Option<Class> {
    use Remedy::{FixCredentials, GiveUp, TryAgain};

    Some(match number {
        "0150" => (
            FixCredentials,
            "authentication failed, or the order belongs to another seller",
            "认证失败，或订单不属于该商家",
        ),
        "0151" => (FixCredentials, "the account is not a seller", "该账号不是商家"),
        "0154" => (FixCredentials, "the token is not legal", "token不合法"),
        _ if number.starts_with("015") => {
            (FixCredentials, "the marketplace refused the AK/SK", "云商店拒绝了AK/SK认证")
        }
        "0100" => (GiveUp, "the input check failed", "入参校验失败"),
        "0101" => (GiveUp, "a parameter is invalid", "参数不合法"),
        "0102" => (GiveUp, "the signature of the body is wrong", "消息体签名错误"),
        "0199" => (GiveUp, "the request parameters are wrong", "请求参数错误"),
        "0250" => BUSY,
        "0999" => (TryAgain, "the marketplace has an internal error", "云商店内部错误"),
        "9001" => (GiveUp, "the instance was not found", "实例不存在"),
        // What tells these two apart is on no public page.
        "9002" | "9003" => (GiveUp, "the usage record was refused", "使用量记录被拒绝"),
        "9004" => (GiveUp, "the usage began more than 21 days ago", "使用量的开始时间早于21天前"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fails(status: u16, body: &str) -> Failure {
        read(status, body.as_bytes()).unwrap_err()
    }

    #[test]
    fn every_listed_code_has_its_remedy() {
        use Remedy::{FixCredentials, GiveUp, TryAgain};
        let cases = [
            (200, "91381033", GiveUp),
            (200, "91381034", GiveUp),
            (200, "91381035", GiveUp),
            (200, "91381036", TryAgain),
            (200, "91381037", GiveUp),
            (200, "91381038", GiveUp),
            (200, "91380150", FixCredentials),
            (403, "92020001", FixCredentials),
            (500, "92020001", TryAgain),
            (200, "92020001", TryAgain),
            (400, "92020002", GiveUp),
            (200, "92020004", GiveUp),
            (200, "92020005", GiveUp),
            (400, "CBC.0101", GiveUp),
            (403, "CBC.0150", FixCredentials),
            (500, "CBC.0999", TryAgain),
            (500, "MKT.0999", TryAgain),
            (200, "MKT.0999", TryAgain),
            (401, "MKT.0150", FixCredentials),
            (401, "MKT.0151", FixCredentials),
            (401, "MKT.0154", FixCredentials),
            (401, "MKT.0159", FixCredentials),
            (200, "MKT.0150", FixCredentials),
            (400, "MKT.0101", GiveUp),
            (400, "MKT.0199", GiveUp),
            (500, "MKT.0100", GiveUp),
            (500, "MKT.9001", GiveUp),
            (200, "MKT.9002", GiveUp),
            (200, "MKT.9003", GiveUp),
            (200, "MKT.9004", GiveUp),
            (500, "94060001", TryAgain),
            (401, "94060002", FixCredentials),
            (200, "94060999", GiveUp),
            (406, "MKT. 0250", TryAgain),
            (406, "CBC.0250", TryAgain),
            (401, "APIGW.0301", FixCredentials),
            (400, "APIGW.0303", FixCredentials),
            (404, "APIGW.0101", FixCredentials),
            (429, "APIGW.0308", TryAgain),
            (406, "APIGW.0308", TryAgain),
            (403, "APIGW.0308", TryAgain),
            (406, "APIGW.0301", TryAgain),
            (408, "APIGW.0201", TryAgain),
            (502, "APIGW.0201", TryAgain),
            (400, "91389999", GiveUp),
            (200, "SOMETHING.NEW", GiveUp),
            (429, "SOMETHING.NEW", TryAgain),
            (503, "SOMETHING.NEW", TryAgain),
        ];
        for (status, code, remedy) in cases {
            let failure =
                fails(status, &format!(r#"{{"error_code":"{code}","error_msg":"words"}}"#));
            assert_eq!(failure.remedy, remedy, "{status} {code}");
            assert_eq!(failure.code, code.replace(' ', ""));
            assert_eq!(failure.message, "words");
            assert!(!failure.meaning.is_empty() && !failure.meaning_zh.is_ascii(), "{code}");
        }
    }

    #[test]
    fn answers_without_a_code_are_judged_by_status() {
        for (status, remedy) in [
            (200, Remedy::TryAgain),
            (302, Remedy::TryAgain),
            (401, Remedy::FixCredentials),
            (403, Remedy::FixCredentials),
            (404, Remedy::TryAgain),
            (406, Remedy::TryAgain),
            (429, Remedy::TryAgain),
            (500, Remedy::TryAgain),
            (503, Remedy::TryAgain),
        ] {
            for body in ["", "<html>", "[]", "{}", "null", r#"{"error_code":null}"#] {
                assert_eq!(fails(status, body).remedy, remedy, "{status} {body}");
            }
        }
        assert_eq!(fails(503, "<html>busy").code, "HTTP 503");
        assert_eq!(fails(503, "<html>busy").message, "<html>busy");
        assert_eq!(fails(200, "<html>").code, "ANSWER_INVALID");
    }

    #[test]
    fn no_answer_is_tried_again() {
        let failure = Failure::unanswered("connection refused");
        assert_eq!((failure.status, failure.remedy), (None, Remedy::TryAgain));
        assert_eq!(failure.code, "NO_ANSWER");
    }

    #[test]
    fn a_stored_code_can_be_explained() {
        assert_eq!(
            meaning("91381037"),
            Some(("the License has a wrong format", "License格式不正确"))
        );
        assert!(meaning("APIGW.0301").is_some());
        assert_eq!(meaning("HTTP 503"), None);
    }

    #[test]
    fn success_needs_its_status_and_both_spellings_pass() {
        assert!(read(200, br#"{"error_code":"CBC.0000","error_msg":"Success"}"#).is_ok());
        assert!(read(200, br#"{"resultCode":"MKT.0000"}"#).is_ok());
        assert!(read(200, br#"{"error_code":"92020000"}"#).is_ok());
        assert_eq!(fails(500, r#"{"error_code":"CBC.0000"}"#).remedy, Remedy::TryAgain);
    }

    #[test]
    fn what_the_marketplace_adds_is_kept() {
        let failure = fails(
            500,
            r#"{"error_code":"MKT.0100","error_msg":"input","extra_info":{"field":"orderId"}}"#,
        );
        assert_eq!(failure.message, r#"input ({"field":"orderId"})"#);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(status: u16, body: Vec<u8>, code in "\\PC{0,12}") {
            let _ = read(status, &body);
            let answer = serde_json::json!({ "error_code": code }).to_string();
            let _ = read(status, answer.as_bytes());
        }
    }

    #[test]
    fn no_control_character_gets_through() {
        let compressed = read(502, b"\x1f\x8b\x08\x00\x00\x1b[31m").unwrap_err();
        assert_eq!(compressed.code, "HTTP 502");
        assert!(!compressed.message.contains(char::is_control), "{:?}", compressed.message);
        let refused = read(200, br#"{"error_code":"9138\u00001034","error_msg":"a\u0000b\n"}"#);
        let refused = refused.unwrap_err();
        assert_eq!((refused.code.as_str(), refused.message.as_str()), ("91381034", "ab "));
        let answer = read(200, br#"{"error_code":"MKT.0000","of":[{"name":"x\u0000y"}]}"#).unwrap();
        assert_eq!(answer["of"][0]["name"], "xy");
    }
}
