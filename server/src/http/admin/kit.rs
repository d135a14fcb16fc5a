//! `/api/v1/tenants`, `/api/v1/applications`, `/api/v1/users`, `/api/v1/departments`: data that the
//! joint-operation kit received.

use axum::Json;
use axum::extract::State;
use axum::routing::get;
use license_core::api::{DepartmentView, TenantApplicationView, TenantView, UserView};

use super::route::{OPERATOR, Route, VIEWER};
use super::schema::{list_of, of};
use crate::app::joint_kit;
use crate::app::joint_kit::lists::KitFilter;
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::query::{PathName, QueryParameters};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/v1/tenants", VIEWER, || get(tenants))
        .summary("Enterprises of buyers, as the marketplace told of them")
        .query(&["instance_id", "tenant_id", "after", "limit"])
        .answers(200, list_of::<TenantView>),
    Route::get("/api/v1/applications", VIEWER, || get(applications))
        .summary("Their applications at the authentication centre; never the secrets")
        .query(&["instance_id", "tenant_id", "app_id", "after", "limit"])
        .answers(200, list_of::<TenantApplicationView>),
    Route::get("/api/v1/users", OPERATOR, || get(users))
        .summary("Who may use these applications")
        .query(&["instance_id", "tenant_id", "app_id", "after", "limit"])
        .answers(200, list_of::<UserView>),
    Route::get("/api/v1/departments", OPERATOR, || get(departments))
        .summary("Calls that told of departments, without their bodies")
        .query(&["instance_id", "tenant_id", "after", "limit"])
        .answers(200, list_of::<DepartmentView>),
    Route::get("/api/v1/departments/{id}", OPERATOR, || get(department))
        .summary("One such call with its body, as it was received")
        .answers(200, of::<DepartmentView>),
];

async fn tenants(
    State(state): State<HttpState>,
    QueryParameters(filter): QueryParameters<KitFilter>,
) -> Result<Json<Vec<TenantView>>, ApiError> {
    joint_kit::lists::tenants(&state.app, &filter).await.map(Json)
}

async fn applications(
    State(state): State<HttpState>,
    QueryParameters(filter): QueryParameters<KitFilter>,
) -> Result<Json<Vec<TenantApplicationView>>, ApiError> {
    joint_kit::lists::applications(&state.app, &filter).await.map(Json)
}

async fn users(
    State(state): State<HttpState>,
    QueryParameters(filter): QueryParameters<KitFilter>,
) -> Result<Json<Vec<UserView>>, ApiError> {
    joint_kit::lists::users(&state.app, &filter).await.map(Json)
}

async fn departments(
    State(state): State<HttpState>,
    QueryParameters(filter): QueryParameters<KitFilter>,
) -> Result<Json<Vec<DepartmentView>>, ApiError> {
    joint_kit::lists::departments(&state.app, &filter).await.map(Json)
}

async fn department(
    State(state): State<HttpState>,
    PathName(id): PathName,
) -> Result<Json<DepartmentView>, ApiError> {
    joint_kit::lists::department(&state.app, &id).await.map(Json)
}
