//! Which answer a rule demands, and what is wrong with another one.

use crate::endpoint::{ANSWER_TIMEOUT, EndpointReply};
use crate::language::Language;

const DONE: &[&str] = &["000000"];
const ACCEPTED: &[&str] = &["000000", "000004"];

/// What an answer must be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Expectation {
    /// One of these result codes.
    Code(&'static [&'static str]),
    /// Accepted, with an instance id.
    AnyInstance,
    /// Accepted, with this instance id.
    Instance(String),
    /// Done, and the information names this instance.
    Information(String),
    /// Done, with a license as text; none: any, otherwise this one.
    License(Option<String>),
    /// Refused before the marketplace's protocol begins.
    Status(u16),
}

/// A rule of the marketplace, and the answer that obeys it.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) expected: Expectation,
    pub(crate) en: &'static str,
    pub(crate) zh: &'static str,
    /// The chapter of the guides; otherwise the activity's own.
    pub(crate) section: Option<&'static str>,
}

impl Rule {
    /// Names the chapter that the rule is in.
    pub(crate) fn of(self, section: &'static str) -> Self {
        Self { section: Some(section), ..self }
    }

    pub(crate) fn new(expected: Expectation, en: &'static str, zh: &'static str) -> Self {
        Self { expected, en, zh, section: None }
    }

    pub(crate) fn code(codes: &'static [&'static str], en: &'static str, zh: &'static str) -> Self {
        Self::new(Expectation::Code(codes), en, zh)
    }

    /// 000000 and nothing else.
    pub(crate) fn done(en: &'static str, zh: &'static str) -> Self {
        Self::code(DONE, en, zh)
    }

    /// 000000, or 000004: it is being worked on.
    pub(crate) fn accepted(en: &'static str, zh: &'static str) -> Self {
        Self::code(ACCEPTED, en, zh)
    }

    pub(crate) fn created() -> Self {
        Self::new(
            Expectation::AnyInstance,
            "000000 or 000004, with an instanceId",
            "000000 或 000004,并返回 instanceId",
        )
    }

    pub(crate) fn instance(id: &str, en: &'static str, zh: &'static str) -> Self {
        Self::new(Expectation::Instance(id.to_owned()), en, zh)
    }

    pub(crate) fn status(status: u16, en: &'static str, zh: &'static str) -> Self {
        Self::new(Expectation::Status(status), en, zh)
    }
}

impl Expectation {
    /// Whether the answer obeys; otherwise what is wrong with it.
    pub(crate) fn judge(&self, reply: &EndpointReply, language: Language) -> Result<(), String> {
        let say = |en: String, zh: String| match language {
            Language::En => en,
            Language::Zh => zh,
        };
        if reply.took > ANSWER_TIMEOUT {
            let seconds = reply.took.as_secs_f32();
            return Err(say(
                format!("took {seconds:.1} s; the marketplace waits 5 s"),
                format!("耗时 {seconds:.1} 秒;云商店只等待 5 秒"),
            ));
        }
        if let Self::Status(status) = self {
            return if reply.status == *status {
                Ok(())
            } else {
                Err(say(
                    format!("HTTP {} instead of {status}", reply.status),
                    format!("HTTP {},应为 {status}", reply.status),
                ))
            };
        }
        if reply.status != 200 {
            return Err(say(
                format!("HTTP {} instead of 200", reply.status),
                format!("HTTP {},应为 200", reply.status),
            ));
        }
        let Some(code) = reply.result_code() else {
            return Err(say(
                format!("no JSON object with a resultCode: {}", first_of(&reply.text)),
                format!("不是带 resultCode 的 JSON 对象:{}", first_of(&reply.text)),
            ));
        };
        if reply.member("resultMsg").is_some_and(|text| text.chars().count() > 255) {
            return Err(say(
                "resultMsg is over 255 characters".into(),
                "resultMsg 超过 255 字符".into(),
            ));
        }
        let codes = self.codes();
        if !codes.contains(&code) {
            let codes = codes.join(" / ");
            return Err(say(format!("{code} instead of {codes}"), format!("{code},应为 {codes}")));
        }
        self.judge_members(reply).map_err(|(en, zh)| say(en, zh))
    }

