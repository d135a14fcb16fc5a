//! The joint-operation kit: tenants, applications, users and departments of buyers, and logins.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Timestamp, id::InstanceId};

/// An enterprise of a buyer.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TenantView {
    /// The row's id, for paging.
    pub id: String,
    /// The seller's instance; empty while the seller applied for an application's credentials.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub instance_id: InstanceId,
    /// The marketplace's id.
    pub tenant_id: String,
    /// The order; empty as the instance is.
    pub order_id: String,
    /// Selects the buyer's login domain.
    pub tenant_code: String,
    /// The enterprise's name.
    pub name: String,
    /// Address of the authentication centre.
    pub domain_name: String,
    /// When it was told first.
    pub created_at: Timestamp,
    /// When it was told last.
    pub changed_at: Timestamp,
}

/// An application of a tenant at the authentication centre; its secret is never shown.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TenantApplicationView {
    /// The row's id, for paging.
    pub id: String,
    /// The seller's instance.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub instance_id: InstanceId,
    /// The enterprise.
    pub tenant_id: String,
    /// The marketplace's id.
    pub app_id: String,
    /// Its name at the authentication centre.
    pub client_id: String,
    /// When it was told first.
    pub created_at: Timestamp,
    /// When it was told last.
    pub changed_at: Timestamp,
}

/// Somebody who may use an application.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserView {
    /// The row's id, for paging.
    pub id: String,
    /// The seller's instance.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub instance_id: InstanceId,
    /// The enterprise.
    pub tenant_id: String,
    /// The application.
    pub app_id: String,
    /// The name that the authentication centre tells as well.
    pub user_name: String,
    /// The person's name.
    pub name: String,
    /// What the person does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// The department.
    pub org_code: String,
    /// `user` or `admin`.
    pub role: String,
    /// Whether the user may log in.
    pub enabled: bool,
    /// The enterprise's number of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_code: Option<String>,
    /// Mobile number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// First day, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_date: Option<String>,
    /// 1 to 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_type: Option<u8>,
    /// Where the person works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_place: Option<String>,
    /// When the user was told first.
    pub created_at: Timestamp,
    /// When the user was told last.
    pub changed_at: Timestamp,
}

impl fmt::Debug for UserView {
    /// Nothing of the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserView").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A call that told of departments; the form of its body is not public.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DepartmentView {
    /// The row's id, for paging.
    pub id: String,
    /// The seller's instance; empty where the call names none.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub instance_id: InstanceId,
    /// The enterprise; empty where the call names none.
    pub tenant_id: String,
    /// The whole organisation (`allOrgSync`) rather than what has changed.
    pub whole: bool,
    /// How long the body is.
    pub bytes: u64,
    /// The body as it was received; in the answer to one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// When it came last.
    pub received_at: Timestamp,
}

impl fmt::Debug for DepartmentView {
    /// Without the body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DepartmentView").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Asks who came back from a login.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LoginRedeem {
    /// The code that the seller's page was called with.
    pub code: String,
}

impl fmt::Debug for LoginRedeem {
    /// Without the code, which is a credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginRedeem(..)")
    }
}

/// Who logged in.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoginView {
    /// Into what.
    pub application: LoginApplication,
    /// What the authentication centre says about the user, as it says it.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub user: Value,
    /// What `authSync` told about the user of that name; absent where it told nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced: Option<SyncedUser>,
    /// When.
    pub logged_in_at: Timestamp,
}

impl fmt::Debug for LoginView {
    /// Nothing of the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginView").field("application", &self.application).finish_non_exhaustive()
    }
}

/// The application that somebody logged into.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoginApplication {
    /// The seller's instance.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub instance_id: InstanceId,
    /// The enterprise.
    pub tenant_id: String,
    /// The application.
    pub app_id: String,
}

/// What the seller may rely on about a user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncedUser {
    /// `user` or `admin`.
    pub role: String,
    /// Whether the user may use the application.
    pub enabled: bool,
}
