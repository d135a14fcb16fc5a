//! `/api/v1/tenants`, `/api/v1/applications`, `/api/v1/users`, `/api/v1/departments`: what the
//! joint-operation kit told.

use axum::Json;
use axum::extract::State;
use license_core::api::{DepartmentView, TenantApplicationView, TenantView, UserView};

use super::super::{
    App,
    query::{Name, Parameters},
};
use crate::desk::KitFilter;
use crate::error::ApiError;

pub(super) async fn tenants(
    State(app): State<App>,
    Parameters(filter): Parameters<KitFilter>,
) -> Result<Json<Vec<TenantView>>, ApiError> {
    app.desk.tenants(&filter).await.map(Json)
}

pub(super) async fn applications(
    State(app): State<App>,
    Parameters(filter): Parameters<KitFilter>,
) -> Result<Json<Vec<TenantApplicationView>>, ApiError> {
    app.desk.tenant_applications(&filter).await.map(Json)
}

pub(super) async fn users(
    State(app): State<App>,
    Parameters(filter): Parameters<KitFilter>,
) -> Result<Json<Vec<UserView>>, ApiError> {
    app.desk.users(&filter).await.map(Json)
}

pub(super) async fn departments(
    State(app): State<App>,
    Parameters(filter): Parameters<KitFilter>,
) -> Result<Json<Vec<DepartmentView>>, ApiError> {
    app.desk.departments(&filter).await.map(Json)
}

pub(super) async fn department(
    State(app): State<App>,
    Name(id): Name,
) -> Result<Json<DepartmentView>, ApiError> {
    app.desk.department(&id).await.map(Json)
}
