//! `/api/v1/tenants`, `/api/v1/applications`, `/api/v1/users`, `/api/v1/departments`: what the
//! joint-operation kit told.

use axum::Json;
use axum::extract::State;
use license_core::api::{DepartmentView, TenantApplicationView, TenantView, UserView};

use super::super::{
    HttpState,
    query::{Name, Parameters},
};
use crate::app::KitFilter;
use crate::error::ApiError;

pub(super) async fn tenants(
    State(state): State<HttpState>,
    Parameters(filter): Parameters<KitFilter>,
) -> Result<Json<Vec<TenantView>>, ApiError> {
    state.app.tenants(&filter).await.map(Json)
}

pub(super) async fn applications(
    State(state): State<HttpState>,
    Parameters(filter): Parameters<KitFilter>,
) -> Result<Json<Vec<TenantApplicationView>>, ApiError> {
    state.app.tenant_applications(&filter).await.map(Json)
}

pub(super) async fn users(
    State(state): State<HttpState>,
    Parameters(filter): Parameters<KitFilter>,
) -> Result<Json<Vec<UserView>>, ApiError> {
    state.app.users(&filter).await.map(Json)
}

pub(super) async fn departments(
    State(state): State<HttpState>,
    Parameters(filter): Parameters<KitFilter>,
) -> Result<Json<Vec<DepartmentView>>, ApiError> {
    state.app.departments(&filter).await.map(Json)
}

pub(super) async fn department(
    State(state): State<HttpState>,
    Name(id): Name,
) -> Result<Json<DepartmentView>, ApiError> {
    state.app.department(&id).await.map(Json)
}
