//! What the store keeps of the joint-operation kit: tenants, their applications and users, and
//! logins that nobody asked about yet.

use async_trait::async_trait;
use serde::Serialize;

use super::StoreError;

/// An enterprise of a buyer.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct KitTenant {
    pub(crate) id: String,
    pub(crate) instance_id: String,
    pub(crate) tenant_id: String,
    pub(crate) order_id: String,
    pub(crate) tenant_code: String,
    pub(crate) name: String,
    pub(crate) domain_name: String,
    pub(crate) created_at: i64,
    pub(crate) changed_at: i64,
}

/// An application of a tenant; its secret is sealed.
#[derive(Clone, PartialEq, sqlx::FromRow)]
pub(crate) struct KitApplication {
    pub(crate) id: String,
    pub(crate) instance_id: String,
    pub(crate) tenant_id: String,
    pub(crate) app_id: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Vec<u8>,
    pub(crate) created_at: i64,
    pub(crate) changed_at: i64,
}

/// Who may use an application.
#[derive(Clone, PartialEq, Serialize, sqlx::FromRow)]
pub(crate) struct KitUser {
    pub(crate) id: String,
    pub(crate) instance_id: String,
    pub(crate) tenant_id: String,
    pub(crate) app_id: String,
    pub(crate) user_name: String,
    pub(crate) name: String,
    pub(crate) position: Option<String>,
    pub(crate) org_code: String,
    pub(crate) role: String,
    pub(crate) enabled: bool,
    pub(crate) employee_code: Option<String>,
    pub(crate) mobile: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) entry_date: Option<String>,
    pub(crate) employee_type: Option<i64>,
    pub(crate) work_place: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) changed_at: i64,
}

impl KitUser {
    /// One parameter for all of them.
    pub(super) fn json(users: &[Self]) -> Result<String, StoreError> {
        serde_json::to_string(users).map_err(|error| StoreError::Broken(error.to_string()))
    }
}

/// Departments as they were received.
#[derive(Clone, PartialEq, sqlx::FromRow)]
pub(crate) struct KitOrganisation {
    pub(crate) id: String,
    pub(crate) instance_id: String,
    pub(crate) tenant_id: String,
    pub(crate) whole: bool,
    pub(crate) digest: Vec<u8>,
    pub(crate) body: String,
    pub(crate) received_at: i64,
}

/// The same without the body, which may be large.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct KitOrganisationHead {
    pub(crate) id: String,
    pub(crate) instance_id: String,
    pub(crate) tenant_id: String,
    pub(crate) whole: bool,
    pub(crate) bytes: i64,
    pub(crate) received_at: i64,
}

/// Where and as what the users of an application log in.
#[derive(Clone, PartialEq, sqlx::FromRow)]
pub(crate) struct KitDoor {
    pub(crate) instance_id: String,
    pub(crate) tenant_id: String,
    pub(crate) app_id: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Vec<u8>,
    pub(crate) domain_name: String,
}

/// Which rows to list, in the order of their ids. A list that has no such column ignores it.
#[derive(Clone, Debug, Default)]
pub(crate) struct KitQuery {
    pub(crate) instance_id: Option<String>,
    pub(crate) tenant_id: Option<String>,
    pub(crate) app_id: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: i64,
}

/// Tenants, applications, users, departments, logins.
#[async_trait]
pub(crate) trait Kit {
    /// Adds one or replaces it, but for its id and the time it was made; `named_only` leaves order
    /// and code of one that is there.
    async fn put_kit_tenant(
        &mut self,
        tenant: &KitTenant,
        named_only: bool,
    ) -> Result<(), StoreError>;
    async fn delete_kit_tenant(
        &mut self,
        instance_id: &str,
        tenant_id: &str,
    ) -> Result<(), StoreError>;
    async fn kit_tenants(&mut self, query: &KitQuery) -> Result<Vec<KitTenant>, StoreError>;
    /// Adds one or replaces it, but for its id and the time it was made.
    async fn put_kit_application(&mut self, application: &KitApplication)
    -> Result<(), StoreError>;
    async fn delete_kit_application(
        &mut self,
        instance_id: &str,
        tenant_id: &str,
        app_id: &str,
    ) -> Result<(), StoreError>;
    async fn kit_applications(
        &mut self,
        query: &KitQuery,
    ) -> Result<Vec<KitApplication>, StoreError>;
    /// Adds or replaces any number, each name once, but for their ids and the times they were made.
    async fn put_kit_users(&mut self, users: &[KitUser]) -> Result<(), StoreError>;
    async fn delete_kit_users(
        &mut self,
        instance_id: &str,
        tenant_id: &str,
        app_id: &str,
        user_names: &[String],
    ) -> Result<(), StoreError>;
    async fn kit_users(&mut self, query: &KitQuery) -> Result<Vec<KitUser>, StoreError>;
    async fn kit_user(
        &mut self,
        door: &KitDoor,
        user_name: &str,
    ) -> Result<Option<KitUser>, StoreError>;
    /// Keeps one; an equal one is only newer.
    async fn put_kit_organisation(
        &mut self,
        organisation: &KitOrganisation,
    ) -> Result<(), StoreError>;
    async fn kit_organisations(
        &mut self,
        query: &KitQuery,
    ) -> Result<Vec<KitOrganisationHead>, StoreError>;
    async fn kit_organisation(&mut self, id: &str) -> Result<Option<KitOrganisation>, StoreError>;
    /// The first two doors of an application that fit; `tenant` is an id or a code. A tenant that
    /// was told without an instance stands in for one that was not told with it.
    async fn kit_doors(
        &mut self,
        app_id: &str,
        instance_id: Option<&str>,
        tenant: Option<&str>,
    ) -> Result<Vec<KitDoor>, StoreError>;
    async fn add_login(
        &mut self,
        code: &[u8],
        answer: &[u8],
        expires: i64,
    ) -> Result<(), StoreError>;
    /// Takes one that has not ended out of the database, so that nobody takes it again.
    async fn take_login(&mut self, code: &[u8], now: i64) -> Result<Option<Vec<u8>>, StoreError>;
    /// Forgets up to `limit` that ended before `now`.
    async fn sweep_logins(&mut self, now: i64, limit: i64) -> Result<u64, StoreError>;
}
