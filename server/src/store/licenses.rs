//! What the store keeps of signed licenses.

use async_trait::async_trait;

use super::{StoreError, text_enum::text_enum};

text_enum! {
    /// Whether a license counts.
    LicenseState {
        /// It counts.
        Active = "active",
        /// On the list until it is reinstated.
        Suspended = "suspended",
        /// On the list for good.
        Revoked = "revoked",
    }
}

/// One signed license.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct LicenseRow {
    pub(crate) id: String,
    pub(crate) instance_id: String,
    pub(crate) machine_id: Option<String>,
    pub(crate) event_id: Option<String>,
    pub(crate) product: String,
    pub(crate) issued_at: i64,
    pub(crate) not_before: Option<i64>,
    pub(crate) expires: Option<i64>,
    pub(crate) grace: i64,
    pub(crate) terms: Vec<u8>,
    pub(crate) document: String,
    pub(crate) state: LicenseState,
    pub(crate) reason: Option<String>,
    pub(crate) changed_at: i64,
}

/// Which licenses to list, in the order of their ids.
#[derive(Clone, Debug)]
pub(crate) struct LicenseQuery {
    pub(crate) instance_id: Option<String>,
    pub(crate) machine_id: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) state: Option<LicenseState>,
    pub(crate) after: Option<String>,
    pub(crate) limit: i64,
}

/// Licenses and whether they count.
#[async_trait]
pub(crate) trait Licenses {
    async fn license(&mut self, id: &str) -> Result<Option<LicenseRow>, StoreError>;
    async fn add_license(&mut self, license: &LicenseRow) -> Result<(), StoreError>;
    async fn licenses(&mut self, query: &LicenseQuery) -> Result<Vec<LicenseRow>, StoreError>;
    /// Active licenses with these terms, newest first: of a machine, or of an instance without
    /// binding.
    async fn licenses_in_force(
        &mut self,
        instance_id: &str,
        machine_id: Option<&str>,
        terms: &[u8],
    ) -> Result<Vec<LicenseRow>, StoreError>;
    /// The license that answers an application of the instance, revoked or not.
    async fn license_of_event(
        &mut self,
        instance_id: &str,
        event_id: &str,
    ) -> Result<Option<LicenseRow>, StoreError>;
    /// Whether an operator suspended a license of a machine, or one without binding of an instance.
    async fn is_suspended(
        &mut self,
        instance_id: &str,
        machine_id: Option<&str>,
    ) -> Result<bool, StoreError>;
    /// Revokes all licenses of a machine; how many.
    async fn revoke_machine(
        &mut self,
        machine_id: &str,
        reason: &str,
        at: i64,
    ) -> Result<u64, StoreError>;
    /// When the `nth` newest of the instance's machines that gave their own place back did it, if
    /// there are as many.
    async fn newest_returned(
        &mut self,
        instance_id: &str,
        nth: i64,
    ) -> Result<Option<i64>, StoreError>;
    /// How many licenses a machine has that are not revoked.
    async fn machine_licenses(&mut self, machine_id: &str) -> Result<i64, StoreError>;
    async fn put_license_state(
        &mut self,
        id: &str,
        state: LicenseState,
        reason: Option<&str>,
        at: i64,
    ) -> Result<(), StoreError>;
    /// Suspends the instance's active licenses because it was frozen; how many.
    async fn freeze_licenses(&mut self, instance_id: &str, at: i64) -> Result<u64, StoreError>;
    /// Reinstates those that only freezing had suspended.
    async fn unfreeze_licenses(&mut self, instance_id: &str, at: i64) -> Result<u64, StoreError>;
    /// Revokes all of the instance's licenses.
    async fn release_licenses(&mut self, instance_id: &str, at: i64) -> Result<u64, StoreError>;
    /// What belongs on the revocation list: not active, and not over by itself at `now`.
    async fn listed_licenses(
        &mut self,
        now: i64,
    ) -> Result<Vec<(String, LicenseState)>, StoreError>;
}
