//! `/api/v1/alerts`: the alerts of the last 30 days.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use license_core::api::AlertView;

use super::route::{OPERATOR, Route, VIEWER};
use super::schema::{list_of, of};
use crate::app::alerts::{self, AlertFilter};
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::query::{PathName, QueryParameters};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/v1/alerts", VIEWER, || get(list))
        .summary("Alerts of the last 30 days, and to whom they were told")
        .query(&["alert", "after", "limit"])
        .answers(200, list_of::<AlertView>),
    Route::get("/api/v1/alerts/{id}", VIEWER, || get(show))
        .summary("One alert")
        .answers(200, of::<AlertView>),
    Route::post("/api/v1/alerts/test", OPERATOR, || post(test))
        .summary("Tell an alert that means nothing, to see whether it arrives")
        .answers(201, of::<AlertView>),
];

async fn list(
    State(state): State<HttpState>,
    QueryParameters(filter): QueryParameters<AlertFilter>,
) -> Result<Json<Vec<AlertView>>, ApiError> {
    alerts::list(&state.app, &filter).await.map(Json)
}

async fn show(
    State(state): State<HttpState>,
    PathName(id): PathName,
) -> Result<Json<AlertView>, ApiError> {
    alerts::find(&state.app, &id).await.map(Json)
}

async fn test(State(state): State<HttpState>) -> Result<(StatusCode, Json<AlertView>), ApiError> {
    Ok((StatusCode::CREATED, Json(alerts::send_test(&state.app).await?)))
}