    fn codes(&self) -> &'static [&'static str] {
        match self {
            Self::Code(codes) => codes,
            Self::AnyInstance | Self::Instance(_) => ACCEPTED,
            Self::Information(_) | Self::License(_) | Self::Status(_) => DONE,
        }
    }

    fn judge_members(&self, reply: &EndpointReply) -> Result<(), (String, String)> {
        let instance = reply.member("instanceId").unwrap_or_default();
        match self {
            Self::AnyInstance if instance.is_empty() || instance.len() > 64 => Err((
                "no instanceId of 1 to 64 characters".to_owned(),
                "没有 1 至 64 字符的 instanceId".to_owned(),
            )),
            Self::Instance(id) if instance != id => Err((
                format!("instanceId `{instance}` instead of `{id}`"),
                format!("instanceId 为 `{instance}`,应为 `{id}`"),
            )),
            Self::Information(id) if !names_instance(reply, id) => Err((
                format!("`info` does not name instance `{id}`"),
                format!("info 中没有实例 `{id}`"),
            )),
            Self::License(known) => {
                let license = reply.member("license").unwrap_or_default();
                let same = known.as_ref().is_none_or(|known| known == license);
                if license.is_empty() {
                    Err(("no license".to_owned(), "没有 license".to_owned()))
                } else if !same {
                    Err(("another license than before".to_owned(), "license 与此前不同".to_owned()))
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }
}

/// Whether `info` names this instance, with what its buyer is shown.
pub(crate) fn names_instance(reply: &EndpointReply, id: &str) -> bool {
    let info =
        reply.json.as_ref().and_then(|json| json.get("info")).and_then(|info| info.as_array());
    info.into_iter().flatten().any(|one| {
        one.get("instanceId").and_then(|text| text.as_str()) == Some(id)
            && one.get("appInfo").is_some_and(serde_json::Value::is_object)
    })
}

fn first_of(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn reply(status: u16, text: &str) -> EndpointReply {
        let json = serde_json::from_str(text).ok();
        EndpointReply {
            status,
            text: text.to_owned(),
            json,
            took: Duration::from_millis(3),
            body_sign: None,
            bytes: text.as_bytes().to_vec(),
        }
    }

    #[test]
    fn answers_that_obey() {
        let info = r#"{"resultCode":"000000","info":[{"instanceId":"i","appInfo":{}}]}"#;
        for (expected, status, text) in [
            (Expectation::Code(DONE), 200, r#"{"resultCode":"000000","resultMsg":"success."}"#),
            (Expectation::AnyInstance, 200, r#"{"resultCode":"000004","instanceId":"i"}"#),
            (Expectation::Instance("i".into()), 200, r#"{"resultCode":"000000","instanceId":"i"}"#),
            (Expectation::Information("i".into()), 200, info),
            (Expectation::Status(413), 413, ""),
        ] {
            assert_eq!(expected.judge(&reply(status, text), Language::En), Ok(()), "{text}");
        }
    }

    #[test]
    fn answers_that_do_not() {
        for (expected, status, text, why) in [
            (
                Expectation::Code(DONE),
                200,
                r#"{"resultCode":"000004"}"#,
                "000004 instead of 000000",
            ),
            (Expectation::Code(DONE), 500, r#"{"resultCode":"000000"}"#, "HTTP 500 instead of 200"),
            (Expectation::Code(DONE), 200, "<html>", "no JSON object with a resultCode: <html>"),
            (
                Expectation::Code(DONE),
                200,
                r#"{"resultCode":0}"#,
                "no JSON object with a resultCode",
            ),
            (Expectation::AnyInstance, 200, r#"{"resultCode":"000000"}"#, "no instanceId"),
            (
                Expectation::Instance("i".into()),
                200,
                r#"{"resultCode":"000000","instanceId":"j"}"#,
                "instanceId `j` instead of `i`",
            ),
            (
                Expectation::Information("i".into()),
                200,
                r#"{"resultCode":"000000","info":[{"instanceId":"j","appInfo":{}}]}"#,
                "does not name instance `i`",
            ),
            (Expectation::Status(413), 200, "{}", "HTTP 200 instead of 413"),
        ] {
            let verdict = expected.judge(&reply(status, text), Language::En).unwrap_err();
            assert!(verdict.contains(why), "{verdict}");
        }
    }

    #[test]
    fn an_answer_after_five_seconds_is_none() {
        let mut late = reply(200, r#"{"resultCode":"000000"}"#);
        late.took = Duration::from_millis(5_100);
        assert!(Expectation::Code(DONE).judge(&late, Language::Zh).unwrap_err().contains("5 秒"));
    }
}
