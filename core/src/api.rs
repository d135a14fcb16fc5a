//! What travels between server, SDK and tools, beside the signed documents themselves.

mod kit;
mod usage;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use kit::{
    DepartmentView, LoginApplication, LoginRedeem, LoginView, SyncedUser, TenantApplicationView,
    TenantView, UserView,
};
pub use usage::{
    UsageAccepted, UsageAnswer, UsageInput, UsagePush, UsageRecord, UsageReport, UsageView,
};

use crate::{
    Code, Timestamp,
    product::{Form, Product},
    rule::InstanceState,
    version::{Version, VersionRange},
};

/// `POST /v1/client/licenses`: a program asks for its license.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LicenseRequest {
    /// The program's product.
    pub product: String,
    /// What the customer was given.
    pub activation_code: String,
    /// The machine's device text.
    #[serde(default)]
    pub dev_info: String,
    /// As text or as a file.
    #[serde(default)]
    pub form: Form,
    /// The program's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// 1 to 128 characters that the receipt must repeat.
    pub nonce: String,
}

impl std::fmt::Debug for LicenseRequest {
    /// Neither the activation code nor the machine.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LicenseRequest").field("product", &self.product).finish_non_exhaustive()
    }
}

/// The answer to [`LicenseRequest`].
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LicenseAnswer {
    /// The document, or the whole text of the file.
    pub license: String,
    /// Which of both.
    pub form: Form,
    /// The license's id.
    pub license_id: String,
    /// The signed answer to the nonce.
    pub receipt: String,
}

/// `POST /v1/client/machines/release`: a machine gives its own place back.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachineReturn {
    /// The machine's license, as text or as the whole text of its file: the proof.
    pub license: String,
    /// 1 to 128 characters that the receipt must repeat.
    pub nonce: String,
}

impl std::fmt::Debug for MachineReturn {
    /// Without the license, which is a proof.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MachineReturn").finish_non_exhaustive()
    }
}

/// The answer to [`MachineReturn`]: the place is free, and the machine's licenses are revoked.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachineReturned {
    /// The license that proved it.
    pub license_id: String,
    /// The signed answer to the nonce, over the license as it was sent.
    pub receipt: String,
}

/// An error, RFC 9457.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Always `about:blank`: `code` tells more.
    #[serde(rename = "type", default = "blank")]
    pub kind: String,
    /// The code's sentence in English.
    pub title: String,
    /// The code's sentence in Chinese.
    #[serde(default)]
    pub title_zh: String,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong this time, in English.
    #[serde(default)]
    pub detail: String,
    /// What was wrong this time, in Chinese.
    #[serde(default)]
    pub detail_zh: String,
    /// The stable code.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub code: Code,
}

fn blank() -> String {
    "about:blank".to_owned()
}

/// A product as the server keeps it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProductView {
    /// The description.
    #[serde(flatten)]
    pub product: Product,
    /// When it was applied last.
    pub updated_at: Timestamp,
}

/// How many places are taken, and how many there are.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Usage {
    /// Taken.
    pub used: u32,
    /// Bought; absent while the order was not read or nothing is counted.
    pub limit: Option<u32>,
}

/// What was bought with one line of an order.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceView {
    /// Its id.
    pub instance_id: String,
    /// The order.
    pub order_id: String,
    /// The order's line.
    pub order_line_id: String,
    /// The product, once the order was read and the product is configured.
    pub product: Option<String>,
    /// Active, frozen or released.
    pub state: InstanceState,
    /// What the customer asks for licenses with.
    pub activation_code: String,
    /// Places on machines.
    pub machines: Usage,
    /// When the order ends; absent: never, or not known yet.
    pub expires: Option<Timestamp>,
    /// `read`, `waiting`, `product-unknown`: whether the order behind it is known.
    pub order_state: String,
    /// The marketplace's last answer where reading the order failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_error: Option<String>,
    /// Applications that were accepted and could not be served yet.
    #[serde(default)]
    pub unserved: u32,
    /// While the order was not read: when the marketplace gives up and pays it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_at: Option<Timestamp>,
    /// Seconds until then; 0 when it is past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_seconds_left: Option<u64>,
    /// Since when the buyer waits for the oldest license that he was not given yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// Seconds since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_seconds: Option<u64>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An instance with everything that hangs on it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceDetail {
    /// The instance.
    #[serde(flatten)]
    pub instance: InstanceView,
    /// Its licenses.
    pub licenses: Vec<LicenseView>,
    /// Applications that were accepted and could not be served yet.
    #[serde(default)]
    pub applications: Vec<ApplicationView>,
}

/// An application that was accepted and could not be served yet.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApplicationView {
    /// The marketplace's event.
    pub event_id: String,
    /// `waiting` (for the order or the product) or `held` (refused for the time being).
    pub state: String,
    /// The marketplace's code of a held one, `000900`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_code: Option<String>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
}

/// A license that was issued.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LicenseView {
    /// Its id.
    pub license_id: String,
    /// The instance.
    pub instance_id: String,
    /// The product.
    pub product: String,
    /// The machine that it is bound to; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// `active`, `suspended`, `revoked` or `superseded`.
    pub state: String,
    /// The marketplace's event that asked for it; absent: a program asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The key that signed it.
    pub kid: String,
    /// Begin of its validity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// End of its validity; absent: perpetual.
    pub expires: Option<Timestamp>,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// The document; only where one license is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

