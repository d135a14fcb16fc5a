//! The claims of a license: who may use what, where, until when (FORMAT.md, section 3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Refusal, Timestamp,
    binding::Binding,
    entitlement::{Entitlement, LicenseKind},
    jws::DocType,
    version::VersionRange,
};

/// The claims of a license. Serialized, they are the payload of a `license+jwt`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct License {
    /// Who signed.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// When it was signed.
    #[serde(rename = "iat")]
    pub issued_at: Timestamp,
    /// The instance that was bought.
    #[serde(rename = "sub")]
    pub instance: String,
    /// The license's id.
    #[serde(rename = "jti")]
    pub id: String,
    /// Begin of the validity.
    #[serde(rename = "nbf", default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// End of the validity; absent: perpetual.
    #[serde(rename = "exp", default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// What may be used.
    #[serde(rename = "prd")]
    pub product: String,
    /// Who may use it.
    #[serde(rename = "cus", default, skip_serializing_if = "String::is_empty")]
    pub customer: String,
    /// How seats are taken.
    #[serde(rename = "knd")]
    pub kind: LicenseKind,
    /// Given for trying out.
    #[serde(rename = "trl", default, skip_serializing_if = "std::ops::Not::not")]
    pub trial: bool,
    /// Named rights and limits.
    #[serde(rename = "ent", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub entitlements: BTreeMap<String, Entitlement>,
    /// The versions that may be used; absent: every version.
    #[serde(rename = "ver", default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<VersionRange>,
    /// End of the maintenance window: later releases are not covered.
    #[serde(rename = "mnt", default, skip_serializing_if = "Option::is_none")]
    pub maintenance_until: Option<Timestamp>,
    /// Seconds after `exp` in which the program still runs.
    #[serde(rename = "grc", default, skip_serializing_if = "is_zero")]
    pub grace_secs: i64,
    /// Floating seats.
    #[serde(rename = "sea", default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<u32>,
    /// The machine.
    #[serde(rename = "dev", default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_zero(value: &i64) -> bool {
    *value == 0
}

impl License {
    /// Reads the claims of a verified payload.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] where a member is missing, null, of the wrong type or impossible.
    pub fn from_payload(payload: &Map<String, Value>) -> Result<Self, Refusal> {
        // serde takes null for absent, and an absent `exp` is perpetual.
        if DocType::License.members().iter().any(|name| payload.get(*name) == Some(&Value::Null)) {
            return Err(Refusal::Malformed("a member is null"));
        }
        let license: Self = serde_json::from_value(Value::Object(payload.clone()))
            .map_err(|_| Refusal::Malformed("a member is missing or of the wrong type"))?;
        license.coherent()?;
        Ok(license)
    }

    fn coherent(&self) -> Result<(), Refusal> {
        let refuse = |what| Err(Refusal::Malformed(what));
        if self.instance.is_empty() || self.id.is_empty() || self.product.is_empty() {
            return refuse("an id is empty");
        }
        if self.grace_secs < 0 {
            return refuse("negative grace");
        }
        match (self.kind, &self.binding) {
            (LicenseKind::NodeLocked, None) => refuse("node-locked without a machine"),
            (_, Some(binding)) => binding.coherent(),
            (_, None) => Ok(()),
        }
    }
}
