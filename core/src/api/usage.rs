//! Usage: what operators push, what programs report, and how it is listed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::open_enum::open_enum;
use crate::{
    Timestamp,
    id::{InstanceId, LicenseId},
};

/// `POST /v1/client/usage`: a program reports what it used of what is paid by quantity.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageReport {
    /// The program's license, as text or as the whole text of its file: the proof.
    pub license: String,
    /// 1 to 128 characters that the receipt must repeat.
    pub nonce: String,
    /// 1 to 1,000 of them; all are accepted, or none.
    pub records: Vec<UsageRecord>,
}

impl std::fmt::Debug for UsageReport {
    /// Without the license, which is a proof.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UsageReport").field("records", &self.records.len()).finish_non_exhaustive()
    }
}

/// What a program used in one stretch of time.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageRecord {
    /// 1 to 64 characters of the program's choice that name the record for ever: the same number
    /// with the same content is taken once.
    pub number: String,
    /// The metered entitlement.
    pub entitlement: String,
    /// How much: a number above zero with at most four decimals, better as text.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub usage_value: Value,
    /// From when.
    pub begin_time: Timestamp,
    /// Until when.
    pub end_time: Timestamp,
}

/// The answer to [`UsageReport`]: everything in it is kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageAnswer {
    /// In the order of the question; the same whenever it is asked.
    pub records: Vec<UsageAccepted>,
    /// The signed answer to the nonce, over the body that was sent.
    pub receipt: String,
}

/// One record that is kept.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageAccepted {
    /// The program's number.
    pub number: String,
    /// Ours.
    pub usage_id: String,
}

/// `POST /api/v1/usage`: one record of usage, or a list of up to 1,000.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum UsagePush {
    /// One.
    One(Box<UsageInput>),
    /// Several; all of them are accepted, or none.
    Many(Vec<UsageInput>),
}

impl<'de> Deserialize<'de> for UsagePush {
    /// By hand, so that what is wrong inside of a record is said.
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = UsagePush;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a record of usage or a list of them")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<UsagePush, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                UsageInput::deserialize(map).map(|one| UsagePush::One(Box::new(one)))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                list: A,
            ) -> Result<UsagePush, A::Error> {
                let list = serde::de::value::SeqAccessDeserializer::new(list);
                Vec::deserialize(list).map(UsagePush::Many)
            }
        }
        input.deserialize_any(Either)
    }
}

/// What one instance used in one stretch of time.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UsageInput {
    /// The instance.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub instance_id: InstanceId,
    /// From when.
    pub begin_time: Timestamp,
    /// Until when.
    pub end_time: Timestamp,
    /// How much: a number above zero with at most four decimals, better as text.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub usage_value: Value,
    /// Names the record for ever; the same number with the same content is taken once. Made by the
    /// server where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metering_sn: Option<String>,
    /// When it was counted; now where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_time: Option<Timestamp>,
    /// The package that is used up, where one was bought for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relate_pkg_instance: Option<String>,
    /// The marketplace's product, for the old form; that of the instance's order where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
}

/// A record of usage on its way to the marketplace.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageView {
    /// Its id.
    pub usage_id: String,
    /// Its number.
    pub metering_sn: String,
    /// The instance.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub instance_id: InstanceId,
    /// The license by which a program reported it; absent: an operator pushed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub license_id: Option<LicenseId>,
    /// The program's own number of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// From when.
    pub begin_time: Timestamp,
    /// Until when.
    pub end_time: Timestamp,
    /// How much.
    pub usage_value: String,
    /// `queued`, `delivered`, `refused`, or `unclear`: taken twice perhaps (old form), or taken
    /// perhaps although it was refused.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: UsageStatus,
    /// How often it was sent.
    pub attempts: u32,
    /// The marketplace's last code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// What that means, in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What that means, in Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_zh: Option<String>,
    /// When it is sent next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// When it was accepted.
    pub created_at: Timestamp,
}

open_enum! {
    /// How far a record of usage is.
    UsageStatus {
        /// It is being sent, or waits for that.
        Queued = "queued",
        /// The marketplace has it, once.
        Delivered = "delivered",
        /// The marketplace refused it for good.
        Refused = "refused",
        /// Perhaps taken twice (V1), or perhaps taken although it was refused.
        Unclear = "unclear",
    }
}
