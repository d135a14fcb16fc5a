//! Licenses: a program's request for one, and how they are listed.

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use crate::{
    Timestamp,
    id::{EventId, InstanceId, LicenseId, MachineId},
    product::LicenseForm,
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
    pub form: LicenseForm,
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
    pub form: LicenseForm,
    /// The license's id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub license_id: LicenseId,
    /// The signed answer to the nonce.
    pub receipt: String,
}

/// A license that was issued.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LicenseView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub license_id: LicenseId,
    /// The instance.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub instance_id: InstanceId,
    /// The product.
    pub product: String,
    /// The machine that it is bound to; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub machine_id: Option<MachineId>,
    /// `active`, `suspended`, `revoked` or `superseded`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: IssuedLicenseStatus,
    /// The marketplace's event that asked for it; absent: a program asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub event_id: Option<EventId>,
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

open_enum! {
    /// Whether an issued license counts.
    IssuedLicenseStatus {
        /// It counts.
        Active = "active",
        /// It does not count until it is reinstated.
        Suspended = "suspended",
        /// It never counts again.
        Revoked = "revoked",
        /// Revoked because another license took its place.
        Superseded = "superseded",
    }
}
