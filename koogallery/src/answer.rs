//! The seller's answers to the marketplace's calls.

use serde::{Deserialize, Serialize};

use crate::code::{Rejection, ResultCode, fit};

/// The answer to one call; HTTP 200 whatever the code.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The outcome.
    pub result_code: ResultCode,
    /// Its text, at most 255 characters.
    #[serde(default)]
    pub result_msg: String,
    /// The seller's instance: answers to `newInstance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// The instances asked for: answers to `queryInstance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<Vec<InstanceInfo>>,
    /// How `userName` and `password` of `app_info` are encrypted: V1 alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypt_type: Option<String>,
    /// What the buyer is shown of a new instance: V1 alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_info: Option<AppInfo>,
    /// The License as text: answers to V1's `getLicense`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
}

/// One instance in the answer to `queryInstance`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceInfo {
    /// The seller's instance.
    pub instance_id: String,
    /// What the buyer is shown.
    #[serde(default)]
    pub app_info: AppInfo,
    /// What was used of it: V1 alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_info: Option<Vec<UsageInfo>>,
}

/// What was used of one item of an instance; a package has several.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageInfo {
    /// The instance of the item.
    pub related_instance_id: String,
    /// How much, with at most four decimals.
    pub usage_value: f64,
}

/// What the buyer sees of an instance in the marketplace's console.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppInfo {
    /// Where the application is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub front_end_url: Option<String>,
    /// Where it is administered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_url: Option<String>,
    /// The first account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Free text, here the activation code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memo: Option<String>,
}

impl Answer {
    /// An answer with the code's own text.
    #[must_use]
    pub fn of(code: ResultCode) -> Self {
        Rejection::plain(code).into()
    }

    /// `000000`.
    #[must_use]
    pub fn success() -> Self {
        Self::of(ResultCode::Success)
    }

    /// `000004`: the result follows.
    #[must_use]
    pub fn in_progress() -> Self {
        Self::of(ResultCode::InProgress)
    }

    /// `000000` to `newInstance`.
    #[must_use]
    pub fn instance(instance_id: impl Into<String>) -> Self {
        Self { instance_id: Some(instance_id.into()), ..Self::success() }
    }

    /// `000000` to `queryInstance`.
    #[must_use]
    pub fn instances(info: Vec<InstanceInfo>) -> Self {
        Self { info: Some(info), ..Self::success() }
    }

    /// The JSON to send.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and lists always serialize")
    }
}

impl From<Rejection> for Answer {
    fn from(rejection: Rejection) -> Self {
        Self {
            result_code: rejection.code,
            result_msg: fit(rejection.message),
            instance_id: None,
            info: None,
            encrypt_type: None,
            app_info: None,
            license: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(answer: &Answer) -> String {
        String::from_utf8(answer.to_json()).unwrap()
    }

    #[test]
    fn answers_hold_what_their_table_names_and_nothing_else() {
        assert_eq!(
            text(&Answer::instance("i-1")),
            r#"{"resultCode":"000000","resultMsg":"success. / 成功","instanceId":"i-1"}"#
        );
        assert_eq!(
            text(&Answer::in_progress()),
            r#"{"resultCode":"000004","resultMsg":"request is processing / 请求处理中"}"#
        );

        let info = InstanceInfo {
            instance_id: "i-1".into(),
            app_info: AppInfo { memo: Some("激活码".into()), ..AppInfo::default() },
            usage_info: None,
        };
        assert_eq!(
            text(&Answer::instances(vec![info])),
            r#"{"resultCode":"000000","resultMsg":"success. / 成功","info":[{"instanceId":"i-1","appInfo":{"memo":"激活码"}}]}"#
        );
    }

    #[test]
    fn a_rejection_becomes_an_answer_within_the_limit() {
        let long = Rejection { code: ResultCode::BadParameter, message: "长".repeat(400) };
        let answer = Answer::from(long);
        assert_eq!(answer.result_code, ResultCode::BadParameter);
        assert_eq!(answer.result_msg.chars().count(), 255);
    }

    #[test]
    fn an_answer_reads_back_and_tolerates_more() {
        let json = r#"{"resultCode":"000004","instanceId":"i-1","later":{"a":1}}"#;
        let answer: Answer = serde_json::from_str(json).unwrap();
        assert_eq!(answer.result_code, ResultCode::InProgress);
        assert_eq!(answer.instance_id.as_deref(), Some("i-1"));
        assert_eq!(answer.result_msg, "");
    }
}