/// A machine that holds a place of an instance.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachineView {
    /// Its id here; what it is made of is not kept.
    pub machine_id: String,
    /// The instance.
    pub instance_id: String,
    /// `held`, or `free` since it was released.
    pub state: String,
    /// Which of its parts were enrolled: `board`, `disk`, `os`, `mac`, `cpu`.
    pub parts: Vec<String>,
    /// A program enrolled it with the activation code; else the marketplace's application did.
    pub by_code: bool,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
}

/// Whether uploads wait because the database was restored from a backup.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RestoreView {
    /// Nothing is uploaded until an operator confirms the restore.
    pub uploads_wait: bool,
    /// When the backup was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_at: Option<Timestamp>,
    /// When it was restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_at: Option<Timestamp>,
}

/// What became of queues that rested because the marketplace refused the credentials.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueuesView {
    /// They rested for that; now one question is asked, and its answer decides.
    pub were_closed: bool,
}

/// A license on its way to the marketplace.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadView {
    /// Its id.
    pub upload_id: String,
    /// The marketplace's event.
    pub event_id: String,
    /// The instance.
    pub instance_id: String,
    /// The license.
    pub license_id: String,
    /// `queued`, `delivered`, `refused`, `unclear` or `superseded`.
    pub state: String,
    /// How often it was tried.
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
    /// When it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Something that a person must look at.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlertView {
    /// Its id.
    pub alert_id: String,
    /// The stable word, as in the log.
    pub alert: String,
    /// `warn` or `error`.
    pub level: String,
    /// What it is about: the id of an instance or of another thing; may be empty.
    pub subject: String,
    /// What happened.
    pub message: String,
    /// The same in Chinese.
    #[serde(default)]
    pub message_zh: String,
    /// The other fields of the log line.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub fields: Value,
    /// When it happened.
    pub at: Timestamp,
    /// How often the same came again within the hour.
    pub again: u32,
    /// To whom it was told; empty where nobody is configured.
    pub deliveries: Vec<AlertDelivery>,
}

/// An alert on its way to a webhook or a command.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlertDelivery {
    /// `webhook` or `command`.
    pub target: String,
    /// `queued`, `delivered` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

/// An authorization code that the marketplace sold, as far as it is known here.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeView {
    /// The code itself: a credential.
    pub code: String,
    /// `activating`, `active`, `frozen`, `expired` or `released`.
    pub state: String,
    /// What it was activated as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// The order that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// The marketplace's product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub market_product: Option<String>,
    /// Ours; absent until it is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// How many were bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// The end; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When a program used it first.
    pub used_since: Timestamp,
    /// When the marketplace's answer to its activation was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activated_at: Option<Timestamp>,
    /// When the marketplace last said how it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_at: Option<Timestamp>,
    /// The marketplace's last refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// What that means, in English and Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The marketplace's last answer, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// An order line that the marketplace notified the seller of.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoticeView {
    /// The marketplace's order.
    pub order_id: String,
    /// Its line.
    pub order_line_id: String,
    /// `queued`, `read` or `failed`.
    pub state: String,
    /// The instance that the order line created, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// `NEW`, `RENEW`, `UNSUBSCRIBE`, … as the order says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_type: Option<String>,
    /// The marketplace's product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub market_product: Option<String>,
    /// Its variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// How many were bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// The end of what was bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Why the order could not be read yet, in English and Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The first notification.
    pub received_at: Timestamp,
    /// The last one.
    pub repeated_at: Timestamp,
}

/// Publishes a release: either what it is, for the server's release key to sign, or a whole list
/// that was signed elsewhere.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum ReleasePublish {
    /// A list that was signed elsewhere, with a key that the server knows as a release key or
    /// learns here.
    Signed {
        /// The `release+jwt`.
        document: String,
        /// The public half of the key that signed it, as a JWK.
        key: Value,
    },
    /// One release more.
    Release(Box<ReleaseInput>),
}

/// One release, for the server to sign.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseInput {
    /// The product.
    pub product: String,
    /// The channel.
    pub channel: String,
    /// The platform; `*`: every one.
    pub platform: String,
    /// The version.
    pub version: Version,
    /// When it was released.
    pub date: Timestamp,
    /// Where its package is.
    pub url: String,
    /// Bytes of the package.
    pub len: u64,
    /// SHA-256 of the package, lower-case hex.
    pub sha256: String,
    /// The older versions that must upgrade to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obliges: Option<VersionRange>,
    /// From when on they must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// What is new, in Chinese.
    #[serde(default)]
    pub notes_zh: String,
    /// What is new, in English.
    #[serde(default)]
    pub notes_en: String,
}

/// `POST /api/v1/releases/withdraw`: one release less, for the server to sign.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseWithdraw {
    /// The product.
    pub product: String,
    /// The channel.
    pub channel: String,
    /// The platform; `*`: every one.
    pub platform: String,
    /// The version.
    pub version: Version,
}

/// A release as the server lists it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseView {
    /// The product.
    pub product: String,
    /// The channel.
    pub channel: String,
    /// The platform; `*`: every one.
    pub platform: String,
    /// The version.
    pub version: Version,
    /// When it was released.
    pub date: Timestamp,
    /// Where its package is.
    pub url: String,
    /// Bytes of the package.
    pub len: u64,
    /// SHA-256 of the package, lower-case hex.
    pub sha256: String,
    /// The older versions that must upgrade to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obliges: Option<VersionRange>,
}

/// Makes a token.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenCreate {
    /// What it is for.
    pub name: String,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
}

/// A token, shown once.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenCreated {
    /// What it is for.
    pub name: String,
    /// Its role.
    pub role: String,
    /// The token itself.
    pub token: String,
}
