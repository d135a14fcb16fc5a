//! Lists of tenants, their applications, users and departments for operators.

use license_core::{Timestamp, api};
use serde::Deserialize;

use crate::app::{App, paging, views};
use crate::error::ApiError;
use crate::store::{KitOrganisation, KitQuery};

/// Which rows to list. What a list has no column for does not narrow it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KitFilter {
    pub(crate) instance_id: Option<String>,
    pub(crate) tenant_id: Option<String>,
    pub(crate) app_id: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<u32>,
}

impl KitFilter {
    fn query(&self) -> Result<KitQuery, ApiError> {
        Ok(KitQuery {
            instance_id: self.instance_id.clone(),
            tenant_id: self.tenant_id.clone(),
            app_id: self.app_id.clone(),
            after: self.after.clone(),
            limit: paging::limit(self.limit)?,
        })
    }
}

/// Enterprises of buyers, in the order in which they arrived.
pub(crate) async fn tenants(
    app: &App,
    filter: &KitFilter,
) -> Result<Vec<api::TenantView>, ApiError> {
    let rows = app.store.read().await?.kit_tenants(&filter.query()?).await?;
    let view = |row: crate::store::KitTenant| api::TenantView {
        id: row.id,
        instance_id: row.instance_id.into(),
        tenant_id: row.tenant_id,
        order_id: row.order_id,
        tenant_code: row.tenant_code,
        name: row.name,
        domain_name: row.domain_name,
        created_at: Timestamp::from_secs(row.created_at),
        changed_at: Timestamp::from_secs(row.changed_at),
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Their applications, without the secrets.
pub(crate) async fn applications(
    app: &App,
    filter: &KitFilter,
) -> Result<Vec<api::TenantApplicationView>, ApiError> {
    let rows = app.store.read().await?.kit_applications(&filter.query()?).await?;
    let view = |row: crate::store::KitApplication| api::TenantApplicationView {
        id: row.id,
        instance_id: row.instance_id.into(),
        tenant_id: row.tenant_id,
        app_id: row.app_id,
        client_id: row.client_id,
        created_at: Timestamp::from_secs(row.created_at),
        changed_at: Timestamp::from_secs(row.changed_at),
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Their users.
pub(crate) async fn users(app: &App, filter: &KitFilter) -> Result<Vec<api::UserView>, ApiError> {
    let rows = app.store.read().await?.kit_users(&filter.query()?).await?;
    let view = |row: crate::store::KitUser| api::UserView {
        id: row.id,
        instance_id: row.instance_id.into(),
        tenant_id: row.tenant_id,
        app_id: row.app_id,
        user_name: row.user_name,
        name: row.name,
        position: row.position,
        org_code: row.org_code,
        role: row.role,
        enabled: row.enabled,
        employee_code: row.employee_code,
        mobile: row.mobile,
        email: row.email,
        entry_date: row.entry_date,
        employee_type: row.employee_type.and_then(|kind| u8::try_from(kind).ok()),
        work_place: row.work_place,
        created_at: Timestamp::from_secs(row.created_at),
        changed_at: Timestamp::from_secs(row.changed_at),
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Calls about departments, without their bodies.
pub(crate) async fn departments(
    app: &App,
    filter: &KitFilter,
) -> Result<Vec<api::DepartmentView>, ApiError> {
    let rows = app.store.read().await?.kit_organisations(&filter.query()?).await?;
    let view = |row: crate::store::KitOrganisationHead| api::DepartmentView {
        id: row.id,
        instance_id: row.instance_id.into(),
        tenant_id: row.tenant_id,
        whole: row.whole,
        bytes: u64::try_from(row.bytes).unwrap_or_default(),
        body: None,
        received_at: Timestamp::from_secs(row.received_at),
    };
    Ok(rows.into_iter().map(view).collect())
}

/// One of them with its body.
pub(crate) async fn department(app: &App, id: &str) -> Result<api::DepartmentView, ApiError> {
    let found: Option<KitOrganisation> = app.store.read().await?.kit_organisation(id).await?;
    let row = found.ok_or_else(|| views::not_found("department", "部门"))?;
    Ok(api::DepartmentView {
        id: row.id,
        instance_id: row.instance_id.into(),
        tenant_id: row.tenant_id,
        whole: row.whole,
        bytes: row.body.len() as u64,
        body: Some(row.body),
        received_at: Timestamp::from_secs(row.received_at),
    })
}
